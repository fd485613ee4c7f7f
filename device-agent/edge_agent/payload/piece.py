"""Pieces of an image on their way to a partition, and the older image that some are made from."""

import os
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of an image.

    Attributes:
        offset_bytes: Where they belong.
        data: At most 1 MiB.
        unit: The stored unit that they come from: when a piece of the next one comes, all pieces
            of this one were given.
    """

    offset_bytes: int
    data: bytes
    unit: int = 0


class BaseImage(Protocol):
    """An image that is already there: the active slot, or a file."""

    def pread(self, length: int, offset: int) -> bytes:
        """Return `length` bytes from `offset` on; fewer only at the end of the image."""


class FileBase:
    """A partition or a file as a base; the caller keeps it open and closes it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def pread(self, length: int, offset: int) -> bytes:
        """Return `length` bytes from `offset` on; fewer only at the end of the file."""
        parts = []
        while length:
            part = os.pread(self._handle, length, offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
