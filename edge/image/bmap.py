"""Block maps: which blocks of a disk image must be written, with their hashes (bmap 2.0).

Source: yoctoproject/bmaptool, BmapCreate.py and BmapCopy.py.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from edge.image.extent import BLOCK_BYTES

_PIECE_BLOCKS: Final = 256
_NO_CHECKSUM: Final = "0" * 64
_NOTHING_KNOWN: Final[Mapping["BlockRange", str]] = {}


class Image(Protocol):
    """What ranges are read from: a file, or a reader past the page cache."""

    def seek(self, offset: int, /) -> int:
        """Go to a byte."""

    def read(self, length: int, /) -> bytes | memoryview:
        """Return the bytes from here on."""


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Blocks `first` to `last`, both included."""

    first: int
    last: int


def ranges_of(spans_bytes: Iterable[tuple[int, int]]) -> tuple[BlockRange, ...]:
    """Return the blocks that byte spans (start, end) touch, joined where they meet, in order."""
    joined: list[BlockRange] = []
    for start, end in sorted(spans_bytes):
        if end <= start:
            continue
        first, last = start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES
        if joined and first <= joined[-1].last + 1:
            joined[-1] = BlockRange(joined[-1].first, max(last, joined[-1].last))
        else:
            joined.append(BlockRange(first, last))
    return tuple(joined)


def document(
    image: Image,
    *,
    image_bytes: int,
    ranges: Sequence[BlockRange],
    known: Mapping[BlockRange, str] = _NOTHING_KNOWN,
) -> bytes:
    """Return the block map of an image, whose mapped ranges are read for their hashes.

    The map's own checksum is over itself with zeros in the place of that checksum.

    Args:
        image: The image.
        image_bytes: How long it is.
        ranges: What is mapped.
        known: The SHA-256 (hex) of ranges that need not be read.
    """
    mapped = sum(blocks.last - blocks.first + 1 for blocks in ranges)
    lines = [
        '<?xml version="1.0" ?>',
        '<bmap version="2.0">',
        f"    <ImageSize> {image_bytes} </ImageSize>",
        f"    <BlockSize> {BLOCK_BYTES} </BlockSize>",
        f"    <BlocksCount> {-(-image_bytes // BLOCK_BYTES)} </BlocksCount>",
        f"    <MappedBlocksCount> {mapped} </MappedBlocksCount>",
        "    <ChecksumType> sha256 </ChecksumType>",
        f"    <BmapFileChecksum> {_NO_CHECKSUM} </BmapFileChecksum>",
        "    <BlockMap>",
        *(_range_line(blocks, known.get(blocks) or _sha256(image, blocks)) for blocks in ranges),
        "    </BlockMap>",
        "</bmap>",
        "",
    ]
    text = "\n".join(lines)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return text.replace(_NO_CHECKSUM, checksum, 1).encode()


def _sha256(image: Image, blocks: BlockRange) -> str:
    sha256 = hashlib.sha256()
    image.seek(blocks.first * BLOCK_BYTES)
    left = blocks.last - blocks.first + 1
    while left > 0:
        count = min(left, _PIECE_BLOCKS)
        sha256.update(image.read(count * BLOCK_BYTES))
        left -= count
    return sha256.hexdigest()


def _range_line(blocks: BlockRange, sha256: str) -> str:
    numbers = f"{blocks.first}" if blocks.first == blocks.last else f"{blocks.first}-{blocks.last}"
    return f'        <Range chksum="{sha256}"> {numbers} </Range>'
