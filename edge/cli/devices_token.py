"""`edge devices token` and `gateway-token`: what devices show that have no certificate."""

import click

from edge.cli import ask, console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part

_REMOVE = click.option("--remove", is_flag=True, help="Make it useless, and make no other.")


@click.command("token")
@click.argument("device")
@_REMOVE
@console_options.options
@JSON
@click.pass_obj
def token(output: Output, *, device: str, remove: bool, client: Client, as_json: bool) -> None:
    r"""Make a token for a device that speaks DDI, in place of the one that it had.

    It is printed now, and never again. The device sends it as "TargetToken".

    \b
    Examples:
      edge devices register unit-7
      edge devices token unit-7
    """
    output.as_json |= as_json
    path = f"/devices/{part(device)}/token"
    if remove:
        client.send("DELETE", path)
        output.result({"device": device, "removed": True}, f"{device}: its token is useless")
        return
    found = client.send("POST", path)
    output.result(found, found["token"])


@click.command("gateway-token")
@_REMOVE
@click.option("--yes", is_flag=True, help="Do not ask.")
@console_options.options
@JSON
@click.pass_obj
def gateway_token(
    output: Output, *, remove: bool, yes: bool, client: Client, as_json: bool
) -> None:
    r"""Make the token with which a gateway speaks for devices over DDI.

    Whoever has it can be any device that has neither a certificate nor a token of its own, and can
    bring in as many new ones as he likes, which wait to be accepted. There is none until you make
    it; one that is made takes the place of the one before.

    \b
    Example:
      edge devices gateway-token > gateway.token
    """
    output.as_json |= as_json
    if remove:
        client.send("DELETE", "/gateway-token")
        output.result({"removed": True}, "the token of the gateway is useless")
        return
    ask.confirm("let one token speak for all devices without their own?", yes=yes)
    found = client.send("POST", "/gateway-token")
    output.result(found, found["token"])
