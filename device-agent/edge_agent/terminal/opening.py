"""What the agent tells the service `support` of a session that is to be opened.

They talk over a socket of whole messages, each of which is one of parcels. Who the device is, and
what time it is at least, the agent knows; whether the grant holds, the service decides itself.
"""

import base64
import re
import select
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.terminal import parcels
from edge_signing.terminal.handshake import decoded
from edge_signing.terminal.parcels import MESSAGE_MOST_BYTES, Parcel

FOLDER: Final = Path("/run/edge-support")
SOCKET: Final = "support.sock"
_FORMAT: Final = 1
_FINISH_S: Final = 2.0
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class PeerError(AgentError):
    """The other end of the socket is not there, too slow, or says what can not be read."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Who is asked, and by which grant.

    Attributes:
        certificate: Of the device, in DER.
        floor_s: The time is not before this, seconds since 1970.
        grant: Signed and packed, as it came.
    """

    device: str
    epoch: int
    certificate: bytes = field(repr=False)
    floor_s: int
    grant: bytes = field(repr=False)

    def pack(self) -> bytes:
        """Return the content of a parcel."""
        return canonical.encode(
            {
                "certificate": base64.b64encode(self.certificate).decode(),
                "device": self.device,
                "epoch": self.epoch,
                "floor_s": self.floor_s,
                "format": _FORMAT,
                "grant": base64.b64encode(self.grant).decode(),
            }
        )

    @classmethod
    def unpack(cls, content: bytes) -> "Opening":
        """Return what the content of a parcel says.

        Raises:
            FormatError: It is none.
        """
        fields = Fields(canonical.decode(content), "opening")
        fields.one_of("format", (_FORMAT,))
        made = cls(
            device=fields.text("device", _DEVICE),
            epoch=fields.integer("epoch"),
            certificate=decoded(fields, "certificate"),
            floor_s=fields.integer("floor_s"),
            grant=decoded(fields, "grant"),
        )
        fields.end()
        return made


class Peer:
    """The other end of the socket.

    Args:
        connection: Of whole messages.
        send_s: How long the other end may take nothing.
    """

    def __init__(self, connection: socket.socket, send_s: float = 30.0) -> None:
        self._connection = connection
        self._connection.settimeout(send_s)

    def fileno(self) -> int:
        """Return the descriptor, to be waited for."""
        return self._connection.fileno()

    def send(self, *said: Parcel) -> None:
        """Say something.

        Raises:
            PeerError: The other end has gone, or takes nothing.
        """
        left: Sequence[Parcel] = said
        try:
            while left:
                now = parcels.fitting(left)
                self._connection.send(parcels.pack(now))
                left = left[len(now) :]
        except OSError as error:
            raise PeerError(f"support: {error.strerror or 'too slow'}") from error

    def receive(self) -> Sequence[Parcel]:
        """Return what was said; wait until something is.

        Raises:
            PeerError: The other end has gone, or says what can not be read.
        """
        try:
            data = self._connection.recv(MESSAGE_MOST_BYTES + 1)
        except OSError as error:
            raise PeerError(f"support: {error.strerror or 'too slow'}") from error
        if not data:
            raise PeerError("support: the other end has gone")
        try:
            return parcels.unpack(data)
        except FormatError as error:
            raise PeerError(f"support: {error}") from error

    def wait(self, most_s: float) -> Sequence[Parcel]:
        """Return what was said; wait for it so long at most.

        Raises:
            PeerError: The other end has gone, or says what can not be read.
        """
        found: list[Parcel] = []
        wait_s = most_s
        while len(found) < parcels.PARCELS_MOST and select.select((self,), (), (), wait_s)[0]:
            try:
                found += self.receive()
            except PeerError:
                if not found:
                    raise
                break  # said again next time
            wait_s = 0.0
        return found

    def finish(self) -> None:
        """Say nothing more, and wait a moment until the other end has heard all and gone.

        To close while it still says something would throw away what it has not read.
        """
        try:
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(_FINISH_S)
            while self._connection.recv(MESSAGE_MOST_BYTES + 1):
                pass
        except OSError:
            return

    def close(self) -> None:
        """Close the connection; the other end ends the session."""
        self._connection.close()


def connect(folder: Path = FOLDER) -> Peer:
    """Return the service `support`.

    Raises:
        PeerError: It is not there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(5)
        connection.connect(str(folder / SOCKET))
    except OSError as error:
        connection.close()
        raise PeerError("terminal: this system has no service `support` that answers") from error
    return Peer(connection)
