"""Small images that are cut into many chunks, and a device that asks for them."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.bundle import chunks as maker
from edge_agent.payload.chunk_stock import Base, Stock
from edge_agent.payload.chunks import Plan, assemble, index_ranges, missing
from edge_agent.payload.piece import Piece
from edge_signing.formats.chunks import Cutting, Table
from tests.fakes.memory_image import MemoryImage

SMALL = Cutting(
    least_bytes=64,
    most_bytes=1024,
    chunk_bits=0,
    group_bits=2,
    group_chunks=3,
    group_bytes=4096,
    history_bytes=1024,
)


def noise(length: int, seed: str = "noise") -> bytes:
    """Return bytes that do not compress, the same for the same seed."""
    return hashlib.shake_256(seed.encode()).digest(length)


def text(lines: int, seed: str = "text") -> bytes:
    """Return lines that compress."""
    return b"".join(
        b"%s %d: the value of %s is %s\n" % (seed.encode(), line, word[:4], word)
        for line in range(lines)
        for word in [hashlib.sha256(b"%s%d" % (seed.encode(), line)).hexdigest()[:12].encode()]
    )


def golden_image() -> bytes:
    """Return the image of the vectors `chunks_*.bin`."""
    return b"".join([
        noise(3000), text(80), bytes(9000), text(60, "more"), bytes(300),
        noise(1500, "end"), text(80), b"\xff" * 2500,
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A payload in memory."""

    image: bytes
    packed: bytes
    blob: bytes

    @property
    def table(self) -> Table:
        return Table.unpack(self.packed)


def made(
    image: bytes, folder: Path, cutting: Cutting = SMALL, *, cache: maker.Cache | None = None
) -> Made:
    """Return the chunk payload of an image."""
    path = folder / "image"
    path.write_bytes(image)
    blob = io.BytesIO()
    payload = maker.make(path, blob, cutting=cutting, cache=cache)
    return Made(image, payload.table, blob.getvalue())


@dataclass(slots=True)
class Server:
    """Gives ranges of a blob, and counts them."""

    blob: bytes
    asked: list[tuple[int, int]] = field(default_factory=list)

    def fetch(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return self.blob[offset : offset + length]


def base_of(data: bytes) -> Base:
    """Return the active slot."""
    return Base(MemoryImage(data), len(data))


def planned_with(table: Table, server: Server, bases: Sequence[Base] = ()) -> Plan:
    """Return a plan, with the indexes that it needs fetched."""
    stock = Stock.of(bases, table.cutting)
    wanted = index_ranges(table, missing(table, stock))
    indexes = {name: server.fetch(at.offset_bytes, at.length_bytes) for name, at in wanted.items()}
    return Plan.of(table, stock, indexes)


def joined(pieces: Sequence[Piece]) -> bytes:
    """Return the image, and see to it that there are no gaps."""
    data = bytearray()
    for piece in pieces:
        assert piece.offset_bytes == len(data)
        data += piece.data
    return bytes(data)


def updated(payload: Made, bases: Sequence[Base] = (), blob: bytes | None = None) -> bytes:
    """Return the image that a device with these bases makes."""
    server = Server(payload.blob if blob is None else blob)
    plan = planned_with(payload.table, server, bases)
    return joined(list(assemble(plan, server.fetch)))
