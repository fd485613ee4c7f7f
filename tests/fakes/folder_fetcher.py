"""A TUF repository that is a folder, as a device would fetch from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

_PIECE_BYTES: Final = 64 << 10
_NOT_FOUND: Final = 404


class FolderFetcher(FetcherInterface):
    """Reads a repository that is a folder.

    Args:
        folder: It holds `metadata/` and `targets/`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = (self._folder / url).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise DownloadHTTPError(f"{url}: not there", _NOT_FOUND)
        return _pieces(path)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece
