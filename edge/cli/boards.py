"""`edge boards`: the board profiles that can be built for."""

from collections.abc import Sequence
from pathlib import Path

import click

from edge.board.model import Board
from edge.board.search import BOARD_FILE, read_board
from edge.board.search import boards as known_boards
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import human, table
from edge.errors import InputError, ThingNotFoundError
from edge.image.board_disk import disk_plan
from edge.image.places import Place, places
from edge.strict.text import suggestion


@click.group(cls=LazyGroup)
def boards() -> None:
    r"""Look at board profiles, make new ones, and check them.

    \b
    Examples:
      edge boards list
      edge boards show rpi4
    """


boards.add_lazily({"new": "edge.cli.boards_new:new", "check": "edge.cli.boards_check:check"})


@boards.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def list_boards(output: Output, *, as_json: bool) -> None:
    r"""List the boards that are known here, with their serial console.

    \b
    Example:
      edge boards list
    """
    output.as_json |= as_json
    found = {name: read_board(file) for name, file in sorted(known_boards().items())}
    facts = [
        {"name": name, "description": one.description, "console": one.console}
        for name, one in found.items()
    ]
    rows = [(name, one.console, one.description) for name, one in found.items()]
    output.result({"boards": facts}, "\n".join(table(("board", "console", "description"), rows)))


@boards.command()
@click.argument("board", metavar="NAME|PATH")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(output: Output, *, board: str, as_json: bool) -> None:
    r"""Show one board: what it is made of, and what lies where on its disk.

    \b
    Examples:
      edge boards show rpi4
      edge boards show boards/mine
    """
    output.as_json |= as_json
    file = file_of(board)
    found = read_board(file)
    lying = places(found, disk_plan(found, found.name), ())
    facts = {"file": str(file), **facts_of(found), "disk": [place_facts(one) for one in lying]}
    lines = [f"{name:12} {value}" for name, value in _summary(found, file)]
    output.result(facts, "\n".join([*lines, "", *place_lines(lying)]))


def file_of(board: str) -> Path:
    """Return the board.yml that a person means: a path to it or to its folder, or a name.

    Raises:
        InputError: No board has that name.
        ThingNotFoundError: It is a path, and there is no board.yml.
    """
    path = Path(board)
    if "/" in board or path.name in {BOARD_FILE, "."}:
        file = path if path.name == BOARD_FILE else path / BOARD_FILE
        if not file.is_file():
            raise ThingNotFoundError(f"{file}: no such file")
        return file if file.parent.name else file.absolute()
    known = known_boards()
    if board not in known:
        hint = suggestion(board, known, what="boards")
        raise InputError(f"there is no board {board!r}", hint=hint)
    return known[board]


def facts_of(board: Board) -> dict[str, object]:
    """Return a profile as it is written, for machines."""
    return board.model_dump(mode="json", by_alias=True, exclude_none=True)


def place_facts(one: Place) -> dict[str, object]:
    """Return one thing on the disk, for machines."""
    return {
        "name": one.name,
        "offset_bytes": one.offset_bytes,
        "bytes": one.size_bytes,
        "contents": one.contents,
    }


def place_lines(lying: Sequence[Place]) -> list[str]:
    """Return the table of what lies where, for people."""
    rows = [
        (
            one.name,
            f"{one.offset_bytes:#x}",
            "" if one.size_bytes is None else human(one.size_bytes),
            one.contents,
        )
        for one in lying
    ]
    return table(("on the disk", "from byte", "size", "what"), rows, right=(1, 2))


def _summary(board: Board, file: Path) -> list[tuple[str, str]]:
    ways = ["card", *board.flash.model_dump(exclude_none=True)]
    return [
        ("board", f"{board.name}: {board.description}"),
        ("file", str(file)),
        ("kernel", board.kernel.package),
        ("packages", ", ".join(board.packages) or "none"),
        ("boots by", board.boot.driver),
        ("console", board.console),
        ("watchdog", board.watchdog.module if board.watchdog else "none"),
        ("flashed by", ", ".join(ways)),
        ("in QEMU", board.emulator.machine if board.emulator else "no"),
    ]
