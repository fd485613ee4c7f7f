"""A disk that loses what was not flushed when its power goes: an NBD server for QEMU.

A write is durable after a flush, or alone with FUA. At the cut every other write is kept, dropped
or torn at a sector, at random: what disks promise, and nothing more.

Source: doc/proto.md of github.com/NetworkBlockDevice/nbd: newstyle, simple replies.
"""

import os
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECTOR_BYTES: Final = 512
_HELLO: Final = b"NBDMAGIC" + b"IHAVEOPT" + struct.pack(">H", 3)
_OPTION: Final = struct.Struct(">8sII")
_OPTION_REPLY: Final = struct.Struct(">QIII")
_REQUEST: Final = struct.Struct(">IHHQQI")
_REPLY: Final = struct.Struct(">IIQ")
_OPTION_MAGIC: Final = 0x3E889045565A9
_REPLY_MAGIC: Final = 0x67446698
_HAS_FLAGS_FLUSH_FUA: Final = 1 | 4 | 8
_EXPORT_NAME, _INFO, _GO = 1, 6, 7
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
_FUA: Final = 1
_BLOCK_BYTES: Final = 4096


@dataclass
class Cache:
    """A medium and the writes that are on their way to it, in the order that they came.

    Args:
        path: The medium: only what is durable gets there.
        random: Decides at the cut.
    """

    path: Path
    random: random.Random
    writes: int = 0
    flushes: int = 0
    lost: int = 0
    torn: int = 0
    _waiting: list[tuple[int, bytes, bool]] = field(default_factory=list)
    _touched: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._medium = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        self.size_bytes = os.fstat(self._medium).st_size

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        """Return what the machine sees: the medium under the waiting writes."""
        data = bytearray(os.pread(self._medium, length_bytes, offset_bytes))
        end = offset_bytes + length_bytes
        for number in self._over(offset_bytes, length_bytes):
            at, written, _is_durable = self._waiting[number]
            first, last = max(at, offset_bytes), min(at + len(written), end)
            if first < last:
                data[first - offset_bytes : last - offset_bytes] = written[first - at : last - at]
        return bytes(data)

    def write(self, offset_bytes: int, data: bytes, *, is_durable: bool = False) -> None:
        """Take a write, that may be lost unless it has FUA; that one alone is then durable."""
        self.writes += 1
        for block in _blocks(offset_bytes, len(data)):
            self._touched.setdefault(block, []).append(len(self._waiting))
        self._waiting.append((offset_bytes, data, is_durable))

    def flush(self) -> None:
        """Make durable all that was written."""
        self.flushes += 1
        for offset_bytes, data, _is_durable in self._waiting:
            os.pwrite(self._medium, data, offset_bytes)
        self._forget()

    def cut(self) -> None:
        """Take the power away: each waiting write is kept, torn or lost."""
        for offset_bytes, data, is_durable in self._waiting:
            kept = data if is_durable else self._kept(data)
            os.pwrite(self._medium, kept, offset_bytes)
        self._forget()

    def close(self) -> None:
        """Let go of the medium."""
        os.close(self._medium)

    def _kept(self, data: bytes) -> bytes:
        chance = self.random.random()
        if chance < 0.4:
            return data
        if chance < 0.6 and len(data) > SECTOR_BYTES:
            self.torn += 1
            return data[: SECTOR_BYTES * self.random.randrange(1, len(data) // SECTOR_BYTES)]
        self.lost += 1
        return b""

    def _over(self, offset_bytes: int, length_bytes: int) -> Iterable[int]:
        if not self._waiting:
            return ()
        blocks = _blocks(offset_bytes, length_bytes)
        return sorted({one for block in blocks for one in self._touched.get(block, ())})

    def _forget(self) -> None:
        self._waiting.clear()
        self._touched.clear()


def _blocks(offset_bytes: int, length_bytes: int) -> range:
    return range(offset_bytes // _BLOCK_BYTES, -(-(offset_bytes + length_bytes) // _BLOCK_BYTES))


class LossyDisk:
    """Serves one machine after the other on a socket; each has a cache of its own.

    Args:
        path: The disk image.
        socket_path: Where QEMU connects.
        chance: Decides what a cut leaves.
    """

    def __init__(self, path: Path, socket_path: Path, chance: random.Random) -> None:
        self.cuts = self.lost = self.torn = self.writes = 0
        self._path, self._chance = path, chance
        self._socket_path = socket_path
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(socket_path))
        self._listening.listen(1)
        self._off = threading.Event()
        self._off.set()
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def drive(self) -> str:
        """What QEMU takes as `-blockdev`."""
        server = f"server.type=unix,server.path={self._socket_path}"
        return f"driver=nbd,node-name=disk,{server},cache.direct=on"

    def wait_off(self, timeout_s: float = 30) -> None:
        """Wait until the machine is gone and its cut is written down."""
        assert self._off.wait(timeout_s), "the machine still holds its disk"
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Serve no machine any more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        self._listening.close()
        self._socket_path.unlink()

    def _serve(self) -> None:
        while True:
            try:
                peer, _address = self._listening.accept()
            except OSError:
                return
            self._off.clear()
            cache = Cache(self._path, self._chance)
            try:
                with peer:
                    _Session(peer, cache).run()
            except Exception as error:  # noqa: BLE001  # told by `wait_off`
                self.failure = error
            finally:
                cache.cut()
                cache.close()
                self.cuts += 1
                self.lost += cache.lost
                self.torn += cache.torn
                self.writes += cache.writes
                self._off.set()


class _Session:
    """One machine at the socket."""

    def __init__(self, peer: socket.socket, cache: Cache) -> None:
        self._peer, self._cache = peer, cache
        self._commands: dict[int, Callable[[int, int, int], bytes]] = {
            _READ: lambda _flags, offset, length: cache.read(offset, length),
            _WRITE: self._write,
            _FLUSH: self._flush,
        }

    def run(self) -> None:
        """Serve until the machine goes, as a rule without a word."""
        try:
            if not self._agree():
                return
            while True:
                _magic, flags, kind, handle, offset, length = self._packet(_REQUEST)
                if kind == _DISCONNECT:
                    return
                answer = self._commands[kind](flags, offset, length)
                self._peer.sendall(_REPLY.pack(_REPLY_MAGIC, 0, handle) + answer)
        except (EOFError, ConnectionError):
            return

    def _write(self, flags: int, offset: int, length: int) -> bytes:
        data = self._received(length)
        self._cache.write(offset, data, is_durable=bool(flags & _FUA))
        return b""

    def _flush(self, _flags: int, _offset: int, _length: int) -> bytes:
        self._cache.flush()
        return b""

    def _agree(self) -> bool:
        self._peer.sendall(_HELLO)
        self._received(4)
        size_bytes = self._cache.size_bytes
        while True:
            _magic, option, length = self._packet(_OPTION)
            self._received(length)
            if option == _EXPORT_NAME:
                self._peer.sendall(struct.pack(">QH", size_bytes, _HAS_FLAGS_FLUSH_FUA))
                return True
            if option not in (_INFO, _GO):
                self._option(option, 0x80000001)
                continue
            self._option(option, 3, struct.pack(">HQH", 0, size_bytes, _HAS_FLAGS_FLUSH_FUA))
            self._option(option, 3, struct.pack(">HIII", 3, SECTOR_BYTES, _BLOCK_BYTES, 1 << 25))
            self._option(option, 1)
            if option == _GO:
                return True

    def _option(self, option: int, kind: int, data: bytes = b"") -> None:
        self._peer.sendall(_OPTION_REPLY.pack(_OPTION_MAGIC, option, kind, len(data)) + data)

    def _packet(self, form: struct.Struct) -> tuple[int, ...]:
        return form.unpack(self._received(form.size))

    def _received(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            piece = self._peer.recv(min(length - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)
