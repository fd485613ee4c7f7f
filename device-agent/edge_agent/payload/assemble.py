"""Put an image together from a payload, and prove that it is the one that was signed."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final

from edge_agent import verity
from edge_agent.payload import full, patch
from edge_agent.payload.piece import BaseImage, Piece
from edge_agent.payload.units import Fetch, Units
from edge_signing.errors import FormatError, TrustError
from edge_signing.formats.payload_table import PayloadTable
from edge_signing.release import Content, Image, Payload

Advance = Callable[[int], None]

_PIECE_BYTES: Final = 1 << 20


def pieces(
    payload: Payload, table: bytes, fetch: Fetch, base: BaseImage | None, *, first: int = 0
) -> Iterator[Piece]:
    """Yield the pieces of an image from a stored unit on; a patch needs the base that it names.

    Raises:
        TrustError: A stored unit is not what was signed, or the base is another image.
        FormatError: The table or a unit cannot be read.
    """
    name = f"{payload.partition} {payload.kind}"
    match payload.kind:
        case "full":
            return full.segments(units_of(payload, table, fetch), first=first)
        case "patch":
            if base is None or payload.base is None:
                raise TrustError(f"payload {name}: there is no base image")
            require_base(base, payload.base, name)
            units = units_of(payload, table, fetch)
            return patch.apply(
                units,
                len(units),
                base,
                first=first,
                result_sha256=lambda index: units.table.rows[index].result_sha256,
            )
        case "chunks":
            raise FormatError(f"payload {name}: chunks are fetched by range, not read as a whole")


def require_base(base: BaseImage, content: Content, name: str) -> None:
    """See to it that a base begins with the image that a patch was made from.

    Raises:
        TrustError: It does not.
    """
    if not is_image(base, content):
        raise TrustError(
            f"payload {name}: the base image is another one than the patch was made from",
            hint="use the full payload",
        )


def is_image(base: BaseImage, content: Content) -> bool:
    """Return whether a partition or file begins with these contents."""
    sha256 = hashlib.sha256()
    for offset in range(0, content.length_bytes, _PIECE_BYTES):
        data = base.pread(min(_PIECE_BYTES, content.length_bytes - offset), offset)
        if not data:
            return False
        sha256.update(data)
    return sha256.digest() == content.sha256


def write(
    image: Image,
    made: Iterable[Piece],
    target: BinaryIO,
    *,
    advance: Advance = lambda _bytes: None,
) -> None:
    """Write an image to a partition or file, with its hash tree, and check both.

    Nothing may start from `target` before this returns.

    Args:
        image: What it has to be.
        made: Its pieces, in order.
        target: Open for reading and writing; its start is written over.
        advance: Told how many bytes were written.

    Raises:
        TrustError: The result is not the image that was signed.
    """
    sha256 = hashlib.sha256()
    end = 0
    for piece in made:
        if piece.offset_bytes != end:
            raise FormatError(f"image {image.partition}: a gap at byte {end}")
        target.seek(piece.offset_bytes)
        target.write(piece.data)
        sha256.update(piece.data)
        end += len(piece.data)
        advance(len(piece.data))
    if end != image.content.length_bytes or sha256.digest() != image.content.sha256:
        raise TrustError(f"image {image.partition}: not the image that was signed")
    if image.tree is not None:
        made_tree = verity.write_tree(target, data_bytes=end, salt=image.tree.salt)
        if made_tree.root_hash != image.tree.root_hash.hex():
            raise TrustError(f"image {image.partition}: its hash tree is not the one signed")


def units_of(payload: Payload, table: bytes, fetch: Fetch) -> Units:
    """Return the stored units of a payload of kind `full` or `patch`.

    Raises:
        FormatError: The table cannot be read, or does not fit the blob.
    """
    name = f"{payload.partition} {payload.kind}"
    parsed = PayloadTable.unpack(table)
    if parsed.blob_bytes != payload.blob.length_bytes:
        raise FormatError(f"payload {name}: table and blob differ in length")
    return Units(parsed, fetch, name)
