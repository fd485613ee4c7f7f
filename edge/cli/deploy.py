"""`edge deploy`: order a release of devices."""

import json
import re
from pathlib import Path
from typing import Final

import click

from edge.cli import campaign_words, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client
from edge.errors import InputError, ThingNotFoundError
from edge_signing.messages import CONFIRMS, REBOOTS

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


@click.command("deploy")
@click.argument("version")
@click.option(
    "--to", "devices", metavar="DEVICE", multiple=True, required=True, help="May be repeated."
)
@click.option("--product", default="", help="Where two products have that version.")
@click.option("--download-only", is_flag=True, help="Write the other slot, and wait.")
@click.option(
    "--reboot",
    type=click.Choice(REBOOTS),
    default="now",
    show_default=True,
    help="When the device restarts into it.",
)
@click.option(
    "--window",
    default="",
    metavar="HH:MM-HH:MM",
    help="With --reboot window: when, in the local time of the device; else as the device sets it.",
)
@click.option(
    "--confirm",
    type=click.Choice(CONFIRMS),
    default="as-set",
    show_default=True,
    help="Whether the user of the device is asked.",
)
@click.option(
    "--confirm-until",
    "until",
    metavar="TIME",
    help="From then on he is asked no more: 2027-01-31T02:00 (local time), or 3d from now.",
)
@click.option(
    "--approval",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What people signed for it, for devices that want that: a JSON file.",
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
    window: str,
    confirm: str,
    until: str | None,
    approval: Path | None,
    client: Client,
    as_json: bool,
) -> None:
    r"""Order a release of devices, in place of what was ordered before.

    \b
    Example:
      edge deploy 1.2.0 --to device-7
      edge deploy 1.2.0 --to device-7 --reboot window --window 02:00-04:00
    """
    output.as_json |= as_json
    if window and reboot != "window":
        raise InputError("--window is for --reboot window")
    signed = _json(approval) if approval else None
    until_s = _until_s(until)
    for device in devices:
        body = {
            "device": device,
            "version": version,
            "product": product,
            "download_only": download_only,
            "reboot": reboot,
            "confirm": confirm,
            "confirm_until_s": until_s,
            "window": window,
            **({"approval": signed} if signed else {}),
        }
        try:
            made = client.send("POST", "/deployments", body)
        except ThingNotFoundError as error:
            raise _of_filter(error, device) from error
        output.result(made, f"{device}: {version} ordered, {made['action']}")


def _until_s(text: str | None) -> int:
    try:
        return campaign_words.until_s(text) if text is not None else 0
    except InputError as error:
        raise InputError(f"--confirm-until {text}: {error}", hint=error.hint) from None


def _of_filter(error: ThingNotFoundError, device: str) -> ThingNotFoundError:
    """Return the error, which says where filters are taken if one was written for a device."""
    if _NAME.fullmatch(device):
        return error
    return ThingNotFoundError(
        str(error),
        hint=f"--to takes one device; many by a filter: edge campaign create --target {device!r}",
    )


def _json(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: {error}") from error
