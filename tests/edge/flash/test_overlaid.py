"""A data partition of our own over an image: all else stays as it is, byte for byte."""

import hashlib
import io
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError, RefusedError, UntrustedError
from edge.flash.sources import opening
from edge.flash.sources.buffers import CHUNK_BYTES, Buffers
from edge.flash.sources.overlaid import Overlaid
from edge.flash.sources.source import Source
from edge.image import bmap
from edge.image import disk as disks
from edge.image.extent import Extent
from edge.image.gpt import BACKUP_SECTORS, PRIMARY_SECTORS
from edge.image.plan import SECTOR_BYTES, DiskPlan, Layout, plan
from edge_signing.disk import DiskImage
from tests.fakes.memory_source import MemorySource

MIB = 1 << 20
DISK: DiskPlan = plan(Layout(boot_mib=1, rootfs_mib=1, firmware_mib=1, data_mib=4), seed="test")
DATA = DISK.partition("data")
BEGIN, END = DATA.offset_bytes, DATA.offset_bytes + DATA.size_bytes
NOISE = random.Random(3).randbytes(MIB)
OURS = (
    Extent(0, NOISE[:8192], 8192),
    Extent(MIB // 2, NOISE, MIB),
    Extent(4 * MIB - 4096, NOISE[-4096:], 4096),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image with a full slot A and an empty data partition, its block map beside it."""
    path = tmp_path_factory.mktemp("image") / "disk.img"
    disks.write_disk(path, DISK, {"boot-a": NOISE, "rootfs-a": NOISE[::-1]})
    return path


def opened(path: Path) -> Source:
    def vouch(_signature: bytes, _block_map: bytes) -> DiskImage:
        raise AssertionError

    return opening.open_source(str(path), vouch=vouch)


def over(source: Source, extents: Sequence[Extent] = OURS) -> Overlaid:
    def fill(size_bytes: int) -> Sequence[Extent]:
        assert size_bytes == DATA.size_bytes
        return extents

    return Overlaid(source, fill)


def read(source: Source, from_bytes: int = 0) -> list[tuple[int, bytes]]:
    found = []
    for chunk in source.chunks(Buffers(1), from_bytes=from_bytes):
        found.append((chunk.offset_bytes, bytes(chunk.data)))
        chunk.release()
    return found


def written(source: Source, ground: int, from_bytes: int = 0) -> bytes:
    """Return what a card holds after a write, which was full of one byte before."""
    card = bytearray([ground]) * source.facts.image_bytes
    for offset, data in read(source, from_bytes):
        card[offset : offset + len(data)] = data
    return bytes(card)


def card_of(image: bytes, spans: Sequence[tuple[int, int]], ground: int) -> bytes:
    """Return the same by other means: the mapped bytes, then the partition anew."""
    card = bytearray([ground]) * len(image)
    for start, end in spans:
        card[start:end] = image[start:end]
    card[BEGIN:END] = bytearray([ground]) * DATA.size_bytes
    for one in OURS:
        assert isinstance(one.content, bytes)
        at = BEGIN + one.offset_bytes
        card[at : at + len(one.content)] = one.content
    return bytes(card)


def bounds(source: Source) -> list[tuple[int, int]]:
    return [(span.offset_bytes, span.end_bytes) for span in source.facts.spans]


def test_only_the_data_partition_is_another(file: Path) -> None:
    plain = opened(file)

    found = written(over(plain), 0xEE)

    assert found == card_of(file.read_bytes(), bounds(plain), 0xEE)
    before = written(plain, 0xEE)
    assert (found[:BEGIN], found[END:]) == (before[:BEGIN], before[END:])


def test_the_spans_are_in_order_and_all_have_hashes_that_hold(file: Path) -> None:
    source = over(opened(file))

    card = written(source, 0xEE)

    assert source.facts.mapped_bytes == sum(len(data) for _offset, data in read(source))
    for span in source.facts.spans:
        assert span.sha256 == hashlib.sha256(card[span.offset_bytes : span.end_bytes]).digest()


def test_each_chunk_is_in_one_span_and_they_come_in_order(file: Path) -> None:
    source = over(opened(file))
    end = 0

    for offset, data in read(source):
        (span,) = [one for one in source.facts.spans if one.offset_bytes <= offset < one.end_bytes]
        assert end <= offset < offset + len(data) <= span.end_bytes
        assert len(data) <= CHUNK_BYTES
        end = offset + len(data)


@given(from_bytes=st.integers(0, DISK.size_bytes))
@settings(max_examples=40)
def test_reading_begins_where_it_is_wanted(file: Path, from_bytes: int) -> None:
    source = over(opened(file))
    first = from_bytes - from_bytes % SECTOR_BYTES

    found = read(source, from_bytes)

    whole = written(source, 0xEE)
    assert all(offset >= first for offset, _data in found)
    assert written(source, 0xEE, from_bytes)[first:] == whole[first:]


# Without a map, or with one that joins ranges, a span may begin or end anywhere in the partition.
CROSSING = [
    pytest.param([(0, DISK.size_bytes)], id="one span"),
    pytest.param([(0, BEGIN + 4096), (END - 4096, DISK.size_bytes)], id="both ends"),
    pytest.param([(0, MIB), (BEGIN + MIB, BEGIN + 2 * MIB)], id="all inside"),
    pytest.param([(0, PRIMARY_SECTORS * SECTOR_BYTES)], id="the table alone"),
    pytest.param([(0, 4096), (4096, BEGIN), (BEGIN, END), (END, DISK.size_bytes)], id="adjacent"),
]


@pytest.mark.parametrize("spans", CROSSING)
def test_spans_that_cross_the_partition_are_cut(file: Path, spans: list[tuple[int, int]]) -> None:
    image = file.read_bytes()

    source = over(MemorySource(image, spans))

    assert written(source, 0xEE) == card_of(image, spans, 0xEE)
    assert source.facts.mapped_bytes == sum(len(data) for _offset, data in read(source))


def mapped(folder: Path, image: bytes, spans: Sequence[tuple[int, int]]) -> Source:
    """Return an image in a file with a block map."""
    path = folder / "disk.img"
    path.write_bytes(image)
    document = bmap.document(
        io.BytesIO(image), image_bytes=len(image), ranges=bmap.ranges_of(spans)
    )
    path.with_name("disk.img.bmap").write_bytes(document)
    return opened(path)


def test_a_span_that_is_cut_is_still_compared_as_a_whole(file: Path, tmp_path: Path) -> None:
    image = file.read_bytes()
    source = over(mapped(tmp_path, image, [(0, MIB), (BEGIN - 4096, DISK.size_bytes)]))
    assert written(source, 0xEE)
    changed = bytearray(image)
    changed[BEGIN + 5] ^= 1
    (tmp_path / "disk.img").write_bytes(changed)

    with pytest.raises(UntrustedError):
        read(source)


def test_a_table_that_is_not_what_the_map_says_is_not_used(file: Path, tmp_path: Path) -> None:
    image = file.read_bytes()
    source = mapped(tmp_path, image, [(0, 2 * MIB)])
    changed = bytearray(image)
    changed[2 * MIB - 1] ^= 1
    (tmp_path / "disk.img").write_bytes(changed)

    with pytest.raises(UntrustedError):
        over(source)


def test_an_image_of_a_disk_that_was_used_is_refused(file: Path, tmp_path: Path) -> None:
    image = bytearray(file.read_bytes())
    image[BEGIN + 1080 : BEGIN + 1082] = b"\x53\xef"

    for source in (
        MemorySource(bytes(image)),
        mapped(tmp_path, bytes(image), [(0, MIB), (BEGIN, BEGIN + MIB)]),
    ):
        with pytest.raises(RefusedError, match="in use"):
            over(source)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(bytes(DISK.size_bytes), id="no table"),
        pytest.param(bytes(4096), id="short"),
    ],
)
def test_an_image_without_a_data_partition_is_refused(image: bytes) -> None:
    with pytest.raises(InputError):
        over(MemorySource(image))


def test_a_table_without_a_data_partition_is_refused(file: Path) -> None:
    other = file.read_bytes().replace("data".encode("utf-16-le"), "dada".encode("utf-16-le"))

    with pytest.raises(InputError):
        over(MemorySource(other))


def test_what_does_not_fit_into_the_partition_is_refused(file: Path) -> None:
    with pytest.raises(InputError):
        over(opened(file), [Extent(4 * MIB - 4096, NOISE[:8192], 8192)])


def test_the_fingerprint_covers_what_is_laid_over(file: Path) -> None:
    plain = opened(file)
    other = (*OURS[:2], Extent(OURS[2].offset_bytes, bytes(4096), 4096))

    found = {one.facts.fingerprint for one in (plain, over(plain), over(plain), over(plain, other))}

    assert len(found) == 3


def test_the_backup_of_the_table_is_still_written(file: Path) -> None:
    card = written(over(opened(file)), 0xEE)

    assert (
        card[-BACKUP_SECTORS * SECTOR_BYTES :]
        == file.read_bytes()[-BACKUP_SECTORS * SECTOR_BYTES :]
    )
