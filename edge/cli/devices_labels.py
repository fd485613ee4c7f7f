"""`edge devices tag` and `events`: what is said of devices, and what they say."""

from datetime import UTC, datetime

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.table import table
from edge.console.client import Client, part
from edge.errors import InputError


@click.command("tag")
@click.argument("device")
@click.option("--add", "added", multiple=True, help="May be repeated.")
@click.option("--remove", "removed", multiple=True, help="May be repeated.")
@console_options.options
@JSON
@click.pass_obj
def tag(
    output: Output,
    *,
    device: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    client: Client,
    as_json: bool,
) -> None:
    """Add tags to a device, and remove some."""
    output.as_json |= as_json
    if not added and not removed:
        raise InputError("say which: --add TAG or --remove TAG")
    body = {"add": list(added), "remove": list(removed)}
    found = client.send("POST", f"/devices/{part(device)}/tags", body)
    output.result({"device": device, **found}, f"{device}: {' '.join(found['tags']) or 'no tags'}")


@click.command("events")
@click.argument("device", default="")
@console_options.options
@JSON
@click.pass_obj
def events(output: Output, *, device: str, client: Client, as_json: bool) -> None:
    """List what happened on DEVICE, or on all, in the order in which the console heard of it."""
    output.as_json |= as_json
    found = list(client.pages("/events", "events", device=device))
    rows = [
        (
            f"{datetime.fromtimestamp(one['received_at_s'], UTC):%Y-%m-%d %H:%M:%S}",
            one["device"],
            one["kind"],
            one["version"],
            one["reason"],
        )
        for one in found
    ]
    head = ("heard (UTC)", "device", "event", "version", "reason")
    output.result({"events": found}, "\n".join(table(head, rows)) if rows else "no events")
