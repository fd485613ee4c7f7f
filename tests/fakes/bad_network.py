"""A network between two programs that drops, stalls, cuts, spoils, resets or delays at any byte."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

Fault = Literal["drop", "reset", "stall", "spoil", "delay", "drip", "refuse"]
FAULTS: tuple[Fault, ...] = ("drop", "reset", "stall", "spoil", "delay", "refuse")
_PIECE_BYTES = 16 << 10
_NOW = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


@dataclass(frozen=True)
class Trouble:
    """What happens to one connection.

    Attributes:
        fault: drop: closed as if it were the end; reset: broken off; stall: nothing more comes;
            spoil: one bit is another; delay: the rest comes later; drip: then byte by byte;
            refuse: closed at once.
        after_bytes: So many pass before.
        upwards: On the way to the server, else from it.
        for_s: How long a delay is, or the time between two drips.
    """

    fault: Fault
    after_bytes: int = 0
    upwards: bool = False
    for_s: float = 0.2


Plan = Callable[[int], Trouble | None]


class BadNetwork:
    """A port that leads to another one, with trouble by the number of the connection.

    Attributes:
        plan: Returns the trouble of connection 0, 1, …
        up_bytes: How much went to the server.
        down_bytes: How much came from it.
    """

    def __init__(self, port: int, plan: Plan = lambda _number: None) -> None:
        self.plan = plan
        self.up_bytes = self.down_bytes = self.connections = 0
        self._target = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._start(self._accept)

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def cut(self) -> None:
        """Break all connections that are open."""
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._stop.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _start(self, run: Callable[..., None], *words: object) -> threading.Thread:
        thread = threading.Thread(target=run, args=words, daemon=True)
        thread.start()
        self._threads.append(thread)
        return thread

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            trouble = self.plan(self.connections)
            self.connections += 1
            self._start(self._carry, client, trouble)

    def _carry(self, client: socket.socket, trouble: Trouble | None) -> None:
        if trouble is not None and trouble.fault == "refuse":
            client.close()
            return
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        ends = {client, server}
        self._open |= ends
        up = trouble if trouble is not None and trouble.upwards else None
        down = trouble if trouble is not None and not trouble.upwards else None
        other = self._start(self._pipe, client, server, up, True)
        self._pipe(server, client, down, False)
        other.join()
        self._open -= ends
        for one in ends:
            one.close()

    def _pipe(
        self, source: socket.socket, sink: socket.socket, trouble: Trouble | None, upwards: bool
    ) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                if trouble is not None and passed + len(piece) > trouble.after_bytes:
                    head, rest = self._split(piece, trouble.after_bytes - passed)
                    sink.sendall(head)
                    if not self._troubled(trouble, rest, source, sink):
                        return
                    trouble = None if trouble.fault != "drip" else trouble
                else:
                    sink.sendall(piece)
                passed += len(piece)
                if upwards:
                    self.up_bytes += len(piece)
                else:
                    self.down_bytes += len(piece)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _troubled(
        self, trouble: Trouble, rest: bytes, source: socket.socket, sink: socket.socket
    ) -> bool:
        """Do what happens at the byte; return whether the connection goes on."""
        match trouble.fault:
            case "drip":
                for one in rest:
                    sink.sendall(bytes([one]))
                    if self._stop.wait(trouble.for_s):
                        return False
            case "spoil":
                sink.sendall(bytes([rest[0] ^ 1]) + rest[1:])
            case "delay":
                self._stop.wait(trouble.for_s)
                sink.sendall(rest)
            case "stall":
                self._stalled(source)
                return False
            case _:
                self._ended(trouble, source, sink)
                return False
        return True

    @staticmethod
    def _ended(trouble: Trouble, *ends: socket.socket) -> None:
        for one in ends:
            if trouble.fault == "reset":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _stalled(self, source: socket.socket) -> None:
        """Swallow all until somebody closes."""
        with suppress(OSError):
            while not self._stop.is_set() and source.recv(_PIECE_BYTES):
                pass

    @staticmethod
    def _split(piece: bytes, at: int) -> tuple[bytes, bytes]:
        at = max(0, at)
        return piece[:at], piece[at:]


@contextmanager
def bad_network(port: int, plan: Plan = lambda _number: None) -> Iterator[BadNetwork]:
    network = BadNetwork(port, plan)
    try:
        yield network
    finally:
        network.close()


class ScriptedServer:
    """Answers each request with bytes of a script, over plain HTTP.

    Attributes:
        script: Yields what is sent; the connection is closed after it.
        asked: The heads of all requests.
    """

    def __init__(self, script: Callable[[bytes], Iterator[bytes]]) -> None:
        self.script = script
        self.asked: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/"

    def _run(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(10)
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return
            head += piece
        self.asked.append(head)
        for piece in self.script(head):
            client.sendall(piece)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


def endless(first: bytes, again: bytes = bytes(4096), *, every_s: float = 0) -> Iterator[bytes]:
    """Yield without an end."""
    yield first
    while True:
        if every_s:
            time.sleep(every_s)
        yield again
