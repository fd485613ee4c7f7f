"""The method `fastboot`: a boot loader that expands sparse images onto its disk."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from edge.errors import LinkError, RefusedError, UntrustedError
from edge.flash import sparse
from edge.flash.events import Advance, Listener, Note, Phase, Report
from edge.flash.methods import fastboot_back, whole_image
from edge.flash.methods.block_verify import named
from edge.flash.methods.fastboot_back import Differs, UbootDisk
from edge.flash.pieces import HEAD_BYTES
from edge.flash.protocols import fastboot
from edge.flash.protocols.steps import Dialog, Result
from edge.flash.sources.source import Source
from edge.flash.sparse import BLOCK_BYTES, Part, Piece
from edge.flash.transports import driver
from edge.flash.transports.port import Port

PIECE_BYTES: Final = 16 << 20  # what we hold of the image at a time
LEAST_BYTES: Final = 64 << 10
NOT_READ_BACK: Final = "not read back: this boot loader gives nothing back"


@dataclass(frozen=True, slots=True)
class FastbootOptions:
    """What may be chosen.

    Attributes:
        disk: What the boot loader calls the whole disk.
        product: What the variable `product` has to be; None: anything.
        restart: Start the board at the end.
        verify: Read back and compare, where the board can.
        uboot: How its U-Boot reads the disk back; None when that is not known.
    """

    disk: str
    product: str | None = None
    restart: bool = False
    verify: bool = True
    uboot: UbootDisk | None = None


@dataclass(frozen=True, slots=True)
class FastbootMethod:
    """One board in fastboot.

    Attributes:
        target: What to call it.
        options: What was chosen.
        opener: Opens the way to it.
        clock_s: Seconds on a clock that only goes forward.
    """

    target: str
    options: FastbootOptions
    opener: Callable[[], Port]
    clock_s: Callable[[], float]

    def flash(self, source: Source, listener: Listener) -> Report:
        """Write the image; see `Method.flash`. Not every boot loader gives it back."""
        listener(Advance(Phase.CONNECT, 0, 1))
        with closing(self.opener()) as port:
            work = _Work(self, port, source, listener)
            most_bytes = work.room()
            differs = work.way_back() if self.options.verify else None
            work.clear(most_bytes)
            work.write(most_bytes)
            if differs:
                work.verify(differs)
            elif self.options.verify:
                listener(Note(Phase.VERIFY, NOT_READ_BACK))
            if self.options.restart:
                work.run(fastboot.reboot())
        return Report(work.written_bytes, 0, work.verified_bytes)

    def verify(self, source: Source, listener: Listener) -> Report:
        """Read back and compare; see `Method.verify`.

        Raises:
            RefusedError: This boot loader gives nothing back.
        """
        listener(Advance(Phase.CONNECT, 0, 1))
        with closing(self.opener()) as port:
            work = _Work(self, port, source, listener)
            work.room()
            differs = work.way_back()
            if differs is None:
                raise RefusedError(
                    f"{self.target}: {NOT_READ_BACK}",
                    hint="a U-Boot that runs commands can: flash.fastboot.read_back in board.yml",
                )
            work.verify(differs)
        return Report(0, 0, work.verified_bytes)


class _Work:
    """One image to one board."""

    def __init__(
        self, method: FastbootMethod, port: Port, source: Source, listener: Listener
    ) -> None:
        self._method = method
        self._port = port
        self._source = source
        self._listener = listener
        self._disk = method.options.disk
        self.written_bytes = 0
        self.verified_bytes = 0

    def run(self, dialog: Dialog[Result]) -> Result:
        """Run a dialog to its end."""
        clock_s = self._method.clock_s
        return driver.run(dialog, self._port, clock_s=clock_s, listener=self._listener)

    def room(self) -> int:
        """Return how large a piece may be; the board is the right one.

        Raises:
            RefusedError: It is another one, or its disk is too small.
            LinkError: It does not say how much it takes.
        """
        product = self.run(fastboot.variable("product"))
        wanted = self._method.options.product
        if wanted and product != wanted:
            raise RefusedError(
                f"{self._method.target}: it is {product or 'a board without a name'}, not {wanted}",
                hint="is it the right --board?",
            )
        serial = self.run(fastboot.variable("serialno"))
        self._listener(Note(Phase.CONNECT, f"{product or 'board'}, serial number {serial or '?'}"))
        self._require_room_on_disk()
        said = self.run(fastboot.variable("max-download-size"))
        most_bytes = fastboot.number(said) if said else None
        if most_bytes is None or most_bytes < LEAST_BYTES:
            raise LinkError(f"{self._method.target}: it takes {said or 'nothing'} at a time")
        return min(most_bytes, PIECE_BYTES)

    def clear(self, most_bytes: int) -> None:
        """Clear the partition table, so that the disk is never half valid."""
        image_bytes = self._source.facts.image_bytes
        self._listener(Advance(Phase.ERASE, 0, 1))
        self._send(sparse.cleared(min(HEAD_BYTES, image_bytes), image_bytes), count=False)

    def write(self, most_bytes: int) -> None:
        """Write all but the first MiB, and that last."""
        head: list[Part] = []
        image_bytes = self._source.facts.image_bytes
        for piece in sparse.pieces(self._body(head), image_bytes, most_bytes):
            self._send(piece)
        for piece in sparse.pieces(head, image_bytes, most_bytes):
            self._send(piece)
        total_bytes = self._source.facts.mapped_bytes
        self._listener(Advance(Phase.WRITE, total_bytes, total_bytes))

    def way_back(self) -> Differs | None:
        """Return how the board gives back what is on its disk; None when it can not."""
        return self.run(fastboot_back.way(self._disk, self._method.options.uboot))

    def verify(self, differs: Differs) -> None:
        """Read all back, and compare.

        Raises:
            UntrustedError: Something else is there.
        """
        wrong: list[int] = []
        total_bytes = self._source.facts.mapped_bytes
        for part in whole_image.parts(self._source):
            if self.run(differs(part)):
                wrong.append(part.offset_bytes)
            self.verified_bytes += len(part.data)
            self._listener(Advance(Phase.VERIFY, self.verified_bytes, total_bytes))
        if wrong:
            raise UntrustedError(f"it differs from the image {named(wrong)}")

    def _body(self, head: list[Part]) -> Iterator[Part]:
        """Give what is behind the first MiB, and keep the rest."""
        for part in whole_image.parts(self._source):
            cut = max(HEAD_BYTES - part.offset_bytes, 0)
            if cut:
                head.append(Part(part.offset_bytes, part.data[:cut]))
            if cut < len(part.data):
                yield Part(part.offset_bytes + cut, part.data[cut:])

    def _send(self, piece: Piece, *, count: bool = True) -> None:
        self.run(fastboot.download(piece.data))
        self.run(fastboot.flash(self._disk))
        if count:
            self.written_bytes += piece.content_bytes
            total_bytes = self._source.facts.mapped_bytes
            done_bytes = min(self.written_bytes, total_bytes)
            self._listener(Advance(Phase.WRITE, done_bytes, total_bytes))

    def _require_room_on_disk(self) -> None:
        said = self.run(fastboot.variable(f"partition-size:{self._disk}"))
        size_bytes = fastboot.number(said) if said else None
        image_bytes = sparse.block_count(self._source.facts.image_bytes) * BLOCK_BYTES
        if size_bytes and size_bytes < image_bytes:
            raise RefusedError(
                f"{self._method.target}: {self._disk} has {size_bytes} bytes,"
                f" the image {image_bytes}"
            )
