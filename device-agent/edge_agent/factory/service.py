"""The service `factory`: a serial line on which a station is answered, and nothing else is done.

It runs no program, has no network, no capability and no key: what is a whole request goes to the
agent, which has them. What else comes in is dropped, and memory is bounded whatever that is.
"""

import logging
import os
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError
from edge_agent.factory import door
from edge_agent.factory.conversation import Conversation, Incoming
from edge_agent.run import tell_supervisor

logger = logging.getLogger(__name__)

TERMINALS: Final = Path("/dev/edge")
CONSOLE: Final = "console"
FOLDER: Final = Path("/run/edge-factory")
_READ_BYTES: Final = 4096
_REOPEN_S: Final = 1.0


def main() -> int:
    """Run until SIGTERM, and return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_words: sys.exit(0))
    try:
        path = terminal(TERMINALS)
    except AgentError as error:
        sys.stderr.write(f"factory: {error}\n")
        return 1
    tell_supervisor()
    serve(path, Conversation(door.asking(FOLDER)), pause=time.sleep)
    return 0


def terminal(folder: Path) -> Path:
    """Return the one terminal that this service was given.

    Raises:
        AgentError: It was given none, or several.
    """
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    if len(found) != 1:
        raise AgentError(f"{folder}: {len(found)} terminals: `devices` has to name one")
    return found[0]


def serve(path: Path, conversation: Conversation, *, pause: Callable[[float], object]) -> None:
    """Answer on a terminal, and open it again whenever it was hung up."""
    while True:
        try:
            with _opened(path) as handle:
                _talk(handle, conversation)
        except (OSError, termios.error) as error:
            logger.debug("%s: %s", path, error)
        pause(_REOPEN_S)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Without waiting for somebody at the other end, and without becoming its session.
    handle = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.set_blocking(handle, True)
        _make_plain(handle, has_speed=path.name == CONSOLE)
        yield handle
    finally:
        os.close(handle)


def _make_plain(handle: int, *, has_speed: bool) -> None:
    """Let bytes through as they are: no echo, no signals, no flow control that noise could stop.

    What goes out stays as it is, as others say something on the console as well.
    """
    incoming, going, control, local, speed_in, speed_out, special = termios.tcgetattr(handle)
    incoming &= ~(termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INPCK)
    incoming &= ~(termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON | termios.IXOFF)
    local &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    special[termios.VMIN], special[termios.VTIME] = 1, 0
    if not has_speed:
        speed_in = speed_out = termios.B115200
    modes = [incoming | termios.IGNBRK, going, control | termios.CLOCAL | termios.CREAD, local]
    termios.tcsetattr(handle, termios.TCSANOW, [*modes, speed_in, speed_out, special])


def _talk(handle: int, conversation: Conversation) -> None:
    incoming = Incoming()
    while data := os.read(handle, _READ_BYTES):
        for line in incoming.take(data):
            for said in conversation.take(line):
                _say(handle, f"{said}\n".encode())


def _say(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
