"""Images mapped into memory: read at any place, and no more of them resident than is wanted."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError

Bytes = NDArray[np.uint8]

_RELEASED_EACH_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Mapped:
    """An image that is open.

    Attributes:
        data: Its bytes; valid while it is open.
        pages: The mapping; None for an empty image, which cannot be mapped.
    """

    data: Bytes
    pages: mmap.mmap | None

    def release(self) -> None:
        """Let go of the memory of what was read; it is read again where it is wanted."""
        if self.pages is not None:
            self.pages.madvise(mmap.MADV_DONTNEED)

    def pieces(self, length: int) -> Iterator[Bytes]:
        """Give the image in pieces of `length` bytes, the last one perhaps shorter."""
        read = 0
        for begin in range(0, len(self.data), length):
            yield self.data[begin : begin + length]
            read += length
            if read >= _RELEASED_EACH_BYTES:
                self.release()
                read = 0


@contextmanager
def opened(path: Path, length_bytes: int | None) -> Iterator[Mapped]:
    """Open an image for reading; nothing made from `data` may be used after the block.

    Args:
        path: The image.
        length_bytes: How much of its begin counts; None is all.

    Raises:
        InputError: It cannot be read, or is shorter.
    """
    try:
        with path.open("rb") as stream:
            whole = stream.seek(0, 2)
            wanted = whole if length_bytes is None else length_bytes
            if not 0 <= wanted <= whole:
                raise InputError(f"{path}: has {whole} bytes, not {wanted}")
            pages = mmap.mmap(stream.fileno(), wanted, access=mmap.ACCESS_READ) if wanted else None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    yield Mapped(np.frombuffer(pages or b"", np.uint8), pages)
