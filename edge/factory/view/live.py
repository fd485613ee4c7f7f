"""The screen while a station runs: redrawn when something changed, and when its size did.

It is a listener of the station: it takes events from any thread and returns at once.
"""

import termios
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Final, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live

from edge.factory.events import Event
from edge.factory.view import screen
from edge.factory.view.board import Board

# An eye sees no more, and a station has other work.
_LEAST_S: Final = 0.1
_LOOK_S: Final = 0.5


class OperatorView:
    """Shows a station on a terminal, until the block ends.

    Args:
        console: The terminal.
        sound: Ring the bell when somebody has to look up.
        keyboard: The descriptor of the keyboard, on which nothing is shown of what a scanner types
            meanwhile; None to leave it as it is.
    """

    def __init__(
        self, console: Console, *, sound: bool = False, keyboard: int | None = None
    ) -> None:
        self._console, self._sound, self._keyboard = console, sound, keyboard
        self._board = Board()
        self._lock = threading.Lock()
        self._changed, self._ended = threading.Event(), threading.Event()
        self._stack = ExitStack()

    def __call__(self, event: Event) -> None:
        """Take an event of the station."""
        with self._lock:
            rings = self._sound and self._board.calls(event)
            self._board = self._board.taken(event)
        if rings:
            self._console.bell()
        self._changed.set()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._keyboard is not None:
                stack.enter_context(_silent(self._keyboard))
            live = Live(_Shown(self), console=self._console, screen=True, auto_refresh=False)
            stack.enter_context(live)
            thread = threading.Thread(target=self._run, args=(live,), name="view", daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(self._end)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def board(self) -> Board:
        """What is shown now."""
        with self._lock:
            return self._board

    def _end(self) -> None:
        self._ended.set()
        self._changed.set()

    def _run(self, live: Live) -> None:
        size = self._console.size
        live.refresh()
        while not self._ended.is_set():
            is_changed = self._changed.wait(_LOOK_S)
            self._changed.clear()
            if is_changed or self._console.size != size:
                size = self._console.size
                live.refresh()
                self._ended.wait(_LEAST_S)
        live.refresh()


class _Shown:
    """The screen at its size of now."""

    def __init__(self, view: OperatorView) -> None:
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.size.height
        shown = screen.lines(self._view.board, width, height)
        for number, line in enumerate(shown, 1):
            line.no_wrap = True
            line.end = "" if number == len(shown) else "\n"
            yield line


@contextmanager
def _silent(keyboard: int) -> Iterator[None]:
    """Let a terminal show nothing of what is typed until the block ends."""
    try:
        before = termios.tcgetattr(keyboard)
    except termios.error:
        yield
        return
    changed = termios.tcgetattr(keyboard)
    changed[3] &= ~termios.ECHO
    termios.tcsetattr(keyboard, termios.TCSANOW, changed)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(keyboard, termios.TCSANOW, before)
