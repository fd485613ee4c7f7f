"""`edge devices`: the devices of a console."""

import click

from edge.cli import ask, console_options, facts
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console.client import Client, part
from edge.console.devices import states

_HEAD = ("device", "state", "board", "version", "phase", "tags")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(cls=LazyGroup)
def devices() -> None:
    r"""See, accept and revoke the devices of a console.

    \b
    Examples:
      edge devices list 'version<1.2 and tag:berlin'
      edge devices show gw-7
      edge devices logs gw-7
    """


devices.add_lazily(
    {
        "register": "edge.cli.devices_enrol:register",
        "re-enrol": "edge.cli.devices_enrol:re_enrol",
        "import": "edge.cli.devices_roster:import_devices",
        "export": "edge.cli.devices_roster:export",
        "token": "edge.cli.devices_token:token",
        "gateway-token": "edge.cli.devices_token:gateway_token",
        "tag": "edge.cli.devices_labels:tag",
        "set": "edge.cli.devices_labels:set_attributes",
        "note": "edge.cli.devices_labels:note",
        "made": "edge.cli.devices_made:made",
        "history": "edge.cli.devices_history:history",
        "events": "edge.cli.devices_labels:events",
        "logs": "edge.cli.devices_reach:logs",
        "restart": "edge.cli.devices_reach:restart",
        "reboot": "edge.cli.devices_reach:reboot",
        "inventory": "edge.cli.devices_reach:inventory",
        "terminal": "edge.cli.devices_terminal:terminal",
    }
)


@devices.command("list")
@click.argument("filter_text", metavar="[FILTER]", default="")
@click.option("--state", type=click.Choice(states.NAMES), help="Only those that stand so.")
@click.option("--tag", default="", help="Only those with this tag.")
@console_options.options
@JSON
@click.pass_obj
def list_devices(
    output: Output,
    *,
    filter_text: str,
    state: str | None,
    tag: str,
    client: Client,
    as_json: bool,
) -> None:
    r"""List devices, in the order of their ids.

    \b
    Examples:
      edge devices list --state pending
      edge devices list 'version<1.2 and tag:berlin'
    """
    output.as_json |= as_json
    found = list(client.pages("/devices", "devices", filter=filter_text, state=state, tag=tag))
    rows = [
        (
            one["device"],
            one["state"],
            one["board"],
            one["version"],
            one["phase"],
            " ".join(one["tags"]),
        )
        for one in found
    ]
    output.result({"devices": found}, "\n".join(table(_HEAD, rows)) if rows else "no devices")


@devices.command("show")
@click.argument("device")
@console_options.options
@JSON
@click.pass_obj
def show(output: Output, *, device: str, client: Client, as_json: bool) -> None:
    r"""Show a device, and what was ordered of it.

    \b
    Example:
      edge devices show gw-7
    """
    output.as_json |= as_json
    found = client.get(f"/devices/{part(device)}")
    orders = client.get(f"/devices/{part(device)}/orders")["orders"]
    lines = list(facts.lines(found, width=16))
    rows = [
        (one["action"], one["version"], one["state"], " ".join(one["reason"].split()))
        for one in orders
    ]
    if rows:
        lines += ["", *table(("order", "version", "state", "reason"), rows)]
    output.result({**found, "orders": orders}, "\n".join(lines))


@devices.command("accept")
@click.argument("names", metavar="DEVICE...", nargs=-1, required=True)
@console_options.options
@JSON
@click.pass_obj
def accept(output: Output, *, names: tuple[str, ...], client: Client, as_json: bool) -> None:
    r"""Let devices in that wait, or that were revoked.

    Compare the certificate that `show` tells with that of the device first: whoever has a
    certificate of the factory can ask.

    \b
    Examples:
      edge devices show gw-7               # compare the certificate
      edge devices accept gw-7 gw-8
    """
    output.as_json |= as_json
    for name in names:
        found = client.send("POST", f"/devices/{part(name)}/accept")
        output.result(found, f"{name}: accepted, certificate {found['certificate']}")


@devices.command("reject")
@click.argument("names", metavar="DEVICE...", nargs=-1, required=True)
@console_options.options
@JSON
@click.pass_obj
def reject(output: Output, *, names: tuple[str, ...], client: Client, as_json: bool) -> None:
    r"""Forget devices that wait, and never let their certificates in.

    \b
    Example:
      edge devices reject stranger-1
    """
    output.as_json |= as_json
    for name in names:
        client.send("POST", f"/devices/{part(name)}/reject")
        output.result({"device": name, "rejected": True}, f"{name}: rejected")


@devices.command("revoke")
@click.argument("names", metavar="DEVICE...", nargs=-1, required=True)
@_YES
@console_options.options
@JSON
@click.pass_obj
def revoke(
    output: Output, *, names: tuple[str, ...], yes: bool, client: Client, as_json: bool
) -> None:
    r"""Let devices in no longer, at once.

    \b
    Example:
      edge devices revoke gw-7
    """
    output.as_json |= as_json
    ask.confirm(f"revoke {', '.join(names)}?", yes=yes)
    for name in names:
        output.result(client.send("POST", f"/devices/{part(name)}/revoke"), f"{name}: revoked")


@devices.command("decommission")
@click.argument("device")
@_YES
@console_options.options
@JSON
@click.pass_obj
def decommission(output: Output, *, device: str, yes: bool, client: Client, as_json: bool) -> None:
    r"""Put a device out of use: its certificate is never let in again.

    \b
    Example:
      edge devices decommission gw-7
    """
    output.as_json |= as_json
    ask.confirm(f"put {device} out of use for good?", yes=yes)
    found = client.send("POST", f"/devices/{part(device)}/decommission")
    output.result(found, f"{device}: decommissioned")
