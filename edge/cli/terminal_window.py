"""The window of the person: raw while a session lasts, and as it was before in any case."""

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from edge.cli.escapes import TERM
from edge.console.terminal.remote import Remote
from edge.errors import EdgeError
from edge_signing.terminal.frames import End, Frame, Kind, Size

LEAVE: Final = b"\x1d"  # Ctrl-]
LEAVE_NAME: Final = "Ctrl-]"
_TYPED_BYTES: Final = 4096
_END_S: Final = 10.0


class Window:
    """Joins a session to a window.

    Args:
        remote: The session, which the device has answered.
        shown: Descriptor for what is shown.
        errors: The same for errors.
    """

    def __init__(self, remote: Remote, shown: int = 1, errors: int = 2) -> None:
        self._remote = remote
        self._outputs = {Kind.OUTPUT: shown, Kind.ERRORS: errors}
        self._failed: EdgeError | None = None
        self._end: End | None = None
        self._bell, self._ring = os.pipe()
        self._has_new_size = False

    def run_command(self) -> End:
        """Show what one command prints; return how it ended.

        Raises:
            EdgeError: The session was cut.
        """
        with self._closing():
            self._remote.start(Size())
            self._read()
        return self._ended()

    def run_shell(self, typed: int = 0) -> End:
        """Join keys and a shell, until one of them ends; return how it ended.

        Args:
            typed: Descriptor of the terminal where keys come from.

        Raises:
            EdgeError: The session was cut.
        """
        with self._closing(), _raw(typed), self._sized():
            self._remote.start(size_of(typed))
            reading = threading.Thread(target=self._read, daemon=True)
            reading.start()
            try:
                self._type(typed)
            finally:
                reading.join(_END_S)
        return self._ended()

    def _type(self, typed: int) -> None:
        while self._end is None and self._failed is None:
            ready = select.select((typed, self._bell), (), ())[0]
            if self._bell in ready:
                os.read(self._bell, _TYPED_BYTES)
                if self._has_new_size:
                    self._has_new_size = False
                    self._remote.resize(size_of(typed))
            elif not self._bring(os.read(typed, _TYPED_BYTES)):
                return

    def _bring(self, keys: bytes) -> bool:
        """Bring keys to the device; return whether the session goes on."""
        before, leave, _after = keys.partition(LEAVE)
        if before:
            self._remote.type(before)
        if leave or not keys:
            self._remote.leave()
            return False
        return True

    def _read(self) -> None:
        """Show what comes, until nothing comes any more; in a thread of its own for a shell."""
        try:
            for frame in self._remote.frames():
                self._show(frame)
        except EdgeError as error:
            self._failed = error
        finally:
            os.write(self._ring, b".")

    def _show(self, frame: Frame) -> None:
        kind = Kind(frame.kind)
        if kind is Kind.ENDED:
            self._end = End.unpack(frame.body)
        elif kind in self._outputs:
            left = frame.body
            while left:
                left = left[os.write(self._outputs[kind], left) :]

    def _ended(self) -> End:
        if self._failed is not None:
            raise self._failed
        # The console's word counts only where the device could say none.
        return self._end or End(self._remote.ended or "the session is lost")

    @contextmanager
    def _closing(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self._end is None:
                self._remote.hang_up()
            for one in (self._bell, self._ring):
                os.close(one)

    @contextmanager
    def _sized(self) -> Iterator[None]:
        def note(*_words: object) -> None:
            self._has_new_size = True
            os.write(self._ring, b".")

        before = signal.signal(signal.SIGWINCH, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


def size_of(typed: int) -> Size:
    """Return how large a window is, and what it understands."""
    rows, columns = termios.tcgetwinsize(typed)
    term = os.environ.get("TERM", "")
    return Size(columns or 80, rows or 24, term if TERM.fullmatch(term) else "dumb")


def is_window() -> bool:
    """Whether a person is at a terminal, for keys and for what is shown."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def _raw(typed: int) -> Iterator[None]:
    before = termios.tcgetattr(typed)
    tty.setraw(typed)
    try:
        yield
    finally:
        termios.tcsetattr(typed, termios.TCSADRAIN, before)
