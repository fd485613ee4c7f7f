"""An image from chunks: find what is there, plan what to fetch, and put it together.

    stock = Stock.of(bases, table.cutting)
    wanted = index_ranges(table, missing(table, stock))
    indexes = {name: fetch(at.offset_bytes, at.length_bytes) for name, at in wanted.items()}
    plan = Plan.of(table, stock, indexes)
    if plan.planned_bytes < full_bytes:
        for piece in assemble(plan, fetch): ...

Planning reads nothing but its arguments. One group at a time is in memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from edge_agent.payload.chunk_coding import decoded
from edge_agent.payload.chunk_stock import Place, Stock
from edge_agent.payload.piece import Piece
from edge_signing.errors import TrustError
from edge_signing.formats.chunks import Chunk, Group, Index, Table, hash_of, lookup_of

Fetch = Callable[[int, int], bytes]  # (offset, length) of the blob -> its bytes

# An own range costs more than this in headers.
MERGED_GAP_BYTES: Final = 512
# Zeros are made, not found.
_NOTHING: Final = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of the blob."""

    offset_bytes: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class Planned:
    """How one group comes to be: found whole where `found` says, else chunk by chunk.

    Attributes:
        image_offset_bytes: Where it begins in the image.
        group: Its row.
        found: Where all of it is; None if it is not.
        chunks: Each with its place in a base, or None if it is fetched or zeros.
        chunks_offset_bytes: Where its stored chunks begin in the blob.
    """

    image_offset_bytes: int
    group: Group
    found: Place | None
    chunks: tuple[tuple[Chunk, Place | None], ...]
    chunks_offset_bytes: int

    def ranges(self) -> Iterator[Range]:
        """Yield what is fetched, ascending; small gaps are fetched with their neighbours."""
        start = end = offset_bytes = self.chunks_offset_bytes
        for chunk, place in self.chunks:
            if place is None and chunk.stored_bytes:
                if start < end and offset_bytes - end > MERGED_GAP_BYTES:
                    yield Range(start, end - start)
                    start = offset_bytes
                elif start == end:
                    start = offset_bytes
                end = offset_bytes + chunk.stored_bytes
            offset_bytes += chunk.stored_bytes
        if start < end:
            yield Range(start, end - start)


def missing(table: Table, stock: Stock) -> tuple[int, ...]:
    """Return the numbers of the groups that no base has, and whose index is needed."""
    return tuple(
        number
        for number, (group, (reached_bytes, _)) in enumerate(
            zip(table.groups, table.places(), strict=True)
        )
        if group.chunks and _found(group, stock, reached_bytes) is None
    )


