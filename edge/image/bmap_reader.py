"""Read block maps (bmap 1.0 to 2.0), ours and those of others such as Yocto.

Source: yoctoproject/bmaptool, BmapCopy.py. A map says which blocks of an image must be written, and
from 1.3 on what each range of them hashes to.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from edge.errors import InputError

MOST_BYTES: Final = 16 << 20
_IMAGE_MOST_BYTES: Final = 1 << 44
_TEXT_BYTES: Final = 1 << 20
_SHOWN: Final = 40
_NEWEST: Final = 2
_CHECKSUMS: Final = ("BmapFileChecksum", "BmapFileSHA1")
_HINT: Final = "make it again: edge build, or bmaptool create"
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_RANGE: Final = re.compile(r"(\d{1,15})(?:\s*-\s*(\d{1,15}))?")


@dataclass(frozen=True, slots=True)
class MappedRange:
    """Blocks `first` to `last`, both included; `checksum` is in hex, None in maps without."""

    first: int
    last: int
    checksum: str | None


@dataclass(frozen=True, slots=True)
class BlockMap:
    """What a map says.

    Attributes:
        image_bytes: How long the image is; the last block may be cut by it.
        block_bytes: How long a block is.
        checksum_type: What the checksums are, as `hashlib` calls it; None in maps without.
        ranges: In order, apart.
    """

    image_bytes: int
    block_bytes: int
    checksum_type: str | None
    ranges: tuple[MappedRange, ...]


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, str]
    line: int
    text: str = ""


@dataclass(slots=True)
class _Reader:
    place: str
    found: list[_Element] = field(default_factory=list)
    _open: list[_Element] = field(default_factory=list)

    def error(self, line: int, text: str) -> InputError:
        return InputError(f"{self.place}:{line}: {text}", hint=_HINT)

    def parse(self, document: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_size = _TEXT_BYTES  # text comes whole, else joining its lines takes hours
        parser.buffer_text = True
        parser.StartElementHandler = self._start(parser)
        parser.EndElementHandler = lambda _name: self._open.pop()
        parser.CharacterDataHandler = self._take
        parser.StartDoctypeDeclHandler = self._refuse(parser)
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            raise self.error(error.lineno, expat.errors.messages[error.code]) from error

    def _start(self, parser: Any) -> Callable[[str, dict[str, str]], None]:
        def start(name: str, attributes: dict[str, str]) -> None:
            element = _Element(name, attributes, parser.CurrentLineNumber)
            self.found.append(element)
            self._open.append(element)

        return start

    def _take(self, text: str) -> None:
        self._open[-1].text += text

    def _refuse(self, parser: Any) -> Callable[..., None]:
        def refuse(*_told: object) -> None:
            raise self.error(parser.CurrentLineNumber, "a document type is not allowed")

        return refuse

    def only(self, *names: str) -> _Element | None:
        """Return the element with one of these names, None if there is none."""
        found = [one for one in self.found if one.name in names]
        if len(found) > 1:
            raise self.error(found[1].line, f"{found[1].name} is there twice")
        return found[0] if found else None

    def number(self, name: str, *, least: int, most: int) -> int:
        element = self.only(name)
        if element is None:
            raise self.error(1, f"{name} is missing")
        text = element.text.strip()
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            shown = text[:_SHOWN]
            raise self.error(element.line, f"{name} {shown!r} is not a number {least} to {most}")
        return int(text)


def read(document: bytes, place: str) -> BlockMap:
    """Return what a block map says.

    Args:
        document: The bytes of the file.
        place: What to call it in errors.

    Raises:
        InputError: It is no block map, damaged, or of a version that is not known.
    """
    if len(document) > MOST_BYTES:
        raise InputError(f"{place}: {len(document)} bytes are more than a block map has")
    reader = _Reader(place)
    reader.parse(document)
    version = _version(reader)
    _check_own(reader, document, version)
    image_bytes = reader.number("ImageSize", least=1, most=_IMAGE_MOST_BYTES)
    block_bytes = reader.number("BlockSize", least=512, most=1 << 24)
    checksum_type = _checksum_type(reader, version)
    blocks = -(-image_bytes // block_bytes)
    ranges = tuple(
        _range(reader, one, checksum_type) for one in reader.found if one.name == "Range"
    )
    _require_in_order(reader, ranges, blocks)
    mapped = reader.number("MappedBlocksCount", least=0, most=blocks)
    if sum(one.last - one.first + 1 for one in ranges) != mapped:
        raise reader.error(1, f"MappedBlocksCount is {mapped}, but the ranges are not so many")
    return BlockMap(image_bytes, block_bytes, checksum_type, ranges)


def _version(reader: _Reader) -> tuple[int, int]:
    root = reader.found[0]
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", root.attributes.get("version", ""))
    if root.name != "bmap" or found is None:
        raise reader.error(root.line, "not a block map")
    major, minor = int(found[1]), int(found[2])
    if not 1 <= major <= _NEWEST:
        raise reader.error(root.line, f"version {major}.{minor} is not known, up to 2.0 is")
    return major, minor


def _checksum_type(reader: _Reader, version: tuple[int, int]) -> str | None:
    if version < (1, 3):
        return None
    if version == (1, 3):
        return "sha1"
    element = reader.only("ChecksumType")
    name = element.text.strip() if element else ""
    if name not in ("md5", "sha1", "sha256", "sha384", "sha512"):
        raise reader.error(element.line if element else 1, f"ChecksumType {name!r} is not known")
    return name


def _check_own(reader: _Reader, document: bytes, version: tuple[int, int]) -> None:
    """Compare a map with its own checksum, which is over itself with zeros in its place."""
    name = _checksum_type(reader, version)
    if name is None:
        return
    element = reader.only(*_CHECKSUMS)
    said = element.text.strip() if element else ""
    zeroed = document.replace(said.encode(), b"0" * len(said), 1) if said else document
    if hashlib.new(name, zeroed, usedforsecurity=False).hexdigest() != said:
        raise reader.error(
            element.line if element else 1, "the map is damaged: its checksum differs"
        )


def _range(reader: _Reader, element: _Element, checksum_type: str | None) -> MappedRange:
    text = element.text.strip()
    found = _RANGE.fullmatch(text)
    if found is None:
        raise reader.error(element.line, f"Range {text!r} is not FIRST or FIRST-LAST")
    first = int(found[1])
    last = int(found[2] or first)
    checksum = element.attributes.get("chksum") or element.attributes.get("sha1")
    if checksum_type is None:
        return MappedRange(first, last, None)
    due = 2 * hashlib.new(checksum_type, usedforsecurity=False).digest_size
    if checksum is None or not re.fullmatch(rf"[0-9a-f]{{{due}}}", checksum):
        raise reader.error(element.line, f"Range {text} has no {checksum_type}")
    return MappedRange(first, last, checksum)


def _require_in_order(reader: _Reader, ranges: tuple[MappedRange, ...], blocks: int) -> None:
    end = 0
    for one in ranges:
        if one.first < end or one.last < one.first:
            raise reader.error(1, f"Range {one.first}-{one.last} is not in order")
        end = one.last + 1
    if end > blocks:
        raise reader.error(1, f"the ranges end at block {end - 1}, the image at {blocks - 1}")
