"""Write an image to the disk of a board, piece by piece: each is checked at every station.

A piece that the disk has already is skipped, so the same call goes on after a cut. The first MiB is
cleared before anything else is written, and written last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from edge.errors import EdgeError, LinkError, UntrustedError
from edge.flash.events import Advance, Note, Phase, Report
from edge.flash.pieces import HEAD_BYTES, Run
from edge.flash.protocols.attach import Attaching, settle
from edge.flash.protocols.steps import Dialog, Step, Tell
from edge.flash.protocols.uboot import Board, Rates, Window

FETCHES: Final = 3
WRITES: Final = 3
NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the image, and its gzip file.

    Attributes:
        run: Where it belongs.
        crc: CRC-32 of its content.
        packed_bytes: How long the gzip file is.
        packed_crc: CRC-32 of the gzip file.
        name: The SHA-256 of the gzip file in hex.
    """

    run: Run
    crc: int
    packed_bytes: int
    packed_crc: int
    name: str


class Feed(Protocol):
    """How the gzip file of a piece comes into the memory of the board."""

    def fetch(self, board: Board, piece: Piece, address: int, told: "Told") -> Dialog[bool]:
        """Bring it there, and return whether it arrived; it may be damaged.

        Raises:
            LinkError: The board does not answer any more.
        """


Told = Callable[[int], Step]


class OverLine:
    """By YMODEM over the console.

    Args:
        packed: Gives the gzip file of a piece.
        rates: The rates of the line.
        how: How to come back to the prompt after a transfer that failed.
    """

    def __init__(self, packed: Callable[[Piece], bytes], rates: Rates, how: Attaching) -> None:
        self._packed = packed
        self._rates = rates
        self._how = how

    def fetch(self, board: Board, piece: Piece, address: int, told: Told) -> Dialog[bool]:
        """Send it."""
        data = self._packed(piece)
        try:
            yield from board.load(data, address, rates=self._rates, progress=told)
        except LinkError as error:
            yield Tell(Note(Phase.WRITE, f"the transfer failed ({error})"))
            if not (yield from settle(board.console.line, self._how, switched=self._rates.differ)):
                raise
            return False
        return True


class OverNetwork:
    """By HTTP; the board is told over the console what to get.

    Args:
        host: The address of the server as the board reaches it.
        port: Its port.
        folder: Ahead of the name of a piece.
    """

    def __init__(self, host: str, port: int, folder: str) -> None:
        self._host = host
        self._port = port
        self._folder = folder

    def fetch(self, board: Board, piece: Piece, address: int, told: Told) -> Dialog[bool]:
        """Have it fetched."""
        name = f"{self._folder}/{piece.name}"
        if not (yield from board.fetch(address, self._host, self._port, name)):
            yield Tell(Note(Phase.WRITE, f"nothing came from {self._host}:{self._port}"))
            return False
        yield told(piece.packed_bytes)
        return True


@dataclass(slots=True)
class Progress:
    """What was done so far; `done_bytes` of the content of the image."""

    total_bytes: int
    done_bytes: int = 0
    written_bytes: int = 0
    skipped_bytes: int = 0
    verified_bytes: int = 0
    rewritten_bytes: int = 0

    def report(self) -> Report:
        """Return it as a report."""
        return Report(
            self.written_bytes, self.skipped_bytes, self.verified_bytes, self.rewritten_bytes
        )