def index_ranges(table: Table, numbers: Sequence[int]) -> dict[bytes, Range]:
    """Return where in the blob the indexes of these groups are, each by its hash and once."""
    places = list(table.places())
    ranges: dict[bytes, Range] = {}
    for number in numbers:
        group = table.groups[number]
        ranges.setdefault(group.index_hash, Range(places[number][1], group.index_bytes))
    return ranges


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be fetched for an image, and where the rest is.

    Attributes:
        table: That of the image.
        stock: What is in the bases.
        indexes: Of the groups that no base has, as they are in the blob, by their hashes.
        ranges: What of the blob is still to be fetched, ascending.
        planned_bytes: All that is fetched for the image: table, indexes and ranges. If it is more
            than the full payload has, that one is to be taken.
    """

    table: Table
    stock: Stock
    indexes: Mapping[bytes, bytes]
    ranges: tuple[Range, ...]
    planned_bytes: int

    @classmethod
    def of(cls, table: Table, stock: Stock, indexes: Mapping[bytes, bytes]) -> Self:
        """Return the plan for the image of `table`.

        Args:
            table: It was signed.
            stock: What is there, cut as the table says.
            indexes: The index of each group that is `missing`, as it was fetched, by its hash.

        Raises:
            TrustError: An index is missing, or not the one that the table names.
            FormatError: The lengths in one lie.
        """
        ranges = tuple(
            piece for group in planned(table, stock, indexes) for piece in group.ranges()
        )
        total_bytes = len(table.pack()) + sum(len(index) for index in indexes.values())
        total_bytes += sum(piece.length_bytes for piece in ranges)
        return cls(table, stock, indexes, ranges, total_bytes)


def planned(table: Table, stock: Stock, indexes: Mapping[bytes, bytes]) -> Iterator[Planned]:
    """Yield how each group comes to be, in the order of the image.

    A chunk that was fetched before is taken from the slot that is written, if that is a base.

    Raises:
        TrustError: An index is missing, or not the one that the table names.
        FormatError: The lengths in one lie.
    """
    target = next((number for number, base in enumerate(stock.bases) if base.is_target), None)
    written: dict[tuple[bytes, int], Place] = {}
    for number, (group, (image_offset_bytes, offset_bytes)) in enumerate(
        zip(table.groups, table.places(), strict=True)
    ):
        found = _found(group, stock, image_offset_bytes)
        chunks: tuple[tuple[Chunk, Place | None], ...] = ()
        if found is None:
            if group.index_hash not in indexes:
                raise TrustError(f"chunk index: that of group {number} was not fetched")
            index = Index.of(group, indexes[group.index_hash], table.cutting)
            chunks = tuple(_placed(index, stock, image_offset_bytes, written))
        yield Planned(image_offset_bytes, group, found, chunks, offset_bytes + group.index_bytes)
        if target is not None:
            written.update(_new_places(chunks, target, image_offset_bytes))


def assemble(plan: Plan, fetch: Fetch) -> Iterator[Piece]:
    """Yield the image, a group at a time; every group has the hash that the table says.

    If a base is the target, a piece is to be written before the next one is asked for.

    Args:
        plan: What is found and what is fetched.
        fetch: Gives bytes of the blob; called with `plan.ranges`, in their order.

    Raises:
        TrustError: A stored chunk, or what is made or read from a base, has another hash; a base
            has changed since the plan was made. What was yielded before is right.
        FormatError: A stored chunk cannot be decoded.
    """
    for group in planned(plan.table, plan.stock, plan.indexes):
        data = _whole(group, plan.stock) if not group.chunks else _joined(group, plan, fetch)
        if hash_of(data) != group.group.raw_hash:
            raise TrustError(
                f"chunks: the group at byte {group.image_offset_bytes} is not what was signed",
                hint="a base has changed, or has another chunk of the same short hash: plan again,"
                " or take the full payload",
            )
        yield Piece(group.image_offset_bytes, bytes(data))


def _found(group: Group, stock: Stock, reached_bytes: int) -> Place | None:
    if not group.chunks:
        return _NOTHING
    return stock.find(stock.groups, group.raw_hash, group.raw_bytes, reached_bytes)


def _placed(
    index: Index, stock: Stock, reached_bytes: int, written: Mapping[tuple[bytes, int], Place]
) -> Iterator[tuple[Chunk, Place | None]]:
    for chunk in index.chunks:
        place = None
        if chunk.stored_bytes:
            place = stock.find(stock.chunks, chunk.lookup, chunk.raw_bytes, reached_bytes)
            place = place or written.get((chunk.lookup, chunk.raw_bytes))
        yield chunk, place


def _new_places(
    chunks: Sequence[tuple[Chunk, Place | None]], target: int, offset_bytes: int
) -> Iterator[tuple[tuple[bytes, int], Place]]:
    for chunk, place in chunks:
        if place is None and chunk.stored_bytes:
            yield (chunk.lookup, chunk.raw_bytes), Place(target, offset_bytes)
        offset_bytes += chunk.raw_bytes


def _whole(group: Planned, stock: Stock) -> bytes:
    if not group.group.chunks or group.found is None:
        return bytes(group.group.raw_bytes)
    return _read(stock, group.found, group.group.raw_bytes)


def _joined(group: Planned, plan: Plan, fetch: Fetch) -> bytearray:
    stored = _Stored(group, fetch)
    history_bytes = plan.table.cutting.history_bytes
    data = bytearray()
    for chunk, place in group.chunks:
        if place is None:
            history = bytes(data[max(0, len(data) - history_bytes) :])
            made = decoded(stored.next(chunk), chunk.raw_bytes, history)
        else:
            made = _read(plan.stock, place, chunk.raw_bytes)
            stored.skip(chunk)
        if chunk.stored_bytes and lookup_of(made) != chunk.lookup:
            raise TrustError(
                f"chunks: the chunk at byte {group.image_offset_bytes + len(data)} of the image"
                " is not what was signed"
            )
        data += made
    return data


class _Stored:
    """The stored chunks of a group, fetched range by range and checked one by one."""

    def __init__(self, group: Planned, fetch: Fetch) -> None:
        self._ranges = group.ranges()
        self._fetch = fetch
        self._offset_bytes = group.chunks_offset_bytes
        self._range = Range(self._offset_bytes, 0)
        self._data = b""

    def skip(self, chunk: Chunk) -> None:
        """Pass over a chunk that is not fetched."""
        self._offset_bytes += chunk.stored_bytes

    def next(self, chunk: Chunk) -> bytes:
        """Return the stored bytes of the next chunk.

        Raises:
            TrustError: They are not those that were signed, or end early.
        """
        if not chunk.stored_bytes:
            return b""
        if self._offset_bytes >= self._range.offset_bytes + self._range.length_bytes:
            self._range = next(self._ranges)
            self._data = self._fetch(self._range.offset_bytes, self._range.length_bytes)
        start = self._offset_bytes - self._range.offset_bytes
        stored = self._data[start : start + chunk.stored_bytes]
        if len(stored) != chunk.stored_bytes or hash_of(stored) != chunk.stored_hash:
            raise TrustError(f"stored chunk at byte {self._offset_bytes}: not what was signed")
        self._offset_bytes += chunk.stored_bytes
        return stored


def _read(stock: Stock, place: Place, length_bytes: int) -> bytes:
    data = stock.bases[place.base].image.pread(length_bytes, place.offset_bytes)
    if len(data) != length_bytes:
        raise TrustError(f"base {place.base}: ends after {place.offset_bytes + len(data)} bytes")
    return data
