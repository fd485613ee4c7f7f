"""Where a repository's files come from, and the check that every metadata file passes first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from edge_signing.trust import documents, roots

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


class StrictFetcher(FetcherInterface):
    """Hands on the metadata of another fetcher only when it is in our form, targets as they are.

    python-tuf counts a threshold by key ids and takes any form of JSON; here a metadata file that
    names one key twice, or is not canonical, never reaches it.

    Attributes:
        roots: Those that came, by file name; only python-tuf verifies them.
    """

    def __init__(self, fetcher: FetcherInterface) -> None:
        self._fetcher = fetcher
        self.roots: dict[str, bytes] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._fetcher.fetch(url)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a metadata file.

        Raises:
            FormatError: It is not canonical TUF metadata.
            TrustError: It names one key twice.
        """
        data = super().download_bytes(url, max_length)
        name = url.rpartition("/")[2]
        documents.read_any(data, name)
        if roots.NAME.fullmatch(name):
            self.roots[name] = data
        return data


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece
