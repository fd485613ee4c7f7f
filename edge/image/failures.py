"""What the system says about a full disk or a closed folder, as errors that say what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import EdgeError, ToolError

FULL_HINT = "make room there, or use another disk: -o for the output, EDGE_CACHE for the cache"
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_SAID_WHEN_FULL = ("No space left on device", "Disk quota exceeded", "File too large", "SIGXFSZ")


@contextmanager
def told(place: Path) -> Iterator[None]:
    """Turn what goes wrong with files in this block into errors of ours.

    Args:
        place: What is written in the block; named when the system names no file.

    Raises:
        EdgeError: A file cannot be read or written, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise explained(error, place) from error
    except ToolError as error:
        if any(sign in str(error) for sign in _SAID_WHEN_FULL):
            raise EdgeError(f"{place}: the disk is full\n  {error}", hint=FULL_HINT) from error
        raise


def explained(error: OSError, place: Path | None = None) -> EdgeError:
    """Return the error of ours for one of the system."""
    where = error.filename or place
    said = error.strerror or str(error) or type(error).__name__
    message = f"{where}: {said}" if where else said
    return EdgeError(message, hint=FULL_HINT if error.errno in _FULL else None)