class Provision:
    """The work on one disk.

    Args:
        board: At its prompt, disk selected.
        window: The memory that is ours.
        pieces: All of the image, in order.
    """

    def __init__(self, board: Board, window: Window, pieces: Sequence[Piece]) -> None:
        self._board = board
        self._window = window
        self._pieces = pieces
        self.progress = Progress(sum(piece.run.length_bytes for piece in pieces))

    def missing(self) -> Dialog[tuple[Piece, ...]]:
        """Return the pieces that the disk has not, found by reading it."""
        total_bytes = self.progress.total_bytes
        missing = []
        seen_bytes = 0
        for piece in self._pieces:
            if not (yield from self._is_there(piece)):
                missing.append(piece)
            seen_bytes += piece.run.length_bytes
            yield Tell(Advance(Phase.CONNECT, seen_bytes, total_bytes))
        return tuple(missing)

    def write(self, missing: Sequence[Piece], feed: Feed, *, verify: bool) -> Dialog[Report]:
        """Write the pieces that are missing.

        After an error or a cut the disk has no partition table, and the same call goes on.

        Raises:
            LinkError: The line or the network does not bring a piece.
            EdgeError: The disk does not keep it.
        """
        progress = self.progress
        progress.skipped_bytes = progress.total_bytes - _length(missing)
        progress.done_bytes = progress.skipped_bytes
        if missing:
            yield from self._clear_head()
            # The head was cleared, so all of it is to be written, whatever it was.
            heads = [piece for piece in self._pieces if piece.run.is_head]
            kept = [piece for piece in heads if piece not in missing]
            progress.skipped_bytes -= _length(kept)
            progress.done_bytes -= _length(kept)
            body = [piece for piece in missing if not piece.run.is_head]
            for piece in (*body, *reversed(heads)):
                yield from self._put(piece, feed, verify=verify)
        return progress.report()

    def compare(self) -> Dialog[Report]:
        """Read back all pieces.

        Raises:
            UntrustedError: The disk holds something else; the first places are named.
        """
        missing = yield from self.missing()
        if missing:
            places = ", ".join(str(piece.run.offset_bytes) for piece in missing[:NAMED])
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise UntrustedError(
                f"{self._board.disk}: {_length(missing)} bytes are not those of the image:"
                f" the pieces at byte {places}{more}"
            )
        self.progress.verified_bytes = self.progress.total_bytes
        return self.progress.report()

    def _is_there(self, piece: Piece) -> Dialog[bool]:
        return (yield from self._crc_on_disk(piece)) == piece.crc

    def _crc_on_disk(self, piece: Piece) -> Dialog[int]:
        # Into the area of the gzip file: the content must stay for another try.
        run = piece.run
        return (yield from self._board.crc_on_disk(run.block, run.length_bytes, self._window.load))

    def _clear_head(self) -> Dialog[None]:
        end_bytes = max(piece.run.end_bytes for piece in self._pieces)
        length_bytes = min(HEAD_BYTES, self._window.area_bytes, end_bytes)
        yield Tell(Advance(Phase.ERASE, 0, length_bytes))
        yield from self._board.fill(self._window.unpack, length_bytes)
        yield from self._board.write(0, length_bytes, self._window.unpack)
        yield Tell(Advance(Phase.ERASE, length_bytes, length_bytes))

    def _put(self, piece: Piece, feed: Feed, *, verify: bool) -> Dialog[None]:
        progress = self.progress
        yield from self._bring(piece, feed)
        for attempt in range(WRITES):
            run = piece.run
            yield from self._board.write(run.block, run.length_bytes, self._window.unpack)
            progress.written_bytes += run.length_bytes
            progress.rewritten_bytes += run.length_bytes if attempt else 0
            if not verify:
                break
            if (yield from self._is_there(piece)):
                progress.verified_bytes += run.length_bytes
                break
            yield Tell(Note(Phase.VERIFY, f"byte {run.offset_bytes} read back otherwise: again"))
        else:
            blocks = f"{piece.run.block} to {piece.run.end_bytes // 512 - 1}"
            raise EdgeError(
                f"{self._board.disk}: blocks {blocks} do not keep what is written",
                hint="the card or chip is worn out: use another one",
            )
        progress.done_bytes += piece.run.length_bytes
        yield self._told(piece, 0)(0)

    def _bring(self, piece: Piece, feed: Feed) -> Dialog[None]:
        """Have the content of a piece in memory, checked."""
        window = self._window
        told = self._told(piece, piece.packed_bytes)
        for _attempt in range(FETCHES):
            if (yield from feed.fetch(self._board, piece, window.load, told)):
                crc = yield from self._board.crc_in_memory(window.load, piece.packed_bytes)
                if crc == piece.packed_crc:
                    break
            yield Tell(Note(Phase.WRITE, f"byte {piece.run.offset_bytes} is sent again"))
        else:
            raise LinkError(
                f"the piece at byte {piece.run.offset_bytes} never arrived whole",
                hint="the same command goes on where it stopped",
            )
        if (yield from self._board.unpack(window, piece.run.length_bytes)) != piece.crc:
            raise EdgeError(f"the piece at byte {piece.run.offset_bytes} unpacks to something else")

    def _told(self, piece: Piece, packed_bytes: int) -> Told:
        """Return what makes the step that tells how far we are, a piece under way in parts."""
        done_bytes, total_bytes = self.progress.done_bytes, self.progress.total_bytes

        def told(sent_bytes: int) -> Step:
            share = piece.run.length_bytes * sent_bytes // packed_bytes if packed_bytes else 0
            return Tell(Advance(Phase.WRITE, done_bytes + share, total_bytes))

        return told


def _length(pieces: Sequence[Piece]) -> int:
    return sum(piece.run.length_bytes for piece in pieces)
