"""Find board profiles: own folders first, then those that ship with Edge."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge import paths
from edge.board.model import Board
from edge.errors import InputError, ProblemsError
from edge.strict.document import parse, read_text
from edge.strict.model import examine
from edge.strict.text import suggestion

BOARD_FILE = "board.yml"
VARIABLE = "EDGE_BOARDS"


def find(
    name: str,
    extra_folders: Sequence[Path] = (),
    *,
    environment: Mapping[str, str] = os.environ,
    project: Path | None = None,
) -> Board:
    """Return a board profile.

    Args:
        name: The name of its folder.
        extra_folders: Folders of boards that are asked first.
        environment: Where `EDGE_BOARDS` is looked up: more folders, split by ':'.
        project: The folder whose `boards` is asked next; the work folder when None.

    Raises:
        InputError: There is no such board; the hint is the nearest name.
        ProblemsError: All that is wrong in its board.yml.
    """
    known = boards(extra_folders, environment=environment, project=project)
    if name not in known:
        raise InputError(f"there is no board {name!r}", hint=suggestion(name, known, what="boards"))
    return read_board(known[name])


def boards(
    extra_folders: Sequence[Path] = (),
    *,
    environment: Mapping[str, str] = os.environ,
    project: Path | None = None,
) -> dict[str, Path]:
    """Return the file of each board by name; the first folder that has one wins."""
    named = [Path(folder) for folder in environment.get(VARIABLE, "").split(os.pathsep) if folder]
    own = (project or Path.cwd()) / "boards"
    found: dict[str, Path] = {}
    for folder in (*extra_folders, *named, own, paths.shipped("boards")):
        for file in sorted(folder.glob(f"*/{BOARD_FILE}")):
            found.setdefault(file.parent.name, file)
    return found


def read_board(file: Path) -> Board:
    """Return the board of a board.yml; its name has to be that of the folder.

    Raises:
        ProblemsError: All that is wrong in it.
        ThingNotFoundError: There is no such file.
    """
    parsed = parse(read_text(file), str(file))
    board, problems = examine(Board, parsed)
    folder = file.parent.name
    if board is not None and board.name != folder:
        message = f"{board.name!r} is not the name of the folder, {folder!r}"
        problems.append(parsed.problem(("name",), message))
    if board is None or problems:
        raise ProblemsError(problems)
    return board
