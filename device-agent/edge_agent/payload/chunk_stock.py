"""What is in the images that a device already has, cut as the new image was."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from edge_agent.payload.chunking import cuts
from edge_agent.payload.piece import BaseImage
from edge_signing.formats.chunks import LOOKUP_BYTES, Cutting, lookup_of

_READ_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Base:
    """An image that is there: the active slot, or what an interrupted update left in the other.

    Attributes:
        image: Where it is read.
        length_bytes: How much of it is looked through; it may end before.
        is_target: It is the slot that is written over: nothing is taken from there that the new
            image, which is written from its start on, has reached.
    """

    image: BaseImage
    length_bytes: int
    is_target: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where bytes are: number of the base, and offset in it."""

    base: int
    offset_bytes: int


class Finder:
    """Places by short hash, in arrays: 21 bytes an entry."""

    __slots__ = ("_bases", "_keys", "_lengths", "_offsets")

    def __init__(self) -> None:
        self._keys = array("Q")
        self._lengths = array("I")
        self._bases = array("B")
        self._offsets = array("Q")

    def add(self, lookup: bytes, length_bytes: int, base: int, offset_bytes: int) -> None:
        """Take up bytes that were found; `sort` comes after the last of them."""
        self._keys.append(_key(lookup))
        self._lengths.append(length_bytes)
        self._bases.append(base)
        self._offsets.append(offset_bytes)

    def sort(self) -> None:
        """Make what was taken up fit to be looked up; equal hashes stay in their order."""
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        for name in self.__slots__:
            column: array[int] = getattr(self, name)
            setattr(self, name, array(column.typecode, (column[index] for index in order)))

    def __len__(self) -> int:
        return len(self._keys)

    def places(self, lookup: bytes, length_bytes: int) -> Iterator[Place]:
        """Yield where bytes of this hash and length are, in the order they were found."""
        key = _key(lookup)
        for index in range(bisect_left(self._keys, key), len(self._keys)):
            if self._keys[index] != key:
                return
            if self._lengths[index] == length_bytes:
                yield Place(self._bases[index], self._offsets[index])


@dataclass(frozen=True, slots=True)
class Stock:
    """The groups and chunks of all bases."""

    bases: tuple[Base, ...]
    groups: Finder
    chunks: Finder

    @classmethod
    def of(cls, bases: Sequence[Base], cutting: Cutting) -> Self:
        """Read all bases once and return what is in them.

        Args:
            bases: At most 255; the first ones are preferred.
            cutting: That of the table of the new image.
        """
        stock = cls(tuple(bases), Finder(), Finder())
        for number, base in enumerate(bases):
            stock._look_through(base, number, cutting)
        stock.groups.sort()
        stock.chunks.sort()
        return stock

    def find(
        self, finder: Finder, lookup: bytes, length_bytes: int, reached_bytes: int
    ) -> Place | None:
        """Return the first place that is not written over yet.

        Args:
            finder: `groups` or `chunks` of this.
            lookup: The short hash.
            length_bytes: How many bytes it is of.
            reached_bytes: How much of the new image is written when the place is read.
        """
        for place in finder.places(lookup, length_bytes):
            if place.offset_bytes >= reached_bytes or not self.bases[place.base].is_target:
                return place
        return None

    def _look_through(self, base: Base, number: int, cutting: Cutting) -> None:
        offset_bytes = group_offset_bytes = 0
        group = hashlib.sha256()
        for cut in cuts(_pieces(base), cutting):
            self.chunks.add(lookup_of(cut.data), len(cut.data), number, offset_bytes)
            group.update(cut.data)
            offset_bytes += len(cut.data)
            if cut.ends_group:
                group_bytes = offset_bytes - group_offset_bytes
                self.groups.add(group.digest(), group_bytes, number, group_offset_bytes)
                group, group_offset_bytes = hashlib.sha256(), offset_bytes


def _pieces(base: Base) -> Iterator[bytes]:
    offset_bytes = 0
    while offset_bytes < base.length_bytes:
        wanted_bytes = min(_READ_BYTES, base.length_bytes - offset_bytes)
        piece = base.image.pread(wanted_bytes, offset_bytes)
        if not piece:
            return
        yield piece
        offset_bytes += len(piece)


def _key(lookup: bytes) -> int:
    return int.from_bytes(lookup[:LOOKUP_BYTES], "big")
