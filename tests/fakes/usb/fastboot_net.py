"""A board with fastboot on the network of this machine: TCP, and UDP that loses packets."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedRWPair

from tests.fakes.usb.fastboot_board import Core


@contextmanager
def tcp_board(core: Core, hello: bytes = b"FB01") -> Iterator[int]:
    """Serve a board over TCP, and give its port.

    Args:
        core: The board.
        hello: What it says first; others than fastboot say something else.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, core, hello), daemon=True).start()
        yield listening.getsockname()[1]
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, core: Core, hello: bytes) -> None:
    with suppress(OSError, struct.error):
        while True:
            connection, _address = listening.accept()
            with connection, connection.makefile("rwb") as stream:
                stream.write(hello)
                stream.flush()
                if stream.read(4) == b"FB01":
                    _serve(stream, core)


def _serve(stream: BufferedRWPair, core: Core) -> None:
    with suppress(OSError, struct.error):
        while True:
            (length,) = struct.unpack(">Q", stream.read(8))
            core.feed(stream.read(length))
            while core.out:
                said = core.out.popleft()
                stream.write(struct.pack(">Q", len(said)) + said)
            stream.flush()


@dataclass
class Losses:
    """What goes wrong with datagrams: the numbers of those, counted over both directions.

    Attributes:
        lost: Do not arrive.
        twice: Arrive twice.
        most_bytes: What the board takes at a time.
        version: Of the protocol that it speaks.
        error: It answers every packet of fastboot with this.
    """

    lost: frozenset[int] = frozenset()
    twice: frozenset[int] = frozenset()
    most_bytes: int = 1024
    version: int = 1
    error: bytes | None = None
    count: int = 0

    def copies(self) -> int:
        """Return how often the next datagram arrives."""
        self.count += 1
        return 0 if self.count in self.lost else 2 if self.count in self.twice else 1


@dataclass
class UdpBoard:
    """The other side: it numbers packets, and answers one again that comes again."""

    core: Core
    losses: Losses
    number: int = 0xFFFE  # it wraps soon
    last: bytes = b""
    part: bytearray = field(default_factory=bytearray)

    def answer(self, packet: bytes) -> bytes | None:
        """Return what is sent back; None for nothing."""
        if len(packet) < 4:
            return None
        kind, flags, number = struct.unpack(">BBH", packet[:4])
        if kind == 1:
            return struct.pack(">BBHH", 1, 0, number, self.number)
        if number == (self.number - 1) & 0xFFFF and self.last:
            return self.last
        if number != self.number:
            return None
        self.last = self._new(kind, flags, number, packet[4:])
        self.number = (self.number + 1) & 0xFFFF
        return self.last

    def _new(self, kind: int, flags: int, number: int, data: bytes) -> bytes:
        if kind == 2:
            return struct.pack(">BBHHH", 2, 0, number, self.losses.version, self.losses.most_bytes)
        if self.losses.error is not None:
            return struct.pack(">BBH", 0, 0, number) + self.losses.error
        if data:
            self.part += data
            if not flags & 1:
                self.core.feed(bytes(self.part))
                self.part.clear()
            return struct.pack(">BBH", 3, 0, number)
        said = self.core.out.popleft() if self.core.out else b""
        return struct.pack(">BBH", 3, 0, number) + said


@contextmanager
def udp_board(core: Core, losses: Losses | None = None) -> Iterator[int]:
    """Serve a board over UDP, and give its port."""
    board = UdpBoard(core, losses or Losses())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(0.1)
        ends = threading.Event()
        thread = threading.Thread(target=_datagrams, args=(bound, board, ends), daemon=True)
        thread.start()
        yield bound.getsockname()[1]
        ends.set()
        thread.join()


def _datagrams(bound: socket.socket, board: UdpBoard, ends: threading.Event) -> None:
    while not ends.is_set():
        try:
            packet, address = bound.recvfrom(1 << 16)
        except TimeoutError:
            continue
        for _copy in range(board.losses.copies()):
            answer = board.answer(packet)
            for _again in range(board.losses.copies() if answer else 0):
                bound.sendto(answer or b"", address)
