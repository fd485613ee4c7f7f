"""Where an image comes from: files, compressed or not, with a map or without, and URLs."""

import gzip
import hashlib
import io
import lzma
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import (
    EdgeError,
    InputError,
    LinkError,
    ServerError,
    ThingNotFoundError,
    UntrustedError,
)
from edge.flash.sources import http_stream, opening
from edge.flash.sources.buffers import CHUNK_BYTES, Buffers
from edge.flash.sources.byte_stream import Pieces
from edge.flash.sources.image_source import ImageSource
from edge.flash.sources.source import Source
from edge.image import bmap
from edge_signing.disk import DiskImage
from edge_signing.release import Content
from tests.fakes.file_server import FileServer, file_server

BLOCK = 4096
_NOISE = (random.Random(5).randbytes(CHUNK_BYTES // 16 + 9) * 49)[: 3 * CHUNK_BYTES + 2 * BLOCK]
_GAP = 16 * BLOCK
_IMAGE = _NOISE[:BLOCK] + bytes(_GAP) + _NOISE + bytes(_GAP) + _NOISE[-BLOCK:]
_SPANS = [
    (0, BLOCK),
    (BLOCK + _GAP, BLOCK + _GAP + len(_NOISE)),
    (len(_IMAGE) - BLOCK, len(_IMAGE)),
]
_MAP = bmap.document(io.BytesIO(_IMAGE), image_bytes=len(_IMAGE), ranges=bmap.ranges_of(_SPANS))
_PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lambda data: lzma.compress(data, preset=0),
    ".zst": zstandard.compress,
}


def _nobody(_signature: bytes, _block_map: bytes) -> DiskImage:
    raise AssertionError("nothing to vouch for")


def _open(image: object, **options: str) -> ImageSource:
    return opening.open_source(str(image), vouch=_nobody, **options)


def _read(source: Source, from_bytes: int = 0) -> list[tuple[int, bytes]]:
    found = []
    for chunk in source.chunks(Buffers(1), from_bytes=from_bytes):
        found.append((chunk.offset_bytes, bytes(chunk.data)))
        chunk.release()
    return found


def _joined(chunks: list[tuple[int, bytes]]) -> dict[int, bytes]:
    """Return the bytes of each run."""
    runs: dict[int, bytes] = {}
    for offset, data in chunks:
        start = next((at for at, run in runs.items() if at + len(run) == offset), offset)
        runs[start] = runs.get(start, b"") + data
    return runs


_MAPPED = {start: _IMAGE[start:end] for start, end in _SPANS}


def _files(folder: Path, ending: str = "", image: bytes = _IMAGE) -> Path:
    (folder / "disk.img.bmap").write_bytes(_MAP)
    path = folder / f"disk.img{ending}"
    path.write_bytes(_PACK[ending](image))
    return path


@pytest.mark.parametrize("ending", _PACK)
def test_the_mapped_bytes_come_in_order(tmp_path: Path, ending: str) -> None:
    source = _open(_files(tmp_path, ending))

    chunks = _read(source)

    assert _joined(chunks) == _MAPPED
    assert all(len(data) <= CHUNK_BYTES for _offset, data in chunks)
    assert source.facts.image_bytes == len(_IMAGE)
    assert source.facts.mapped_bytes == sum(end - start for start, end in _SPANS)
    assert source.facts.signer is None


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ImageSource]:
    folder = tmp_path_factory.mktemp("images")
    return {ending: _open(_files(folder, ending)) for ending in _PACK}


@pytest.mark.parametrize("ending", _PACK)
@given(from_bytes=st.integers(0, len(_IMAGE)))
@settings(max_examples=30)
def test_reading_begins_where_it_is_wanted(
    sources: dict[str, ImageSource], ending: str, from_bytes: int
) -> None:
    source = sources[ending]

    runs = _joined(_read(source, from_bytes))

    first = from_bytes - from_bytes % 512
    assert runs == {
        max(start, first): _IMAGE[max(start, first) : end] for start, end in _SPANS if end > first
    }


@pytest.mark.parametrize("ending", _PACK)
@pytest.mark.parametrize(
    "place", [0, BLOCK + _GAP, BLOCK + _GAP + len(_NOISE) - 1, len(_IMAGE) - 1]
)
def test_a_changed_byte_is_found_before_the_last_chunk_of_its_span(
    tmp_path: Path, ending: str, place: int
) -> None:
    image = bytearray(_IMAGE)
    image[place] ^= 1
    chunks = _open(_files(tmp_path, ending, bytes(image))).chunks(Buffers(8))
    end = next(end for start, end in _SPANS if start <= place < end)
    given_before = []

    with pytest.raises(UntrustedError, match=r"disk\.img.*are not what the block map says"):
        given_before += [chunk.end_bytes for chunk in chunks]
    assert end not in given_before


