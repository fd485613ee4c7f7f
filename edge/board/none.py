"""The board of a build that is for no board.

The formats of the root alone need nothing that only a board knows: what board.yml would add to the
root is empty here. The rest is not there at all, so that nobody builds a disk of it by mistake.
"""

from typing import Any, Final

from edge.board.model import Board, BoardKernel, Modules

NAME: Final = "none"


def none() -> Board:
    """Return a board without a kernel, packages and modules."""
    known: dict[str, Any] = {
        "name": NAME,
        "description": "no board",
        "architecture": "arm64",
        "kernel": BoardKernel.model_construct(package="", cmdline=None),
        "packages": (),
        "modules": Modules(),
        "watchdog": None,
    }
    return Board.model_construct(**known)
