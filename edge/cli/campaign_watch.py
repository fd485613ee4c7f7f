"""`edge campaign watch`: see a campaign as it goes, until it ends or stops."""

import time
from typing import Any, Final

import click

from edge.cli import campaign_text, console_options
from edge.cli.console_options import JSON
from edge.cli.output import PLAIN_EVERY_S, Output
from edge.console.client import Client, part
from edge.errors import EdgeError

_LOOK_S: Final = 1.0
_STANDS: Final = frozenset({"paused", "waiting-for-approval", "draft"})
_GOOD: Final = frozenset({"finished"})


@click.command()
@click.argument("campaign")
@console_options.options
@JSON
@click.pass_obj
def watch(output: Output, *, campaign: str, client: Client, as_json: bool) -> None:
    r"""Show a campaign as it goes; ends when it has ended, or waits for a person.

    Ends with status 1 if the campaign stopped or was reverted. With --json, one line for each
    change.

    \b
    Example:
      edge campaign watch c-1f2e3d4c && edge campaign start c-5d6e7f80
    """
    output.as_json |= as_json
    path = f"/campaigns/{part(campaign)}"
    found = client.get(path)
    if output.is_terminal and not output.as_json:
        found = _live(output, client, path, found)
    else:
        found = _lines(output, client, path, found)
    if found["state"] not in _GOOD:
        raise EdgeError(f"{campaign} is {found['state']}", hint=found["reason"])


def _is_over(found: dict[str, Any]) -> bool:
    return found["state"] in _STANDS or not found["is_live"]


def _live(output: Output, client: Client, path: str, found: dict[str, Any]) -> dict[str, Any]:
    from rich.live import Live

    with Live(console=output.console, auto_refresh=False) as live:
        while True:
            live.update(campaign_text.campaign(found), refresh=True)
            if _is_over(found):
                return found
            time.sleep(_LOOK_S)
            found = client.get(path)


def _lines(output: Output, client: Client, path: str, found: dict[str, Any]) -> dict[str, Any]:
    shown, shown_at = None, 0.0
    while True:
        now = time.monotonic()
        is_news = found != shown and (output.as_json or now - shown_at >= PLAIN_EVERY_S)
        if is_news or _is_over(found):
            counts = "  ".join(f"{count} {one}" for one, count in sorted(found["counts"].items()))
            output.result(found, f"{found['state']}: {counts}")
            shown, shown_at = found, now
        if _is_over(found):
            return found
        time.sleep(_LOOK_S)
        found = client.get(path)
