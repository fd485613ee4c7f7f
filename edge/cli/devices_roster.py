"""`edge devices import` and `export`: lists of devices as files."""

import json
from pathlib import Path
from typing import Final

import click

from edge import atomic
from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.console.client import Client
from edge.console.devices import roster
from edge.errors import InputError, ThingNotFoundError

_AT_ONCE: Final = 500


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@console_options.options
@JSON
@click.pass_obj
def import_devices(
    output: Output, *, file: Path, dry_run: bool, client: Client, as_json: bool
) -> None:
    r"""Let the devices of FILE in, CSV or JSON, and add what it says of them.

    The columns of CSV are `device`, `certificate` (SHA-256 in hex), `tags`, `groups` (with blanks
    between), `notes` and `attr.NAME`. Devices that are known get what is new; nothing is taken
    away, so a file can be imported again. 500 devices are one step, which is done as a whole or not
    at all.

    \b
    Examples:
      edge devices import station-3.csv --dry-run
      edge devices export 'tag:berlin' --format csv -o berlin.csv
    """
    output.as_json |= as_json
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file")
    entries = roster.read(file.read_bytes(), str(file))
    new = known = 0
    for start in range(0, len(entries), _AT_ONCE):
        some = entries[start : start + _AT_ONCE]
        body = {"devices": [one.object() for one in some], "trial": dry_run}
        try:
            found = client.send("POST", "/imports/devices", body)
        except InputError as error:
            raise _in_file(error, file, some, done=start) from error
        new, known = new + found["new"], known + found["known"]
    would = "would be " if dry_run else ""
    output.result(
        {"new": new, "known": known, "dry_run": dry_run},
        f"{file}: {new} devices {would}new, {known} known before",
    )


@click.command("export")
@click.argument("filter_text", metavar="[FILTER]", default="")
@click.option(
    "--format",
    "kind",
    type=click.Choice(("csv", "json")),
    default="csv",
    show_default=True,
    help="Of what is written.",
)
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to; else standard output.",
)
@console_options.options
@click.pass_obj
def export(
    output: Output, *, filter_text: str, kind: str, file: Path | None, client: Client
) -> None:
    r"""Write devices as CSV or JSON: what `edge devices import` reads, and how they stand.

    \b
    Example:
      edge devices export 'group:eu' -o devices.csv
    """
    found = list(client.pages("/devices", "devices", filter=filter_text))
    text = roster.write_csv(found) if kind == "csv" else json.dumps({"devices": found}, indent=1)
    if file is None:
        click.echo(text, nl=kind == "json")
        return
    with atomic.file(file) as stream:
        stream.write(text.encode())
    output.result({"file": str(file), "devices": len(found)}, f"{file}: {len(found)} devices")


def _in_file(
    error: InputError, file: Path, entries: list[roster.Entry], *, done: int
) -> InputError:
    """Return an error of the console with the place in the file."""
    place, _colon, why = str(error).partition(": ")
    index = place.removeprefix("body.devices.").partition(".")[0]
    line = entries[int(index)].line if index.isdigit() else 0
    where = f"{file}:{line}" if line else f"{file}: {place}"
    hint = error.hint if not done else f"the {done} devices before are in; mend it and import again"
    return InputError(f"{where}: {why or place}", hint=hint)
