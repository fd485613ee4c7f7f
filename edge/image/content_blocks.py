"""The block digests of contents, kept from one image to the next: a file that stayed costs none.

A content is compared with its SHA-256 before its digests are kept. Later a CRC-32 finds what a disk
or a cable did to it meanwhile. That is no weaker against anybody: the hash tree is made of the
digests that were kept, so that a device refuses each block that is not of the content it was.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from isal import isal_zlib

from edge import atomic
from edge.block_file import BLOCK_BYTES
from edge.oci.store import Store
from edge.oci.tree import Entry
from edge_agent import verity
from edge_agent.verity import DIGEST_BYTES

FOLDER: Final = "block-digests"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a content: its CRC-32, and the digests of its blocks."""

    crc32: int
    digests: bytes


@dataclass(slots=True)
class Passing:
    """A content on its way into an image.

    Attributes:
        entry: The file.
        salted: SHA-256 that has taken the salt of the hash tree.
        known: What an earlier image found; None for the first time.
    """

    entry: Entry
    salted: "hashlib._Hash"
    known: Known | None
    _crc32: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _digests: list[bytes] = field(default_factory=list)

    def take(self, piece: bytes | memoryview) -> None:
        """Take the next bytes: whole blocks, but for the last piece."""
        self._crc32 = isal_zlib.crc32(piece, self._crc32)
        if self.known is not None:
            return
        self._hash.update(piece)
        whole = len(piece) // BLOCK_BYTES * BLOCK_BYTES
        view = memoryview(piece)
        self._digests += verity.digests_of(view[:whole], self.salted)
        if view[whole:]:
            last = bytes(view[whole:]).ljust(BLOCK_BYTES, b"\0")
            self._digests += verity.digests_of(last, self.salted)

    def end(self) -> Known:
        """Return what is known of the content after its last piece.

        Raises:
            UntrustedError: It is not what was stored.
        """
        if self.known is not None:
            if self._crc32 != self.known.crc32:
                raise self.entry.spoiled()
            return self.known
        if self.entry.sha256 and self._hash.hexdigest() != self.entry.sha256:
            raise self.entry.spoiled()
        return Known(self._crc32, b"".join(self._digests))


class ContentBlocks:
    """What is known of the contents of the last image with a salt; a file beside the blobs.

    The file is its own SHA-256, a line of JSON, and the digests. One that is damaged counts as
    none: what it said is found again.

    Args:
        store: Beside whose blobs it is.
        salt: Of the hash tree.
    """

    def __init__(self, store: Store, salt: bytes) -> None:
        self._file = store.folder / FOLDER / salt.hex()
        self._known = self._read()

    def _read(self) -> dict[str, Known]:
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return {}
        kept = memoryview(data)[DIGEST_BYTES:]
        if hashlib.sha256(kept).digest() != data[:DIGEST_BYTES]:
            return {}
        start = data.index(b"\n", DIGEST_BYTES) + 1
        rows = json.loads(data[DIGEST_BYTES:start])
        return {
            sha256: Known(crc32, data[start + first : start + end])
            for sha256, (crc32, first, end) in rows.items()
        }

    def of(self, entry: Entry) -> Known | None:
        """Return what is known of a content."""
        return self._known.get(entry.sha256)

    def keep(self, found: Mapping[str, Known]) -> None:
        """Keep what is known of all contents of an image, by their SHA-256."""
        if found == self._known:
            return
        rows = {}
        first = 0
        for sha256, known in found.items():
            rows[sha256] = (known.crc32, first, first + len(known.digests))
            first += len(known.digests)
        line = json.dumps(rows, separators=(",", ":")).encode() + b"\n"
        kept = b"".join((line, *(known.digests for known in found.values())))
        with atomic.file(self._file, durable=False) as stream:
            stream.write(hashlib.sha256(kept).digest())
            stream.write(kept)


def split(digests: bytes) -> list[bytes]:
    """Return digests that stand one after the other."""
    starts = range(0, len(digests), DIGEST_BYTES)
    return [digests[start : start + DIGEST_BYTES] for start in starts]
