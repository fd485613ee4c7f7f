"""`edge deploy`: order a release of devices."""

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client
from edge_signing.messages import CONFIRMS, REBOOTS


@click.command("deploy")
@click.argument("version")
@click.option(
    "--to", "devices", metavar="DEVICE", multiple=True, required=True, help="May be repeated."
)
@click.option("--product", default="", help="Where two products have that version.")
@click.option("--download-only", is_flag=True, help="Write the other slot, and wait.")
@click.option("--reboot", type=click.Choice(REBOOTS), default="now", show_default=True)
@click.option(
    "--confirm",
    type=click.Choice(CONFIRMS),
    default="as-set",
    show_default=True,
    help="Whether the user of the device is asked.",
)
@console_options.options
@JSON
@click.pass_obj
def deploy(
    output: Output,
    *,
    version: str,
    devices: tuple[str, ...],
    product: str,
    download_only: bool,
    reboot: str,
    confirm: str,
    client: Client,
    as_json: bool,
) -> None:
    r"""Order a release of devices, in place of what was ordered before.

    \b
    Example:
      edge deploy 1.2.0 --to device-7
    """
    output.as_json |= as_json
    for device in devices:
        body = {
            "device": device,
            "version": version,
            "product": product,
            "download_only": download_only,
            "reboot": reboot,
            "confirm": confirm,
        }
        made = client.send("POST", "/deployments", body)
        output.result(made, f"{device}: {version} ordered, {made['action']}")
