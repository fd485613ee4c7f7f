"""What a client fetches: no more than was signed for, and nothing that it has."""

from collections.abc import Iterator
from typing import Any

import pytest
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from edge_signing.errors import FetchError, TrustError
from edge_signing.trust import documents
from tests.fakes.folder_fetcher import FolderFetcher
from tests.fakes.forge import DATA, PATH, PRODUCT, Yard


def read(yard: Yard) -> bytes:
    """Look, and get the release."""
    return yard.look().read(PATH)


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot", "targets", PRODUCT])
def test_a_missing_file_is_an_error(yard: Yard, name: str) -> None:
    found = yard.metadata.glob(f"*{name}*") if name != "timestamp.json" else [yard.metadata / name]
    for path in found:
        path.unlink()

    with pytest.raises(FetchError, match="not there"):
        read(yard)


def test_a_missing_target_is_an_error(yard: Yard) -> None:
    next((yard.folder / "repo" / "targets").rglob("*release.json")).unlink()

    with pytest.raises(FetchError, match="not there"):
        read(yard)


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"x", DATA[::-1]])
def test_another_target_is_refused_and_not_left_behind(yard: Yard, data: bytes) -> None:
    next((yard.folder / "repo" / "targets").rglob("*release.json")).write_bytes(data)
    client = yard.look()

    with pytest.raises(TrustError):
        client.download(PATH, yard.folder / "got")

    assert not (yard.folder / "got").exists()
    assert not (yard.folder / ".got.part").exists()


class EndlessFetcher(FetcherInterface):
    """Gives a repository's files, and one of them without end."""

    def __init__(self, yard: Yard, part: str) -> None:
        self._real = FolderFetcher(yard.folder / "repo")
        self._part = part
        self.given_bytes = 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        if self._part in url:
            return self._endless()
        return self._real.fetch(url)

    def _endless(self) -> Iterator[bytes]:
        while self.given_bytes < 1 << 30:
            self.given_bytes += 1 << 16
            yield bytes(1 << 16)
        raise AssertionError("nobody stopped reading")


@pytest.mark.parametrize(
    "part", ["2.root", "timestamp", "snapshot", "targets.json", f"{PRODUCT}.json", "release.json"]
)
def test_endless_data_is_cut_off(yard: Yard, part: str) -> None:
    fetcher = EndlessFetcher(yard, part)

    with pytest.raises(TrustError, match="longer than was signed"):
        yard.look(fetcher).read(PATH)

    assert fetcher.given_bytes < 1 << 20


class CountingFetcher(FetcherInterface):
    """Gives a repository's files, and remembers which."""

    def __init__(self, yard: Yard) -> None:
        self._real = FolderFetcher(yard.folder / "repo")
        self.asked: list[str] = []

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked.append(url.rpartition("/")[2])
        return self._real.fetch(url)


def test_nothing_is_fetched_that_is_known(yard: Yard) -> None:
    first, second = CountingFetcher(yard), CountingFetcher(yard)

    yard.look(first).targets(PRODUCT)
    yard.look(second).targets(PRODUCT)

    assert first.asked == [
        "2.root.json", "timestamp.json", "2.snapshot.json", "1.targets.json", "1.gateway.json"
    ]  # fmt: skip
    assert second.asked == ["2.root.json", "timestamp.json"]


def _cut_signature(root: Any) -> None:
    next(iter(root.signatures.values())).signature = "00" * 64


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(_cut_signature, id="wrong signature"),
        pytest.param(lambda root: root.signatures.clear(), id="unsigned"),
        pytest.param(lambda root: setattr(root.signed, "version", 7), id="another version"),
    ],
)
def test_a_first_root_that_does_not_hold_is_refused_before_anything_is_fetched(
    yard: Yard, edit: Any
) -> None:
    root = yard.load("root")
    edit(root)
    yard.trusted_root = documents.to_bytes(root)
    fetcher = CountingFetcher(yard)

    with pytest.raises(TrustError):
        yard.look(fetcher)

    assert (fetcher.asked, yard.known()) == ([], {})


class RefusingFetcher(FetcherInterface):
    """Answers with a status."""

    def __init__(self, status: int) -> None:
        self._status = status

    def _fetch(self, url: str) -> Iterator[bytes]:
        raise DownloadHTTPError(f"{url}: status {self._status}", self._status)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_refuses_is_an_error_of_fetching(yard: Yard, status: int) -> None:
    with pytest.raises(FetchError, match=f"status {status}"):
        yard.look(RefusingFetcher(status))


@pytest.mark.parametrize("url", ["../keys/root.pem", "metadata/../../keys/root.pem", "metadata"])
def test_a_folder_gives_nothing_from_outside(yard: Yard, url: str) -> None:
    with pytest.raises(DownloadHTTPError):
        FolderFetcher(yard.folder / "repo").fetch(url)
