"""`edge audit`: who did what with a console, and whether the log is whole."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Final

import click

from edge.cli import clock, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console import chain
from edge.console.chain import Entry
from edge.console.client import Client
from edge.errors import UntrustedError

_USUAL: Final = 50


@click.group(cls=LazyGroup)
def audit() -> None:
    r"""See who did what with a console, and whether the log is whole.

    \b
    Examples:
      edge audit list --subject device:gw-7
      edge audit verify
    """


@audit.command("list")
@click.option("--subject", default="", help="Only of one thing, such as device:unit-7.")
@click.option("--last", type=click.IntRange(1), metavar="N", help="The newest N, else 50.")
@click.option("--since", metavar="DATE", help="All since then: 2026-03-01, UTC.")
@click.option("--all", "is_all", is_flag=True, help="The whole log.")
@console_options.options
@JSON
@click.pass_obj
def list_entries(
    output: Output,
    *,
    subject: str,
    last: int | None,
    since: str | None,
    is_all: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""List the newest entries of the audit log, the last one at the end.

    \b
    Examples:
      edge audit list
      edge audit list --subject device:gw-7 --last 10
      edge audit list --since 2026-03-01 --json
    """
    output.as_json |= as_json
    if is_all and last is not None:
        raise click.UsageError("--all and --last are two numbers")
    most = last or (None if is_all or since is not None else _USUAL)
    since_s = clock.since_s(since) if since is not None else 0
    newest = client.newest("/audit", "entries", subject=subject, since_s=since_s)
    found = list(islice(newest, most))
    has_more = most is not None and next(newest, None) is not None
    found.reverse()
    rows = [
        (
            clock.shown(one["at_s"]),
            one["actor"],
            one["act"],
            one["subject"],
            json.dumps(one["details"]) if one["details"] else "",
        )
        for one in found
    ]
    head = ("when (UTC)", "who", "what", "to", "details")
    lines = table(head, rows)
    if has_more:
        lines.append(f"these are the newest {len(found)}: --last N, --since DATE or --all for more")
    output.result({"entries": found, "more": has_more}, "\n".join(lines))


@audit.command("verify")
@click.option("--tip", metavar="NUMBER:DIGEST", help="What an earlier call printed.")
@console_options.options
@JSON
@click.pass_obj
def verify(output: Output, *, tip: str | None, client: Client, as_json: bool) -> None:
    r"""Read the whole log, check each entry here, and print its tip.

    A console that was broken into can write another log as a whole: keep the tip elsewhere, and
    give it the next time.

    \b
    Example:
      edge audit verify
    """
    output.as_json |= as_json
    digests: dict[int, str] = {}

    def entries() -> Iterator[Entry]:
        for one in client.pages("/audit", "entries"):
            digests[one["number"]] = one["digest"]
            yield Entry(**one)

    found = chain.verified(entries())
    if tip is not None:
        number, _colon, digest = tip.partition(":")
        if digests.get(int(number) if number.isdigit() else 0) != digest:
            raise UntrustedError(f"audit: entry {number} is not the one of --tip")
    facts = {"number": found.number, "digest": found.digest}
    output.result(facts, f"{found.number} entries hold; tip {found.number}:{found.digest}")
