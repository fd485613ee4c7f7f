"""FAT volumes, read back by a reader of the tests and by foreign tools."""

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.image import extent, fat
from edge.image.extent import Contents
from edge.image.fat import FatKind
from edge.image.plan import MIB
from edge.process import Completed
from tests.edge.image.fat_reader import FatReader

FILES = {
    "boot.scr": b"script",
    "Image": b"\x7fkernel" * 40_000,
    "bootcode.bin": b"rom",
    "bcm2711-rpi-4-b.dtb": b"d" * 2048,
    "bcm2711-rpi-400.dtb": b"e" * 2049,
    "overlays/vc4-kms-v3d.dtbo": b"o" * 5000,
    "overlays/README": b"read me",
    "one/two/three/deep.txt": b"deep",
    "empty": b"",
    "a name with spaces, ä and 日本.text": b"wide",
}

characters = st.characters(
    codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"*/:<>?\\|'
)
names = st.text(characters, min_size=1, max_size=20).filter(lambda name: name[-1] not in ". ")
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
trees = st.dictionaries(paths, st.binary(max_size=9000), max_size=12)


def image_of(volume: Contents) -> bytes:
    stream = io.BytesIO(bytes(volume.length_bytes))
    extent.write(stream, volume.extents)
    return stream.getvalue()


def volume_of(
    files: Mapping[str, bytes | Path], *, size_mib: int = 8, kind: FatKind | None = None
) -> Contents:
    return fat.volume(files, size_bytes=size_mib * MIB, label="EDGE", serial=0x0102_0304, kind=kind)


@pytest.mark.parametrize(
    ("size_mib", "kind", "sha256"),
    [
        pytest.param(
            8,
            "fat16",
            "2e75d6169fdb2348c4356263882c9025eaf78fc43fecb928cf1eeca6c1c1150d",
            id="fat16",
        ),
        pytest.param(
            36,
            "fat32",
            "8fc954f3db13a6024773e919a6a0f714ee0f1f5d584ff68828311c65a36a800a",
            id="fat32",
        ),
    ],
)
def test_the_bytes_of_a_volume_are_golden(size_mib: int, kind: FatKind, sha256: str) -> None:
    image = image_of(volume_of(FILES, size_mib=size_mib, kind=kind))

    assert hashlib.sha256(image).hexdigest() == sha256


@pytest.mark.parametrize(("size_mib", "kind"), [(3, "fat16"), (64, "fat16"), (36, "fat32")])
def test_all_files_come_back(size_mib: int, kind: FatKind) -> None:
    reader = FatReader(image_of(volume_of(FILES, size_mib=size_mib, kind=kind)))

    assert reader.is_fat32 == (kind == "fat32")
    assert reader.files() == FILES


@given(trees)
@example({"EDGE": b""})  # as the label
@settings(max_examples=50, deadline=None)
def test_any_tree_comes_back(tree: dict[str, bytes]) -> None:
    try:
        volume = volume_of(tree, size_mib=4)
    except InputError as error:
        assume("FAT knows no difference" not in str(error) and "a file and a" not in str(error))
        raise

    assert FatReader(image_of(volume)).files() == tree


def test_files_are_contiguous_and_mostly_untouched_space_is_left_out() -> None:
    volume = volume_of(FILES, size_mib=64)

    starts = [part.offset_bytes for part in volume.extents]
    ends = [part.end_bytes for part in volume.extents]
    assert starts == sorted(starts)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert sum(part.length_bytes for part in volume.extents) < MIB


def test_data_begins_at_a_block_of_4_kib_and_clusters_are_blocks() -> None:
    for size_mib in (17, 64, 128, 255, 260, 1024):
        shape = fat.geometry(size_mib * MIB)

        assert shape.first_data_sector % 8 == 0
        assert shape.cluster_sectors == 8
        assert shape.kind == ("fat16" if size_mib < 260 else "fat32")


@given(st.integers(3 * MIB, 3 * 1024 * MIB))
def test_every_size_has_a_geometry_of_its_kind(size_bytes: int) -> None:
    shape = fat.geometry(size_bytes)

    end = shape.first_data_sector + shape.clusters * shape.cluster_sectors
    entries = shape.fat_sectors * 512 // (2 if shape.kind == "fat16" else 4)
    assert end <= shape.sectors < end + shape.cluster_sectors
    assert entries >= shape.clusters + 2
    assert (4085 <= shape.clusters < 65525) == (shape.kind == "fat16")


@pytest.mark.parametrize(("size_bytes", "kind"), [(MIB, None), (16 * MIB, "fat32"), (0, None)])
def test_a_volume_that_is_too_small_is_refused(size_bytes: int, kind: FatKind | None) -> None:
    with pytest.raises(InputError, match="no fat"):
        fat.geometry(size_bytes, kind=kind)


def test_files_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="FAT volume of 8 MiB: a file of 9437184 bytes"):
        volume_of({"Image": bytes(9 * MIB)})


@pytest.mark.parametrize("path", ["", "/abs", "a/../b", "a:b", "nul\0", "dot.", "x" * 256])
def test_a_path_that_cannot_be_stored_is_refused(path: str) -> None:
    with pytest.raises(InputError):
        volume_of({path: b""})


def test_names_that_differ_by_case_only_are_refused() -> None:
    with pytest.raises(InputError, match="no difference between 'Image' and 'image'"):
        volume_of({"Image": b"", "image": b""})


def test_a_file_that_is_a_folder_too_is_refused() -> None:
    with pytest.raises(InputError, match="'a' is a file and a folder"):
        volume_of({"a": b"", "a/b": b""})


def test_a_root_folder_of_fat16_has_an_end() -> None:
    files: dict[str, bytes | Path] = {f"long name {number}": b"" for number in range(256)}

    with pytest.raises(InputError, match="the root folder holds 512 entries, not 513"):
        volume_of(files)


@pytest.mark.parametrize("label", ["", "lower", "TWELVE-CHARS", "A/B"])
def test_a_label_that_fat_does_not_know_is_refused(label: str) -> None:
    with pytest.raises(InputError, match="FAT label"):
        fat.volume({}, size_bytes=8 * MIB, label=label, serial=0)


@pytest.mark.tools
@pytest.mark.parametrize(("size_mib", "kind"), [(16, "fat16"), (64, "fat16"), (40, "fat32")])
def test_dosfstools_and_mtools_agree(
    tool: Callable[..., Completed], tmp_path: Path, size_mib: int, kind: FatKind
) -> None:
    image = tmp_path / "fat.img"
    image.write_bytes(image_of(volume_of(FILES, size_mib=size_mib, kind=kind)))
    out = tmp_path / "out"
    out.mkdir()

    tool("fsck.vfat", "-n", image)
    listed = tool("mdir", "-b", "-/", "-i", image, "::").stdout.decode()
    plain = [path for path in FILES if path.isascii()]
    for path in plain:
        tool("mcopy", "-n", "-i", image, f"::/{path}", out / path.replace("/", "_"))

    assert {f"::/{path}" for path in plain} <= set(listed.splitlines())
    assert {path: (out / path.replace("/", "_")).read_bytes() for path in plain} == {
        path: FILES[path] for path in plain
    }
