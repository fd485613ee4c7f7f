"""A patch that lies alone in a file, for images without a release around them.

Nothing in it is signed: the CRC finds damage, and the digests of both images say that the right
image was made from the right one. Bundles and repositories hold patches without this frame.
"""

import hashlib
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Final

from edge_agent.payload.patch import apply
from edge_agent.payload.piece import BaseImage, FileBase
from edge_signing.errors import FormatError, TrustError
from edge_signing.formats import varint
from edge_signing.formats.patch import (
    BASE_DIGEST_BYTES,
    CRC_END_BYTES,
    HEAD_BYTES,
    STORED_MOST_BYTES,
    PatchFileHead,
)

_PIECE_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class PatchFile:
    """An open patch file whose length and CRC are right.

    Attributes:
        head: Its digests.
        ends: Where each unit ends, less `begin`.
        begin: Where the first unit begins.
        stream: The file; closed by who opened it.
    """

    head: PatchFileHead
    ends: "array[int]"
    begin: int
    stream: BinaryIO

    def unit(self, index: int) -> bytes:
        """Return the stored bytes of a unit.

        Raises:
            FormatError: The file became shorter since it was opened.
        """
        begin = self.ends[index - 1] if index else 0
        self.stream.seek(self.begin + begin)
        return _exactly(self.stream, self.ends[index] - begin)


def read(stream: BinaryIO) -> PatchFile:
    """Return what a patch file holds; its units are read when they are asked for.

    Args:
        stream: The file, at its begin; read to its end.

    Raises:
        FormatError: It is no patch file, or is damaged, cut off or too long.
    """
    first = _exactly(stream, HEAD_BYTES)
    head = PatchFileHead.unpack(first)
    table = _exactly(stream, head.table_bytes)
    lengths = varint.unpack(table)
    if not lengths or max(lengths) > STORED_MOST_BYTES:
        raise FormatError("patch file: a table without units, or with a unit that is too long")
    ends = array("Q", accumulate(lengths))
    crc32, body_bytes = zlib.crc32(table, zlib.crc32(first[CRC_END_BYTES:])), 0
    while piece := stream.read(_PIECE_BYTES):
        crc32, body_bytes = zlib.crc32(piece, crc32), body_bytes + len(piece)
    if body_bytes != ends[-1]:
        raise FormatError(f"patch file: {body_bytes} bytes of units, its table says {ends[-1]}")
    if crc32 != head.crc32:
        raise FormatError(f"patch file: CRC is {crc32:08x}, the head says {head.crc32:08x}")
    return PatchFile(head, ends, HEAD_BYTES + len(table), stream)


def apply_file(old: Path, patch: Path, new: BinaryIO) -> None:
    """Write the image that a patch file makes from an old image.

    Args:
        old: The image that the patch was made for.
        patch: The patch file.
        new: Where to write; what is in it counts only if no error comes.

    Raises:
        FormatError: The patch is damaged.
        TrustError: It was made for another old image, or makes another one than it should.
        OSError: A file cannot be read or written.
    """
    with old.open("rb", buffering=0) as base, patch.open("rb", buffering=0) as stream:
        opened = read(stream)
        _check_base(opened.head, base)
        digest = hashlib.sha256()
        for data in _pieces(opened, FileBase(base.fileno())):
            digest.update(data)
            new.write(data)
    if digest.digest() != opened.head.result_digest:
        raise TrustError("patch file: made another image than it should")


def _pieces(opened: PatchFile, base: BaseImage) -> Iterator[bytes]:
    for piece in apply(opened.unit, len(opened.ends), base):
        yield piece.data


def _check_base(head: PatchFileHead, base: BinaryIO) -> None:
    digest = hashlib.file_digest(base, "sha256").digest()  # type: ignore[arg-type]
    if digest[:BASE_DIGEST_BYTES] != head.base_digest:
        raise TrustError("patch file: made for another old image")


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise FormatError("patch file: cut off")
    return data
