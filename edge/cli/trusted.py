"""Options that say what is trusted: a root of trust, and what a device would know besides."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from edge.cli import clock, key_folder
from edge.cli.options import ROOT
from edge.errors import ThingNotFoundError
from edge.keys import create, ring
from edge_agent.payload.bundle import Anchor

_OPTIONS = (
    ROOT,
    click.option(
        "--keys",
        type=click.Path(path_type=Path, file_okay=False),
        help="A key folder; else keys/ if it is here, else the development keys.",
    ),
    click.option("--board", help="Refuse what is not for this board."),
    click.option(
        "--counter", type=click.IntRange(0), default=0, help="Refuse rollback counters below it."
    ),
)


@dataclass(frozen=True, slots=True)
class AnchorOptions:
    """What was said on the command line of what is trusted."""

    root: Path | None
    keys: Path | None
    board: str | None
    counter: int

    def anchor(self) -> Anchor:
        """Return what a device would know.

        Raises:
            ThingNotFoundError: There is no such file, or no key folder.
        """
        return Anchor(self._root(), clock.of_wall(), board=self.board, counter=self.counter)

    def _root(self) -> bytes:
        if self.root is None:
            return key_ring(self.keys).trusted_root()
        if not self.root.is_file():
            raise ThingNotFoundError(f"{self.root}: no such file")
        return self.root.read_bytes()


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one argument `anchor`."""

    @functools.wraps(command)
    def call(
        *arguments: Any,
        root: Path | None,
        keys: Path | None,
        board: str | None,
        counter: int,
        **others: Any,
    ) -> Any:
        anchor = AnchorOptions(root, keys, board, counter)
        return command(*arguments, anchor=anchor, **others)

    wrapped: Callable[..., Any] = call
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def key_ring(folder: Path | None) -> ring.Ring:
    """Return the key ring of a folder: the one given, else `keys/`, else the development keys."""
    folder = key_folder.chosen(folder)
    return create.development_ring(clock.of_wall()) if folder is None else ring.read(folder)
