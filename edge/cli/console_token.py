"""`edge console token`: make a token that may do no more than it has to."""

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client
from edge.console.tokens import Scope

_DAY_S = 86400


@click.command("token")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([str(one) for one in Scope]),
    metavar="SCOPE",
    multiple=True,
    required=True,
    help=f"What it allows; may be repeated: {', '.join(Scope)}.",
)
@click.option("--days", type=click.IntRange(1, 3660), help="How long it holds; else for ever.")
@console_options.options
@JSON
@click.pass_obj
def token(
    output: Output,
    *,
    name: str,
    scopes: tuple[str, ...],
    days: int | None,
    client: Client,
    as_json: bool,
) -> None:
    r"""Make a token and print it; it is told only now.

    \b
    Example:
      edge console token ci --scope releases:write --days 90 > ci.token
    """
    output.as_json |= as_json
    body = {"name": name, "scopes": list(scopes), "expires_in_s": (days or 0) * _DAY_S}
    made = client.send("POST", "/tokens", body)
    output.result(made, made["text"])
