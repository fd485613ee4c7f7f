"""What one command prints, kept instead of shown: for `--json`."""

import os
import threading
from typing import Final

from edge.cli.terminal_window import Window
from edge.console.terminal.remote import Remote
from edge_signing.terminal.frames import End

MOST_BYTES: Final = 16 << 20
_PIECE_BYTES: Final = 64 << 10


class _Kept:
    """A pipe whose other end is read in a thread, so that nobody waits to write."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.pipe()
        self._said = bytearray()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def text(self) -> str:
        """Return what was written, when nobody writes any more."""
        os.close(self.theirs)
        self._reading.join()
        os.close(self._ours)
        return self._said.decode(errors="replace")

    def _read(self) -> None:
        while piece := os.read(self._ours, _PIECE_BYTES):
            if len(self._said) < MOST_BYTES:
                self._said += piece


def captured(remote: Remote) -> tuple[End, dict[str, str]]:
    """Run the one command of a session; return how it ended, and what it printed."""
    shown, errors = _Kept(), _Kept()
    try:
        end = Window(remote, shown.theirs, errors.theirs).run_command()
    finally:
        said = {"output": shown.text(), "errors": errors.text()}
    return end, said
