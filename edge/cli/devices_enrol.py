"""`edge devices register` and `re-enrol`: let a device in before it has called."""

import click

from edge.cli import ask, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part

_CERTIFICATE = click.option(
    "--certificate", help="SHA-256 of the device's certificate in hex; else the first of its name."
)


@click.command("register")
@click.argument("device")
@_CERTIFICATE
@console_options.options
@JSON
@click.pass_obj
def register(
    output: Output, *, device: str, certificate: str | None, client: Client, as_json: bool
) -> None:
    r"""Let a device in that has not called yet.

    \b
    Example:
      edge devices register gw-7
    """
    output.as_json |= as_json
    found = client.send("POST", "/devices", {"device": device, "certificate": certificate})
    output.result(found, f"{device}: {found['state']}")


@click.command("re-enrol")
@click.argument("device")
@_CERTIFICATE
@click.option("--yes", is_flag=True, help="Do not ask.")
@console_options.options
@JSON
@click.pass_obj
def re_enrol(
    output: Output,
    *,
    device: str,
    certificate: str | None,
    yes: bool,
    client: Client,
    as_json: bool,
) -> None:
    r"""Let a device in with another certificate; the one that it had is never let in again.

    The epoch that is printed goes to the device with the new certificate.

    \b
    Example:
      edge devices re-enrol gw-7
    """
    output.as_json |= as_json
    ask.confirm(f"never let the present certificate of {device} in again?", yes=yes)
    body = {"certificate": certificate}
    found = client.send("POST", f"/devices/{part(device)}/re-enrol", body)
    output.result({"device": device, **found}, f"{device}: epoch {found['epoch']}")
