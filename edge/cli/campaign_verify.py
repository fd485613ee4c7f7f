"""`edge campaign verify`: whether a campaign stands as its journal gives it."""

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client, part
from edge.errors import EdgeError


@click.command()
@click.argument("campaign")
@console_options.options
@JSON
@click.pass_obj
def verify(output: Output, *, campaign: str, client: Client, as_json: bool) -> None:
    r"""Check that a campaign stands as its journal gives it.

    The console replays all that happened in it, and compares what comes of that with what it has
    stored of the campaign and of each device. A difference ends it with status 1: somebody changed
    the database, a backup is of two moments, or the console has a fault.

    \b
    Example:
      edge campaign verify c-1f2e3d4c
    """
    output.as_json |= as_json
    found = client.get(f"/campaigns/{part(campaign)}/verification")
    what = f"{found['entries']} entries, {found['devices']} devices"
    differences = found["differences"]
    output.result(found, "\n".join([*differences, what]))
    if differences:
        raise EdgeError(f"campaign {campaign} is not as its journal gives it")
