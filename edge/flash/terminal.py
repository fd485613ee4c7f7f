"""The user's terminal on a port: keys go out, what comes in goes to the screen."""

import os
import select
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from edge.flash.transports.port import Port

LEAVE: Final = b"\x1d"  # Ctrl-]
_POLL_S: Final = 0.02
_WAIT_S: Final = 1.0
_KEYS_BYTES: Final = 4096


@contextmanager
def raw(descriptor: int) -> Iterator[None]:
    """Give each key as it is pressed, Ctrl-C too; the terminal is as it was afterwards.

    Args:
        descriptor: Of the keyboard; one that is no terminal stays as it is.
    """
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def pump(port: Port, keyboard: int, said: Callable[[bytes], object]) -> None:
    """Carry bytes both ways until the user leaves with Ctrl-].

    Args:
        port: The port.
        keyboard: The descriptor of the keys; at its end we go on listening.
        said: Gets what came in.

    Raises:
        LinkError: The port is gone.
    """
    listens = _descriptor(port)
    keys_end = False
    while True:
        waited = [item for item in (listens, None if keys_end else keyboard) if item is not None]
        ready = select.select(waited, [], [], _POLL_S if listens is None else _WAIT_S)[0]
        if keyboard in ready and not keys_end:
            keys = os.read(keyboard, _KEYS_BYTES)
            keys_end = not keys
            typed, leave, _rest = keys.partition(LEAVE)
            if typed:
                port.write(typed)
            if leave:
                return
        if (listens is None or listens in ready) and (data := port.read(0)):
            said(data)


def _descriptor(port: Port) -> int | None:
    """Return what `select` takes; None for a port that has to be asked."""
    try:
        return port.fileno()
    except OSError:
        return None
