"""`edge boards new`: begin a board profile."""

import re
from pathlib import Path

import click

from edge import atomic
from edge.board.new import text_of
from edge.board.search import BOARD_FILE, read_board
from edge.cli.boards import file_of
from edge.cli.options import JSON
from edge.cli.output import Output
from edge.errors import InputError, RefusedError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@click.command()
@click.argument("name")
@click.option("--like", metavar="BOARD", help="Begin with the profile of this board.")
@click.option("--description", help="One line for people.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("boards"),
    show_default=True,
    help="Where the folder of the board is made.",
)
@JSON
@click.pass_obj
def new(
    output: Output,
    *,
    name: str,
    like: str | None,
    description: str | None,
    folder: Path,
    as_json: bool,
) -> None:
    r"""Write a board.yml to change: with every key explained, or one like another board's.

    What is written passes `edge boards check` as it is. The first step of six: docs/boards.md.

    \b
    Examples:
      edge boards new mine
      edge boards new olinuxino --like pine64-plus --description "Olimex A64-OLinuXino"
    """
    output.as_json |= as_json
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name of a board", hint="small letters, digits, - and _; at most 63"
        )
    if description is not None and not re.fullmatch(r"[ -~]{1,200}", description):
        raise InputError("--description is one line of at most 200 ASCII characters")
    file = folder / name / BOARD_FILE
    if file.exists():
        raise RefusedError(f"{file}: it is there", hint="choose another name, or change that file")
    text = text_of(name, _quoted(description or name), like=file_of(like) if like else None)
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic.file(file) as stream:
        stream.write(text.encode())
    read_board(file.absolute())
    then = f"{file}: change it, and look: edge boards check {file.parent}"
    output.result({"file": str(file)}, then)


def _quoted(text: str) -> str:
    """Return a text as YAML reads it back."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9 +().,/-]*", text) and text.lower() not in _WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