def test_bytes_outside_of_the_map_are_not_looked_at(tmp_path: Path) -> None:
    image = bytearray(_IMAGE)
    image[BLOCK + 7] ^= 1

    assert _joined(_read(_open(_files(tmp_path, "", bytes(image))))) == _MAPPED


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("left", [0, 1, 100, 30_000, -1])
def test_a_compressed_image_that_was_cut_is_told(tmp_path: Path, ending: str, left: int) -> None:
    path = _files(tmp_path, ending)
    path.write_bytes(path.read_bytes()[:left])

    with pytest.raises(InputError):
        _open_without_map(path)


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst"])
def test_a_compressed_image_that_lacks_mapped_bytes_is_told(tmp_path: Path, ending: str) -> None:
    path = _files(tmp_path, ending)
    path.write_bytes(path.read_bytes()[:30_000])

    with pytest.raises(InputError):
        _read(_open(path))


def _open_without_map(path: Path) -> ImageSource:
    path.with_name("disk.img.bmap").unlink()
    return _open(path)


def test_an_image_that_was_cut_is_refused_at_once(tmp_path: Path) -> None:
    path = _files(tmp_path)
    path.write_bytes(_IMAGE[:-1])

    with pytest.raises(InputError, match="its block map says"):
        _open(path)


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst"])
def test_a_compressed_image_without_a_map_is_measured(tmp_path: Path, ending: str) -> None:
    path = _files(tmp_path, ending)
    source = _open_without_map(path)

    assert _joined(_read(source)) == {0: _IMAGE}
    assert source.facts.image_bytes == len(_IMAGE)
    assert source.facts.spans[0].sha256 == hashlib.sha256(_IMAGE).digest()


def test_a_sparse_file_without_a_map_is_read_by_its_holes(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with path.open("wb") as stream:
        stream.write(b"a" * BLOCK)
        stream.seek(64 * BLOCK)
        stream.write(b"b" * BLOCK)
        stream.truncate(128 * BLOCK)
    source = _open(path)

    assert _joined(_read(source)) == {0: b"a" * BLOCK, 64 * BLOCK: b"b" * BLOCK}
    assert source.facts.image_bytes == 128 * BLOCK


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst"])
def test_several_frames_and_padding_are_one_image(tmp_path: Path, ending: str) -> None:
    pack = _PACK[ending]
    path = tmp_path / f"disk.img{ending}"
    path.write_bytes(pack(b"a" * 9) + pack(b"b" * 9) + bytes(512))

    assert _joined(_read(_open(path))) == {0: b"a" * 9 + b"b" * 9}


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst"])
def test_what_follows_a_compressed_image_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"disk.img{ending}"
    path.write_bytes(_PACK[ending](b"a" * 9) + b"something else")

    with pytest.raises(InputError):
        _open(path)


@pytest.mark.parametrize("ending", ["gz", "xz", "zst"])
def test_a_bomb_is_taken_in_small_pieces(ending: str) -> None:
    packed = _PACK[f".{ending}"](bytes(64 << 20))
    stream = Pieces((one for one in [packed]), name="bomb", coding=ending)
    largest = 0
    for _piece in range(1000):
        assert stream.readinto(memoryview(bytearray(512))) == 512
        largest = max(largest, len(stream._left))

    assert largest <= 1 << 18


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("no.img", ThingNotFoundError, id="not there"),
        pytest.param("disk.img.bz2", InputError, id="a coding that is not read"),
        pytest.param(".", ThingNotFoundError, id="a folder that is no build"),
    ],
)
def test_what_can_not_be_read_is_told(tmp_path: Path, name: str, error: type[EdgeError]) -> None:
    (tmp_path / "disk.img.bz2").touch()

    with pytest.raises(error):
        _open(tmp_path / name)


def test_a_damaged_map_is_told_with_its_place(tmp_path: Path) -> None:
    path = _files(tmp_path)
    (tmp_path / "disk.img.bmap").write_bytes(_MAP.replace(b"<BlockSize> 4096", b"<BlockSize> 8192"))

    with pytest.raises(InputError, match=r"disk\.img\.bmap:\d+: the map is damaged"):
        _open(path)


