"""`edge console login`: say which console the other commands ask."""

from pathlib import Path

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Address, Client


@click.command("login")
@click.argument("url")
@click.option(
    "--token-file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its first line is the token; the file stays where it is.",
)
@click.option(
    "--ca",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Certificate of the console's authority; else those of the system.",
)
@JSON
@click.pass_obj
def login(output: Output, *, url: str, token_file: Path, ca: Path | None, as_json: bool) -> None:
    r"""Ask the console at URL from now on; it is asked once to see that it answers.

    \b
    Example:
      edge console login https://localhost:8444 --token-file console/admin.token \
        --ca console/tls/server-ca.crt
    """
    output.as_json |= as_json
    address = Address(url, token_file, ca)
    Client(address).get("/devices", limit=1)
    path = console_options.store(address)
    output.result({"url": url, "file": str(path)}, f"{path}: {url}")
