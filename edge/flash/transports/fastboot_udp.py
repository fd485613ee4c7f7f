"""Fastboot over UDP: numbered packets, each answered by one, and sent again until it is.

Source: Android's fastboot/README.md, "UDP Protocol v1".
"""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Final

from construct import Int8ub, Int16ub, Struct

from edge.errors import LinkError, ThingNotFoundError

PORT: Final = 5554
AGAIN_S: Final = 0.5
GIVE_UP_S: Final = 60.0
HEADER: Final = Struct("kind" / Int8ub, "flags" / Int8ub, "number" / Int16ub)
INIT: Final = Struct("version" / Int16ub, "most_bytes" / Int16ub)
ERROR, QUERY, START, FASTBOOT = range(4)
GOES_ON: Final = 1
OURS_BYTES: Final = 2048
LEAST_BYTES: Final = 512
VERSION: Final = 1
_HEAD: Final = HEADER.sizeof()


class FastbootUdp:
    """A port of packets over datagrams.

    Args:
        host: The board.
        port: Its port.
        clock_s: Seconds on a clock that only goes forward.

    Raises:
        ThingNotFoundError: There is no such host, or nobody answers.
        LinkError: Who answers speaks something else.
    """

    def __init__(
        self, host: str, port: int = PORT, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = f"udp:{host}:{port}"
        self._clock_s = clock_s
        self._number = 0
        self._most_bytes = LEAST_BYTES
        try:
            family, kind, protocol, _name, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_DGRAM
            )[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.connect(address)
        except OSError as error:
            raise ThingNotFoundError(f"{self._name}: {error.strerror or error}") from error
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return what `select` takes."""
        return self._socket.fileno()

    def write(self, data: bytes) -> None:
        """Send a packet, in as many datagrams as it takes."""
        room = self._most_bytes - _HEAD
        for start in range(0, len(data), room):
            goes_on = start + room < len(data)
            said = self._exchange(FASTBOOT, data[start : start + room], goes_on=goes_on)
            if said:
                raise LinkError(f"{self._name}: it answered before it was asked")

    def read(self, timeout_s: float) -> bytes:
        """Return what the board has to say; empty when that is nothing for so long."""
        deadline_s = self._clock_s() + timeout_s
        while True:
            said = self._exchange(FASTBOOT, b"", give_up_s=max(timeout_s, GIVE_UP_S))
            if said or self._clock_s() >= deadline_s:
                return said

    def set_baud(self, baud: int) -> None:
        """Do nothing: there is none."""

    def close(self) -> None:
        """Close the socket."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _greet(self) -> None:
        said = self._exchange(QUERY, b"", give_up_s=5.0)
        if len(said) < 2:
            raise LinkError(f"{self._name}: it does not say at which number it is")
        self._number = int.from_bytes(said[:2], "big")
        ours = bytes(INIT.build({"version": VERSION, "most_bytes": OURS_BYTES}))
        said = self._exchange(START, ours)
        if len(said) < INIT.sizeof():
            raise LinkError(f"{self._name}: it does not say what it takes")
        theirs = INIT.parse(said)
        if theirs.version < VERSION or theirs.most_bytes < LEAST_BYTES:
            raise LinkError(
                f"{self._name}: version {theirs.version}, packets of {theirs.most_bytes} bytes"
            )
        self._most_bytes = min(OURS_BYTES, theirs.most_bytes)

    def _exchange(
        self, kind: int, data: bytes, *, goes_on: bool = False, give_up_s: float | None = None
    ) -> bytes:
        """Send one datagram until it is answered, and return all that the answer carries."""
        said = bytearray()
        more = True
        while more:
            piece, more = self._once(kind, data, goes_on=goes_on, give_up_s=give_up_s or GIVE_UP_S)
            said += piece
            data = b""
        return bytes(said)

    def _once(
        self, kind: int, data: bytes, *, goes_on: bool, give_up_s: float
    ) -> tuple[bytes, bool]:
        head = {"kind": kind, "flags": GOES_ON if goes_on else 0, "number": self._number}
        packet = bytes(HEADER.build(head)) + data
        deadline_s = self._clock_s() + give_up_s
        while (now_s := self._clock_s()) < deadline_s:
            self._send(packet)
            found = self._answer(kind, min(now_s + AGAIN_S, deadline_s))
            if found is not None:
                if kind != QUERY:
                    self._number = (self._number + 1) & 0xFFFF
                return found
        if kind == QUERY:
            raise ThingNotFoundError(f"{self._name}: nobody answers")
        raise LinkError(f"{self._name}: no answer in {give_up_s:.0f} s")

    def _answer(self, kind: int, until_s: float) -> tuple[bytes, bool] | None:
        """Return the answer to the datagram that was just sent, and whether more follows."""
        while (left_s := until_s - self._clock_s()) > 0:
            said = self._receive(left_s)
            if said is None:
                return None
            if len(said) < _HEAD:
                continue
            head = HEADER.parse(said[:_HEAD])
            if head.number != self._number and kind != QUERY:
                continue  # to one that was sent before
            if head.kind == ERROR:
                reason = said[_HEAD:].decode("ascii", "replace")
                raise LinkError(f"{self._name}: the board says: {reason}")
            if head.kind == kind:
                return said[_HEAD:], bool(head.flags & GOES_ON)
        return None

    def _receive(self, timeout_s: float) -> bytes | None:
        """Return a datagram; None when none came, or when nobody listens yet."""
        try:
            self._socket.settimeout(timeout_s)
            return self._socket.recv(1 << 16)
        except TimeoutError:
            return None
        except ConnectionRefusedError:
            time.sleep(min(0.05, timeout_s))
            return None
        except OSError as error:
            raise LinkError(f"{self._name}: {error.strerror or error}") from error

    def _send(self, packet: bytes) -> None:
        try:
            self._socket.settimeout(GIVE_UP_S)
            self._socket.send(packet)
        except ConnectionRefusedError:
            return  # nobody listens yet: told of an earlier datagram
        except OSError as error:
            raise LinkError(f"{self._name}: {error.strerror or error}") from error
