"""The service `support`: waits for the agent to ask for a terminal, and serves one at a time.

It has no network and no key of the device. What it takes to look at a grant loads when the first
one comes.
"""

import logging
import os
import select
import signal
import socket
import sys
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.errors import AgentError

if TYPE_CHECKING:
    from edge_agent.terminal.host import House

logger = logging.getLogger(__name__)

FOLDER: Final = Path("/run/edge-support")
DATA: Final = Path("/var/lib/edge-support")
ETC: Final = Path("/etc/edge")
_SOCKET: Final = "support.sock"
_BACKLOG: Final = 4


def main() -> int:
    """Run until SIGTERM, and return the exit status."""
    from edge_agent.run import tell_supervisor

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    if os.geteuid() != 0:
        sys.stderr.write("support: not root: shells could not be another user than what records\n")
        return 1
    signal.signal(signal.SIGTERM, lambda *_words: sys.exit(0))
    with listening(FOLDER) as door:
        tell_supervisor()
        from edge_agent.terminal.shell import USER

        wait(door, user=USER)
    return 0


def listening(folder: Path) -> socket.socket:
    """Return the socket on which the agent asks.

    Raises:
        OSError: It can not be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _SOCKET
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(str(path))
    # The agent is another user; who comes in is looked at, and gets nothing without a grant.
    path.chmod(0o666)
    door.listen(_BACKLOG)
    return door


def wait(door: socket.socket, *, user: int | None, etc: Path = ETC, data: Path = DATA) -> None:
    """Serve one connection after the other, until the process ends."""
    while True:
        select.select((door,), (), ())
        connection, _address = door.accept()
        from edge_agent.terminal import host
        from edge_agent.terminal.opening import Peer

        peer = Peer(connection)
        try:
            if user is not None and _user_of(connection) == user:
                logger.warning("a shell asks for another one: not answered")
                continue
            host.serve(_house(etc, data, user), peer)
        except AgentError as error:
            logger.warning("%s", error)
        finally:
            peer.close()


def _user_of(connection: socket.socket) -> int:
    # struct ucred of unix(7): process, user, group.
    words = array("i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return words[1]


def _house(etc: Path, data: Path, user: int | None) -> "House":
    """Return what holds for the next session.

    Raises:
        AgentError: The settings of the image are wrong.
    """
    import secrets

    from edge_agent.clock import DeviceClock
    from edge_agent.standing import FILE, Standing
    from edge_agent.store import files_in
    from edge_agent.terminal.host import House
    from edge_agent.terminal.terms import Terms

    return House(
        terms=Terms.of_file(etc / "agent.json"),
        files=files_in(data),
        floor_s=Standing.read(etc / FILE.name).floor.floor_s,
        user=user,
        now_s=DeviceClock().now_s,
        noise=secrets.token_bytes,
    )
