"""`edge devices history`: what happened to a device."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

import click

from edge.cli import clock, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.table import table
from edge.console.client import Client, part

_HEAD = ("when (UTC)", "who", "what", "version", "more")


@click.command("history")
@click.argument("device")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many things, the newest ones.",
)
@click.option("--all", "is_all", is_flag=True, help="All that is known.")
@console_options.options
@JSON
@click.pass_obj
def history(
    output: Output, *, device: str, limit: int, is_all: bool, client: Client, as_json: bool
) -> None:
    r"""Tell what happened to DEVICE, newest first: events, orders, and who did what to it.

    Acts are told to who may read the audit log.

    \b
    Examples:
      edge devices history gw-1
      edge devices history gw-1 --all --json
    """
    output.as_json |= as_json
    asked = client.pages(f"/devices/{part(device)}/history", "items")
    found = list(asked if is_all else islice(asked, limit))
    text = "\n".join(table(_HEAD, [_row(one) for one in found])) if found else f"{device}: nothing"
    output.result({"device": device, "items": found}, text)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    more = one["reason"] or (json.dumps(one["details"]) if one["details"] else "")
    return (
        clock.shown(one["at_s"]),
        one["who"] or _nobody(one),
        one["what"],
        one["version"],
        " ".join(more.split()),
    )


def _nobody(one: Mapping[str, Any]) -> str:
    """Return who is behind a thing that nobody did: the device, or the console."""
    return "console" if one["source"] == "order" else "device"
