"""Commands by which people decide over a campaign."""

from collections.abc import Callable
from typing import Any

import click

from edge.cli import ask, campaign_text, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part


def _decision(name: str, text: str, *, asks: str = "") -> Any:
    """Return the command that decides something.

    Args:
        name: Of the command and of the act.
        text: Its help.
        asks: What is to be agreed to before; empty for nothing.
    """

    def decide(
        output: Output,
        *,
        campaign: str,
        reason: str,
        client: Client,
        as_json: bool,
        is_sure: bool = False,
    ) -> None:
        output.as_json |= as_json
        if asks:
            ask.confirm(asks.format(campaign), yes=is_sure)
        found = client.send("POST", f"/campaigns/{part(campaign)}/{name}", {"reason": reason})
        output.result(found, campaign_text.campaign(found))

    decorated: Callable[..., Any] = click.pass_obj(decide)
    decorated = JSON(console_options.options(decorated))
    if asks:
        decorated = click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")(decorated)
    decorated = click.option("--reason", default="", help="For the audit log.")(decorated)
    decorated = click.argument("campaign")(decorated)
    example = f"\b\nExample:\n  edge campaign {name} c-1f2e3d4c"
    return click.command(name, help=f"{text}\n\n{example}")(decorated)


start = _decision("start", "Let a campaign begin, at once or at the time of its plan.")
pause = _decision("pause", "Order no more devices, until it is resumed.")
resume = _decision(
    "resume",
    "Go on. If failures had stopped it, those that were seen by now count no more.",
)
next_wave = _decision("next-wave", "Begin the next wave, without waiting for this one to succeed.")
finish = _decision("finish", "Order no more devices for good; what is under way comes to its end.")
abort = _decision(
    "abort",
    "Stop a campaign and take back what is under way. Devices that have the release keep it.",
    asks="Stop {} and take back what is under way?",
)
revert = _decision(
    "revert",
    "Stop a campaign and let its devices run again what they ran before, from their other slot.",
    asks="Let all devices of {} go back to what they ran before?",
)


@click.command()
@click.argument("campaign")
@click.option("--device", "devices", multiple=True, help="Only this one. May be repeated.")
@console_options.options
@JSON
@click.pass_obj
def retry(
    output: Output, *, campaign: str, devices: tuple[str, ...], client: Client, as_json: bool
) -> None:
    r"""Give devices that failed or were silent another try.

    \b
    Example:
      edge campaign retry c-1f2e3d4c --device unit-7
    """
    output.as_json |= as_json
    found = client.send("POST", f"/campaigns/{part(campaign)}/retry", {"devices": list(devices)})
    output.result(found, f"{found['devices']} devices get another try")


@click.command()
@click.argument("campaign")
@console_options.options
@JSON
@click.pass_obj
def remove(output: Output, *, campaign: str, client: Client, as_json: bool) -> None:
    r"""Remove a campaign that is over, with its journal. The audit log keeps what was decided.

    \b
    Example:
      edge campaign remove c-1f2e3d4c
    """
    output.as_json |= as_json
    client.send("DELETE", f"/campaigns/{part(campaign)}")
    output.result({"removed": campaign}, f"{campaign}: removed")
