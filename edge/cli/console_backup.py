"""`edge console backup` and `restore`: a console as one file."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge.cli import clock
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.table import human
from edge.errors import ThingNotFoundError

FOLDER = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("console"),
    show_default=True,
    help="Folder of the console.",
)
DATABASE = click.option("--database", "database_url", default="", help="As `serve` has it.")


@click.command("backup")
@FOLDER
@DATABASE
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to; else console-DATE.tar.zst.",
)
@JSON
@click.pass_obj
def backup(
    output: Output, *, folder: Path, database_url: str, file: Path | None, as_json: bool
) -> None:
    r"""Write all of a console to one file, while it runs.

    The file has secrets of the console: it can be read by its owner alone. The key ring is not in
    it.

    \b
    Example:
      edge console backup --dir console/ -o console.tar.zst
    """
    from edge.console import backup as backups
    from edge.console.site import Site

    output.as_json |= as_json
    if not folder.is_dir():
        raise ThingNotFoundError(f"{folder}: no console is here")
    now = datetime.now(UTC)
    place = file or Path(backups.name_of(now))
    made = backups.write(Site(folder.absolute()), database_url, place, now=now)
    size = place.stat().st_size
    facts = {"file": str(place), "length_bytes": size, "rows": made.rows}
    output.result(facts, f"{place}: {made.rows['devices']} devices, {human(size)}")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@FOLDER
@DATABASE
@JSON
@click.pass_obj
def restore(output: Output, *, file: Path, folder: Path, database_url: str, as_json: bool) -> None:
    r"""Make a console of a backup: a new folder, and an empty database.

    \b
    Examples:
      edge console restore console-20261126-080000.tar.zst --dir /srv/console
      edge console restore BACKUP --database postgresql+pg8000://edge@localhost/edge
    """
    from edge.console import backup as backups

    output.as_json |= as_json
    if not file.is_file():
        raise ThingNotFoundError(f"{file}: no such file")
    found = backups.restore(file, folder.absolute(), database_url)
    when = clock.shown(found.created_at_s)
    text = f"{folder}: {found.rows['devices']} devices, as of {when} UTC"
    output.result({"folder": str(folder), "rows": found.rows}, text)