def _signed(tmp_path: Path, length_bytes: int = len(_IMAGE)) -> ImageSource:
    path = _files(tmp_path)
    (tmp_path / "disk.edge").write_bytes(b"signature")

    def vouch(signature: bytes, block_map: bytes) -> DiskImage:
        assert (signature, block_map) == (b"signature", _MAP)
        return DiskImage("gateway", "1.2.0", "rpi4", 0, length_bytes, Content(0, bytes(32)))

    return opening.open_source(str(path), vouch=vouch)


def test_a_signature_beside_the_image_says_what_it_is(tmp_path: Path) -> None:
    facts = _signed(tmp_path).facts

    assert (facts.board, facts.version, facts.signer) == ("rpi4", "1.2.0", "gateway 1.2.0 for rpi4")


def test_a_signature_for_an_image_of_another_length_does_not_hold(tmp_path: Path) -> None:
    with pytest.raises(UntrustedError):
        _signed(tmp_path, len(_IMAGE) + 4096)


def test_a_signature_over_a_map_without_hashes_means_nothing(tmp_path: Path) -> None:
    text = b"""<bmap version="1.2"><ImageSize>4096</ImageSize><BlockSize>4096</BlockSize>
    <BlocksCount>1</BlocksCount><MappedBlocksCount>1</MappedBlocksCount>
    <BlockMap><Range>0</Range></BlockMap></bmap>"""
    (tmp_path / "x.img").write_bytes(bytes(4096))
    (tmp_path / "x.img.bmap").write_bytes(text)
    (tmp_path / "x.edge").write_bytes(b"")
    disk = DiskImage("gateway", "1.2.0", "rpi4", 0, 4096, Content(0, bytes(32)))

    with pytest.raises(UntrustedError):
        opening.open_source(str(tmp_path / "x.img"), vouch=lambda _signature, _map: disk)


@pytest.fixture
def server() -> Iterator[FileServer]:
    files = {"disk.img": _IMAGE, "disk.img.zst": zstandard.compress(_IMAGE), "disk.img.bmap": _MAP}
    with file_server(FileServer(files)) as served:
        yield served


@pytest.mark.parametrize("name", ["disk.img", "disk.img.zst"])
def test_an_image_comes_from_a_server(server: FileServer, name: str) -> None:
    assert _joined(_read(_open(server.url + name))) == _MAPPED


def test_a_lost_link_is_taken_up_where_it_was(server: FileServer) -> None:
    server.cut_bytes = 1 << 20

    found = b"".join(http_stream.pieces(server.url + "disk.img", sleep=lambda _s: None))

    assert found == _IMAGE
    assert [wanted for _path, wanted in server.asked][:3] == [
        None,
        f"bytes={1 << 20}-",
        f"bytes={2 << 20}-",
    ]


def test_a_server_that_is_busy_is_asked_again(server: FileServer) -> None:
    server.statuses = [503, 500, 429]
    waits: list[float] = []

    found = b"".join(http_stream.pieces(server.url + "disk.img", sleep=waits.append))

    assert found == _IMAGE
    assert waits == [0.5, 1.0, 2.0]


def test_a_server_that_gives_nothing_is_given_up(server: FileServer) -> None:
    server.cut_bytes = 0

    with pytest.raises(LinkError, match="at byte 0"):
        list(http_stream.pieces(server.url + "disk.img", sleep=lambda _s: None))
    assert len(server.asked) == http_stream.TRIES


@pytest.mark.parametrize("change", ["the tag", "no ranges"])
def test_a_file_that_changed_in_the_middle_is_not_joined(server: FileServer, change: str) -> None:
    server.cut_bytes = 1 << 20

    def happens(_s: float) -> None:
        if change == "the tag":
            server.tag = '"2"'
        else:
            server.ranges = False

    with pytest.raises(ServerError):
        list(http_stream.pieces(server.url + "disk.img", sleep=happens))


def test_what_the_server_refuses_is_told_by_its_kind(server: FileServer) -> None:
    with pytest.raises(ThingNotFoundError, match="404"):
        list(http_stream.pieces(server.url + "other.img"))
    server.statuses = [403]
    with pytest.raises(ServerError, match="403"):
        list(http_stream.pieces(server.url + "disk.img"))


def test_a_url_without_a_map_is_refused_before_it_is_downloaded(server: FileServer) -> None:
    del server.files["disk.img.bmap"]

    with pytest.raises(InputError, match="no block map"):
        _open(server.url + "disk.img")
    assert "disk.img" not in [path for path, _range in server.asked]


def test_a_map_longer_than_any_is_not_read_to_its_end(server: FileServer) -> None:
    server.files["disk.img.bmap"] = bytes(17 << 20)

    with pytest.raises(InputError, match="longer than"):
        _open(server.url + "disk.img")
