"""A repository over any link, as `RepositoryClient` and `payload.acquire` want to have it."""

from collections.abc import Iterator

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from edge_agent.link import RefusedByServerError, RepositoryFiles
from edge_signing.errors import FormatError
from edge_signing.release import Content


class LinkFetcher(FetcherInterface):
    """Gets metadata and targets for a `RepositoryClient` with its own URLs.

    A lost link is our `LinkError`, which goes through python-tuf as it is.

    Args:
        files: The repository.
    """

    def __init__(self, files: RepositoryFiles) -> None:
        self._files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        # A generator: what it raises comes while it is read, where python-tuf catches nothing.
        try:
            yield from self._files.pieces(url)
        except RefusedByServerError as error:
            raise DownloadHTTPError(error.reason, error.status) from error


class LinkBlobs:
    """Gets tables and blobs, `payload.acquire.Blobs`.

    Args:
        files: The repository.
    """

    def __init__(self, files: RepositoryFiles) -> None:
        self._files = files

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a table or blob, never beyond the length that was signed.

        Raises:
            LinkError: It may work later.
            RefusedByServerError: The server has not got it.
            FormatError: The range is not in it.
        """
        left = content.length_bytes - offset_bytes
        if offset_bytes < 0 or left < 0 or length_bytes < 0:
            raise FormatError(f"{content.sha256.hex()}: no byte {offset_bytes}")
        name = f"blobs/{content.sha256.hex()}"
        return self._files.read(name, offset_bytes, min(length_bytes, left))
