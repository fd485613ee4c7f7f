"""`edge releases add-file`: bring the console a file that devices install by their own updater."""

from pathlib import Path

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client
from edge.errors import ThingNotFoundError

_TYPES = ("swu", "raucb", "file")


@click.command("add-file")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--product", required=True, help="Which devices it is for.")
@click.option("--version", "version", required=True, help="Of the release that it belongs to.")
@click.option("--board", "boards", multiple=True, required=True, help="May be repeated.")
@click.option("--type", "type_", type=click.Choice(_TYPES), help="Else what its name says.")
@console_options.options
@JSON
@click.pass_obj
def add_file(
    output: Output,
    *,
    file: Path,
    product: str,
    version: str,
    boards: tuple[str, ...],
    type_: str | None,
    client: Client,
    as_json: bool,
) -> None:
    r"""Bring the console a file for devices that speak DDI.

    Its signature is not looked at here: the updater of the device checks it. A release has one
    file for a board; what was added stays as it is.

    \b
    Examples:
      edge releases add-file gateway.swu --product gateway --version 2.0 --board imx8
      edge releases add-file gateway.raucb --product gateway --version 2.0 --board rpi4
      edge deploy 2.0 --to unit-7
    """
    output.as_json |= as_json
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file")
    ending = file.suffix.removeprefix(".")
    query = {
        "product": product,
        "version": version,
        "name": file.name,
        "boards": ",".join(boards),
        "type": type_ or (ending if ending in _TYPES else "file"),
    }
    found = client.upload("POST", "/files", file, **query)
    mine = next(one for one in found["files"] if one["name"] == file.name)
    text = f"{product} {version}: {file.name} for {', '.join(mine['boards'])}, {mine['sha256']}"
    output.result(found, text)
