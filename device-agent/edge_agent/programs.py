"""Own programs of the image, asked one after the other: health checks and hooks.

A program agrees when it ends with 0. Nothing waits for it: who asks looks again until the answer is
there. Each has a bounded time; then it is killed with all that it started.
"""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 30.0
_SAID_MOST_BYTES: Final = 4096
_LINE_MOST: Final = 200


class Round:
    """Programs that are asked once, each after the one before agreed.

    Args:
        programs: Their paths.
        monotonic_s: A clock that only goes forward.
        timeout_s: How long each may take.
    """

    def __init__(
        self,
        programs: Sequence[Path],
        monotonic_s: Callable[[], float],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._left = list(programs)
        self._monotonic_s = monotonic_s
        self._timeout_s = timeout_s
        self._child: _Child | None = None
        self._end_s = 0.0

    def complaint(self) -> str | None:
        """Return what the first that disagrees says, empty if all agree, None while one runs."""
        while self._child is not None or self._left:
            said = self._look()
            if said is None:
                return None
            self._child = None
            if said:
                self._left = []
                return said
        return ""

    def end(self) -> None:
        """Kill what runs, and ask no more."""
        if self._child is not None:
            self._child.kill()
        self._child, self._left = None, []

    def _look(self) -> str | None:
        if self._child is None:
            program = self._left.pop(0)
            try:
                self._child = _Child(program)
            except OSError as error:
                return f"{program.name}: {error.strerror}"
            self._end_s = self._monotonic_s() + self._timeout_s
        said = self._child.complaint()
        if said is None and self._monotonic_s() >= self._end_s:
            self._child.kill()
            return f"{self._child.name}: no answer after {self._timeout_s:g} s"
        return said


class _Child:
    """One program that runs; its outputs come through one pipe, of which the end is kept.

    Raises:
        OSError: It can not be started.
    """

    def __init__(self, program: Path) -> None:
        import subprocess  # only images with own programs pay for it

        self.name = program.name
        self._said = b""
        self._process = subprocess.Popen(  # noqa: S603, TID251  # a program of the verified image
            [str(program)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)

    def complaint(self) -> str | None:
        """Return what it says, empty if it agrees, None while it runs."""
        status = self._process.poll()
        self._read()
        if status is None:
            return None
        self._close()
        if status == 0:
            return ""
        lines = self._said.decode(errors="replace").strip().splitlines()
        last = f": {lines[-1].strip()[-_LINE_MOST:]}" if lines else ""
        return f"{self.name}: status {status}{last}"

    def kill(self) -> None:
        """Kill it with all that it started."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._close()

    def _read(self) -> None:
        """Take what it said; whoever it started may hold the pipe open, so its end is no sign."""
        pipe = self._process.stdout
        while pipe is not None and (piece := pipe.read(_SAID_MOST_BYTES)):
            self._said = (self._said + piece)[-_SAID_MOST_BYTES:]

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()
