"""The text of a new board.yml: one that is explained, or another board's with its own name."""

import re
from pathlib import Path

from edge.board.search import read_board
from edge.strict.document import read_text

_TEMPLATE = Path(__file__).parent / "new.yml"
_NAME = re.compile(r"^name: .*$", re.MULTILINE)
_DESCRIPTION = re.compile(r"^description: .*$", re.MULTILINE)


def text_of(name: str, description: str, *, like: Path | None = None) -> str:
    """Return a board.yml.

    Args:
        name: What the board is called.
        description: One line for people.
        like: The board.yml to begin with, whose comments stay; else every key is explained.

    Raises:
        ProblemsError: All that is wrong in the file to begin with.
    """
    if like is not None:
        read_board(like)
    text = read_text(like or _TEMPLATE)
    text = _NAME.sub(f"name: {name}", text, count=1)
    text = _DESCRIPTION.sub(lambda _found: f"description: {description}", text, count=1)
    if like is None:
        return text
    # The first comment is about the other board.
    lines = text.splitlines(keepends=True)
    first = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    return f"# {description}. Begun with the profile {like.parent.name}.\n{''.join(lines[first:])}"
