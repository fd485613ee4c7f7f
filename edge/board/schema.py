"""The JSON schema of board.yml."""

from typing import Any

from edge.board.model import Board
from edge.strict.schema import schema_of


def schema() -> dict[str, Any]:
    """Return the JSON schema of board.yml."""
    return schema_of(Board, "board.yml of Edge")
