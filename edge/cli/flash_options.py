"""Options that say which image is meant, for which board, and who has to have signed it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.cli.options import ROOT
from edge.errors import RefusedError, ThingNotFoundError, UntrustedError
from edge.flash.sources import opening
from edge.flash.sources.image_source import ImageSource
from edge.flash.sources.source import Source
from edge_signing.disk import DiskImage

if TYPE_CHECKING:
    from edge.board.model import Board

_OPTIONS = (
    click.argument("image", required=False),
    click.option("-b", "--board", help="The kind of hardware; the image has to be for it."),
    click.option("--bmap", "block_map", metavar="FILE", help="The block map, if not beside IMAGE."),
    ROOT,
    click.option(
        "--keys",
        type=click.Path(path_type=Path, file_okay=False),
        help="A key folder; else keys/ if it is here, else the development keys.",
    ),
    click.option("--unsigned", is_flag=True, help="Take an image that nobody has signed."),
)


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """What was said on the command line of the image."""

    image: str | None
    board: str | None
    block_map: str | None
    root: Path | None
    keys: Path | None
    unsigned: bool

    @property
    def newest(self) -> str | None:
        """The image that was named, else the newest build for the board; None if there is none."""
        if self.image is not None:
            return self.image
        if self.board is None:
            raise ThingNotFoundError("no image was named", hint="name one, or the --board")
        from edge.flash import builds

        found = builds.builds(Path(), self.board)
        return str(found[0].folder) if found else None

    def source(self, image: str) -> ImageSource:
        """Return the image, which is for the board and signed.

        Raises:
            RefusedError: It is for another board.
            UntrustedError: It is not signed by whom is trusted.
        """
        found = opening.open_source(image, vouch=self._vouch, block_map=self.block_map)
        if self.board and found.facts.board not in (None, self.board):
            raise RefusedError(
                f"{found.facts.name}: it is for {found.facts.board}, not for {self.board}",
                hint="take another image, or the right --board",
            )
        if found.facts.signer is None and not self.unsigned:
            raise UntrustedError(
                f"{found.facts.name}: nobody has signed it",
                hint="its disk.edge is missing: edge build, or edge release disk, makes it;"
                " --unsigned takes it as it is",
            )
        return found

    def profile(self, source: Source) -> "Board":
        """Return the profile of the board.

        Raises:
            InputError: There is no such board.
            ThingNotFoundError: Nobody says which board it is.
        """
        name = self.board or source.facts.board
        if name is None:
            raise ThingNotFoundError(
                f"{source.facts.name}: it does not say which board it is for", hint="add --board"
            )
        from edge.board import search

        return search.find(name)

    def _vouch(self, signature: bytes, block_map: bytes) -> DiskImage:
        # Only what is signed needs all that verifies.
        from edge.cli import trusted
        from edge.release import disk_signature

        anchor = trusted.AnchorOptions(self.root, self.keys, None, 0).anchor()
        try:
            return disk_signature.verified(
                signature, block_map, trusted_root=anchor.trusted_root, now=anchor.now
            )
        except UntrustedError as error:
            if self.unsigned:
                raise UntrustedError(
                    str(error), hint="--unsigned takes an image without disk.edge, not a wrong one"
                ) from error
            raise


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one argument `chosen`."""

    @functools.wraps(command)
    def call(
        *arguments: Any,
        image: str | None,
        board: str | None,
        block_map: str | None,
        root: Path | None,
        keys: Path | None,
        unsigned: bool,
        **others: Any,
    ) -> Any:
        chosen = ImageOptions(image, board, block_map, root, keys, unsigned)
        return command(*arguments, chosen=chosen, **others)

    wrapped: Callable[..., Any] = call
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
