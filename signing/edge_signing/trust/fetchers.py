"""The check that every metadata file passes first, wherever it comes from."""

from collections.abc import Iterator

from tuf.ngclient import FetcherInterface

from edge_signing.trust import documents, roots


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
