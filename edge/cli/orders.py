"""`edge orders`: what was ordered of a device, and taking it back."""

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console.client import Client, part


@click.group(cls=LazyGroup)
def orders() -> None:
    r"""See the orders of a device, and take one back. `edge deploy` gives them.

    \b
    Example:
      edge orders list gw-7
    """


@orders.command("list")
@click.argument("device")
@console_options.options
@JSON
@click.pass_obj
def list_orders(output: Output, *, device: str, client: Client, as_json: bool) -> None:
    r"""List the orders of a device, newest first.

    \b
    Example:
      edge orders list gw-7
    """
    output.as_json |= as_json
    found = client.get(f"/devices/{part(device)}/orders")
    rows = [
        (
            one["action"],
            one["version"] or "stay as it is",
            _state(one),
            " ".join(one["reason"].split()),
        )
        for one in found["orders"]
    ]
    head = ("order", "version", "state", "reason")
    output.result(found, "\n".join(table(head, rows)) if rows else "no orders")


@orders.command("cancel")
@click.argument("device")
@console_options.options
@JSON
@click.pass_obj
def cancel(output: Output, *, device: str, client: Client, as_json: bool) -> None:
    r"""Take the open order of a device back.

    A device that runs Edge is ordered to stay as it is: an update that it has not started yet ends
    as `cancelled`, one that it has started goes on and ends as the device says. One that speaks DDI
    is asked, and may refuse. Either way the order is `asked back` until the device has told.

    \b
    Example:
      edge orders cancel unit-7
    """
    output.as_json |= as_json
    found = client.send("POST", f"/devices/{part(device)}/orders/cancel")
    output.result(found, f"{device}: {found['action']}: {_state(found)}")


def _state(one: dict[str, object]) -> str:
    is_asked = one["state"] in ("open", "replaced") and one["cancel_asked_at_s"]
    return "asked back" if is_asked else str(one["state"])
