"""Get an image from a repository: compare what each payload would send, take the least.

A patch is asked for whether its base is there, the full payload needs nothing, and chunks are cut
only when no patch fits, because all of the base has to be read for them.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from edge_agent.payload import assemble, chunks
from edge_agent.payload.chunk_stock import Base, Stock
from edge_agent.payload.piece import BaseImage, Piece
from edge_signing.errors import FormatError, TrustError
from edge_signing.formats.chunks import Table
from edge_signing.release import Content, Image, Payload


class Blobs(Protocol):
    """Where tables and blobs are fetched: a repository, over whatever link."""

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a table or blob; fewer only if it ends early."""


@dataclass(frozen=True, slots=True)
class OldImage:
    """An image that is there, and how much of it may be looked through."""

    image: BaseImage
    length_bytes: int
    is_target: bool = False


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How an image will be got.

    Attributes:
        payload: Which one is taken.
        planned_bytes: How much is sent for it, its table included.
        pieces: Fetches and yields the image from a stored unit on.
    """

    payload: Payload
    planned_bytes: int
    pieces: Callable[[int], Iterator[Piece]]


def plan(
    image: Image,
    payloads: Iterable[Payload],
    old: OldImage | None,
    blobs: Blobs,
    *,
    left: OldImage | None = None,
) -> Acquisition:
    """Return the way to get an image that sends the fewest bytes.

    Args:
        image: What is wanted.
        payloads: All that are signed for the release, patches among them.
        old: What is there.
        blobs: Where tables and blobs are.
        left: What an attempt that was cut short left where the image will be; for chunks.

    Raises:
        TrustError: A table is not what was signed, or no payload can be used.
        FormatError: A table cannot be read.
    """
    fitting = [payload for payload in payloads if payload.partition == image.partition]
    usable = [payload for payload in fitting if _usable(payload, old)]
    ways = [_whole(payload, old, blobs) for payload in usable]
    if old is not None and not any(way.payload.kind == "patch" for way in ways):
        least = min((way.planned_bytes for way in ways), default=None)
        for payload in fitting:
            if payload.kind == "chunks":
                ways += _by_chunks(payload, (old, left) if left else (old,), blobs, least)
    if not ways:
        raise TrustError(f"image {image.partition}: no payload of the release can be used here")
    return min(ways, key=lambda way: way.planned_bytes)


def table_of(payload: Payload, blobs: Blobs) -> bytes:
    """Fetch the table of a payload.

    Raises:
        TrustError: It is not the one that was signed.
    """
    content = payload.table
    table = blobs.fetch(content, 0, content.length_bytes)
    if len(table) != content.length_bytes or hashlib.sha256(table).digest() != content.sha256:
        raise TrustError(
            f"payload {payload.partition} {payload.kind}: not the table that was signed"
        )
    return table


def _usable(payload: Payload, old: OldImage | None) -> bool:
    if payload.kind == "full":
        return True
    if payload.kind != "patch" or payload.base is None or old is None or old.is_target:
        return False
    return assemble.is_image(old.image, payload.base)


def _whole(payload: Payload, old: OldImage | None, blobs: Blobs) -> Acquisition:
    def pieces(first: int) -> Iterator[Piece]:
        return assemble.pieces(
            payload,
            table_of(payload, blobs),
            lambda offset, length: blobs.fetch(payload.blob, offset, length),
            old.image if old else None,
            first=first,
        )

    return Acquisition(payload, payload.total_bytes, pieces)


def _by_chunks(
    payload: Payload, old: Iterable[OldImage], blobs: Blobs, least: int | None
) -> list[Acquisition]:
    """Return the way by chunks, none if even its table is more than the least of the others."""
    if least is not None and payload.table.length_bytes >= least:
        return []
    table = Table.unpack(table_of(payload, blobs))
    if table.blob_bytes != payload.blob.length_bytes:
        raise FormatError(f"payload {payload.partition} chunks: table and blob differ in length")

    def fetch(offset: int, length: int) -> bytes:
        return blobs.fetch(payload.blob, offset, length)

    bases = [Base(one.image, one.length_bytes, one.is_target) for one in old]
    stock = Stock.of(bases, table.cutting)
    wanted = chunks.index_ranges(table, chunks.missing(table, stock))
    index_bytes = sum(one.length_bytes for one in wanted.values())
    if least is not None and payload.table.length_bytes + index_bytes >= least:
        return []
    indexes = {number: fetch(one.offset_bytes, one.length_bytes) for number, one in wanted.items()}
    made = chunks.Plan.of(table, stock, indexes)

    def pieces(first: int) -> Iterator[Piece]:
        if first:
            raise FormatError("chunks are planned anew after a power cut, not resumed")
        return chunks.assemble(made, fetch)

    return [Acquisition(payload, made.planned_bytes, pieces)]
