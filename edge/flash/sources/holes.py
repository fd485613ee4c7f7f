"""The mapped bytes of a sparse file, where no block map says them."""

import errno
import os
from pathlib import Path
from typing import Final

from edge.flash.spans import Span

_BLOCK_BYTES: Final = 4096


def spans_of(path: Path) -> tuple[Span, ...]:
    """Return the parts of a file that are no holes, as whole blocks; all where none can be told.

    Source: lseek(2), SEEK_DATA and SEEK_HOLE.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        length_bytes = os.lseek(handle, 0, os.SEEK_END)
        found: list[Span] = []
        end_bytes = 0
        while end_bytes < length_bytes:
            try:
                data_bytes = os.lseek(handle, end_bytes, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    break
                raise
            hole_bytes = os.lseek(handle, data_bytes, os.SEEK_HOLE)
            begin = max(data_bytes // _BLOCK_BYTES * _BLOCK_BYTES, end_bytes)
            end_bytes = min(-(-hole_bytes // _BLOCK_BYTES) * _BLOCK_BYTES, length_bytes)
            found.append(Span(begin, end_bytes - begin))
        return tuple(found)
    finally:
        os.close(handle)
