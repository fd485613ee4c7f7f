"""One stay at the console of a board: dialogs over an open port, from the prompt to the prompt."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from edge import process
from edge.errors import LinkError
from edge.flash.duration import on_line_s, spoken
from edge.flash.events import Listener, Note, Phase
from edge.flash.protocols import attach
from edge.flash.protocols.attach import Attaching
from edge.flash.protocols.console import Console
from edge.flash.protocols.provision import Piece
from edge.flash.protocols.steps import Dialog, Line, Result
from edge.flash.protocols.uboot import Board, Rates, Window
from edge.flash.transports import driver
from edge.flash.transports.port import Port

POWER_S: Final = 60.0


class Session:
    """A board behind an open port.

    Args:
        port: Open; it stays the caller's.
        how: How the board is stopped; its rate becomes that at which the board was found.
        clock_s: Seconds on a clock that only goes forward.
        listener: Gets what is told.
    """

    def __init__(
        self, port: Port, how: Attaching, *, clock_s: Callable[[], float], listener: Listener
    ) -> None:
        self.how = how
        self._port = port
        self._clock_s = clock_s
        self._listener = listener
        self._line = Line()
        self._board: Board | None = None

    @property
    def board(self) -> Board:
        """The board, its disk selected."""
        if self._board is None:
            raise LinkError("the board is not at its prompt")
        return self._board

    def run(self, dialog: Dialog[Result]) -> Result:
        """Run a dialog and return its result."""
        return driver.run(dialog, self._port, clock_s=self._clock_s, listener=self._listener)

    def note(self, text: str) -> None:
        """Tell one line."""
        self._listener(Note(Phase.CONNECT, text))

    def attach(self, place: str, power_command: str | None) -> Console:
        """Return the console at its prompt, the board switched off and on if it is not there.

        Raises:
            LinkError: There is no prompt; the message says what there is instead.
        """
        console = self.run(attach.look(self._line, self.how))
        if console is not None:
            return console
        if power_command is None:
            self.note("no prompt yet: switch the board on, or off and on")
        else:
            self.note(f"no prompt yet: {power_command}")
            process.run(["sh", "-c", power_command], timeout_s=POWER_S)
        found = self.run(attach.attach(self._line, self.how, place=place))
        self.how = replace(self.how, baud=found.baud)
        return found.console

    def prepare(
        self, console: Console, devtype: str, devnum: int, window: Window, image_bytes: int
    ) -> None:
        """Select the disk, and check that memory and disk are as large as is needed.

        Raises:
            InputError: The window is no memory of this board.
            RefusedError: The image does not fit.
            EdgeError: The disk is not there.
        """
        board = Board(console, devtype, devnum)
        self.run(board.require_memory(window))
        self.run(board.select())
        self.run(board.require_length(image_bytes, window))
        self._board = board

    def tell_plan(
        self, pieces: Sequence[Piece], missing: Sequence[Piece], rates: Rates | None
    ) -> None:
        """Tell what will be sent, and how long that takes if it goes over the line.

        Args:
            pieces: All.
            missing: Those that are to be sent.
            rates: Of the line; None for the network.
        """
        there = len(pieces) - len(missing)
        text = f"{len(missing)} of {len(pieces)} pieces to send"
        text += f" ({there} are there already)" if there else ""
        text += f", {sum(piece.packed_bytes for piece in missing):,} bytes as gzip"
        if rates is not None and missing:
            sizes_bytes = [piece.packed_bytes for piece in missing]
            turnaround_s = self.run(self.board.console.turnaround_s(rates.console))
            seconds = on_line_s(sizes_bytes, baud=rates.transfer, turnaround_s=turnaround_s)
            text += f": {spoken(seconds)} at {rates.transfer} baud"
        self._listener(Note(Phase.WRITE, text))

    @contextmanager
    def left_at_prompt(self, *, switched: bool) -> Iterator[None]:
        """Bring the board back to its prompt when the user interrupts us.

        Args:
            switched: Files go at another rate than the console's.
        """
        try:
            yield
        except KeyboardInterrupt:
            state = "at its prompt" if self._settled(switched=switched) else "to be switched off"
            self.note(f"interrupted; the board is {state}; the same command goes on")
            raise

    def _settled(self, *, switched: bool) -> bool:
        try:
            return self.run(attach.settle(self._line, self.how, switched=switched))
        except LinkError:
            return False
