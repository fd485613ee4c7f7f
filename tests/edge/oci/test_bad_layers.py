"""Layers of others: what they may not do to us, and what is made of odd but honest ones."""

import gzip
import io
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from edge import process
from edge.errors import EdgeError, InputError, RefusedError, UntrustedError
from edge.oci.limits import STANDARD, Limits
from edge.oci.store import Store
from edge.oci.tree import Kind, Tree, link
from edge.oci.unpack import Unpacked, unpack
from tests.fakes.image_parts import header, packed, packed_headers

MIB = 1 << 20


class Bench:
    """Unpacks layers into a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "store")

    def unpack(
        self, data: bytes, coding: Any = "", limits: Limits = STANDARD, *, most: int = 64 * MIB
    ) -> Unpacked:
        blob = self.folder / "layer"
        blob.write_bytes(data)
        return unpack(blob, coding, self.store, limits, most_bytes=most)

    def tree(self, data: bytes, coding: Any = "") -> Tree:
        return self.unpack(data, coding).tree.tree


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def one(name: str, value: bytes | str | None = b"", **changes: Any) -> bytes:
    return packed_headers([(header(name, value, **changes), value)])


def device(name: str, kind: bytes = tarfile.CHRTYPE) -> bytes:
    return one(name, None, type=kind, devmajor=1, devminor=3)


def hard(name: str, target: str) -> bytes:
    made = header(name, b"", linkname=target)
    made.type = tarfile.LNKTYPE
    return packed_headers([(header("etc/a", b"a"), b"a"), (made, b"")])


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        pytest.param(one("../etc/passwd"), RefusedError, "leaves the image", id="up"),
        pytest.param(one("a/../../b"), RefusedError, "leaves the image", id="up in between"),
        pytest.param(one("/.."), RefusedError, "leaves the image", id="up from the root"),
        pytest.param(one("a/.."), RefusedError, "leaves the image", id="up at the end"),
        pytest.param(hard("x", "../../etc/shadow"), RefusedError, "leaves", id="hard link up"),
        pytest.param(hard("x", "etc/nothing"), InputError, "hard link", id="hard link to nothing"),
        pytest.param(hard("x", "etc"), InputError, "hard link.*folder", id="hard link to a folder"),
        pytest.param(device("mem"), RefusedError, "/mem: a device", id="character device"),
        pytest.param(device("sda", tarfile.BLKTYPE), RefusedError, "a device", id="block device"),
        pytest.param(device("x", tarfile.FIFOTYPE), RefusedError, "a pipe", id="pipe"),
        pytest.param(device("a/dev/x"), RefusedError, "a device", id="device in another dev"),
        pytest.param(one("a", type=b"V"), InputError, "type b'V'", id="unknown type"),
        pytest.param(one("a/.wh."), RefusedError, "whiteout of nothing", id="empty whiteout"),
        pytest.param(one("a/.wh.."), RefusedError, "whiteout of nothing", id="whiteout of ."),
        pytest.param(one("a/.wh..."), RefusedError, "whiteout of nothing", id="whiteout of .."),
        pytest.param(one(".wh.a", "b"), RefusedError, "whiteout of nothing", id="whiteout link"),
        pytest.param(one(".wh.a/b"), RefusedError, "below a whiteout", id="below a whiteout"),
        pytest.param(one("a" * 5000), RefusedError, "a path of 5000", id="long path"),
        pytest.param(one("a/" * 300), RefusedError, "300 folders", id="deep path"),
        pytest.param(one("a", "b" * 5000), RefusedError, "no path", id="long link"),
        pytest.param(one("a", "./" * 300), RefusedError, "no path", id="deep link"),
        pytest.param(one("a", uid=-1), RefusedError, "owner -1", id="negative owner"),
        pytest.param(one("a", gid=1 << 40), RefusedError, "owner", id="owner out of measure"),
        pytest.param(one("a", size=1 << 40), RefusedError, "1099511627776 bytes", id="1 TB"),
        pytest.param(
            packed({"a": "a", "a/b": b""}), InputError, "run in a circle", id="link to itself"
        ),
        pytest.param(
            packed_headers([(header("a", b"x"), b"x"), (header("a/b", b"y"), b"y")]),
            InputError,
            "/a is a file, not a folder",
            id="file below a file",
        ),
    ],
)
def test_what_no_image_may_hold_refuses_it(
    bench: Bench, data: bytes, error: type[EdgeError], said: str
) -> None:
    with pytest.raises(error, match=said):
        bench.unpack(data)


def test_absolute_paths_begin_in_the_image(bench: Bench) -> None:
    tree = bench.tree(packed({"/etc/passwd": b"x", "//a/./b": b"y"}))

    assert [path for path, _ in tree] == ["a", "a/b", "etc", "etc/passwd"]


@pytest.mark.parametrize("target", ["/", "../../../..", "/../.."])
def test_links_out_of_the_image_lead_into_it(bench: Bench, target: str) -> None:
    tree = bench.tree(packed({"out": target, "out/etc/x": b"x"}))

    assert [path for path, _ in tree] == ["etc", "etc/x", "out"]
    assert tree.get("out") == link(target)
    assert list(bench.folder.parent.glob("etc")) == []


def test_devices_of_dev_are_left_out_and_named(bench: Bench) -> None:
    found = bench.unpack(device("dev/null"))

    assert len(found.tree.tree) == 0
    assert found.left_out == ["device /dev/null"]


def test_attributes_that_are_left_out_are_named(bench: Bench) -> None:
    made = header("bin/ping", b"x", pax_headers={"SCHILY.xattr.security.capability": "x"})
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(made, io.BytesIO(b"x"))

    assert bench.unpack(stream.getvalue()).left_out == ["attributes of /bin/ping"]


def test_of_one_path_twice_the_last_counts(bench: Bench) -> None:
    data = packed_headers(
        [
            *((header("a", b"1"), b"1"), (header("b/c", b"2"), b"2"), (header("d", "x"), "x")),
            *((header("a", None), None), (header("b", b"33"), b"33"), (header("d", b"4"), b"4")),
        ]
    )

    tree = bench.tree(data)

    assert {path: entry.kind for path, entry in tree} == {
        "a": Kind.FOLDER,
        "b": Kind.FILE,
        "d": Kind.FILE,
    }
    assert [entry.read() for path, entry in tree if path != "a"] == [b"33", b"4"]


def test_folders_that_become_files_without_end_are_refused(bench: Bench) -> None:
    members = []
    for number in range(20):
        members += [(header(f"{number}/a", b""), b""), (header(f"{number}", b""), b"")]

    with pytest.raises(RefusedError, match="more than 10 folders become files"):
        bench.unpack(packed_headers(members), limits=replace(STANDARD, replaced=10))


def test_sparse_files_are_what_they_stand_for(bench: Bench) -> None:
    data = sparse(size=8 * MIB)

    entry = bench.tree(data).get("hole")

    assert entry is not None
    assert entry.read() == b"data" + bytes(508) + bytes(8 * MIB - 512)


def sparse(*, size: int, extended: bytes = b"\0") -> bytes:
    """Return an old GNU sparse file: 512 bytes of data, then a hole up to `size`."""
    made = header("hole", b"", size=512)
    made.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(made.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0%011o\0" % (0, 512)
    block[482:483] = extended
    block[483:495] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)  # type: ignore[attr-defined]
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + b"data" + bytes(508) + bytes(1024)


def test_a_sparse_file_of_a_terabyte_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(RefusedError, match="1099511627776 bytes"):
        bench.unpack(sparse(size=1 << 40))

    assert list((bench.store.folder / "blobs/sha256").iterdir()) == []


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
def test_a_header_of_a_gigabyte_fills_no_memory(bench: Bench, kind: bytes) -> None:
    made = header("x", b"", size=1 << 30)
    made.type = kind
    data = gzip.compress(made.tobuf() + bytes(48 * MIB), 1)

    with pytest.raises(RefusedError, match="names and attributes"):
        bench.unpack(data, "gzip")


def test_a_chain_of_headers_without_end_is_refused(bench: Bench) -> None:
    made = header("x", b"", size=12)
    made.type = tarfile.XHDTYPE
    block = made.tobuf() + b"12 path=abc\n" + bytes(500)

    with pytest.raises(RefusedError, match=r"without end|measure"):
        bench.unpack(block * 4000)


def test_a_map_of_a_sparse_file_without_end_is_refused(bench: Bench) -> None:
    data = sparse(size=MIB, extended=b"\1")[:512] + (bytes(504) + b"\1" + bytes(7)) * 40_000

    with pytest.raises((RefusedError, UntrustedError)):
        bench.unpack(data)


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("zstd", zstd.compress, id="zstd"),
    ],
)
def test_a_bomb_is_refused_before_it_fills_the_disk(
    bench: Bench, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    data = pack(packed({"zeros": bytes(16 * MIB)}))
    limits = replace(STANDARD, ratio_from_bytes=MIB, ratio=20)

    with pytest.raises(RefusedError, match=r"/zeros has 16777216 bytes, and all may have"):
        bench.unpack(data, coding, limits)

    small = pack(packed({f"{number}": bytes(MIB // 2) for number in range(16)}))
    with pytest.raises(RefusedError, match=r"all may have|unpacks to more"):
        bench.unpack(small, coding, limits)
    assert list((bench.store.folder / "blobs/sha256").iterdir()) == []


def test_a_window_of_zstd_that_would_fill_the_memory_is_refused(bench: Bench) -> None:
    options = {int(zstd.CompressionParameter.window_log): 30}
    stream = zstd.ZstdCompressor(options=options)
    data = stream.compress(packed({"a": b"a"}) + bytes(4 * MIB)) + stream.flush()

    with pytest.raises(UntrustedError, match="damaged"):
        bench.unpack(data, "zstd")


def test_zeros_after_the_end_are_no_way_around_the_limit(bench: Bench) -> None:
    data = gzip.compress(packed({"a": b"a"}) + bytes(8 * MIB))

    with pytest.raises(RefusedError, match=r"unpacks to more than 4\.0 MiB"):
        bench.unpack(data, "gzip", most=4 * MIB)


def test_folders_deep_in_folders_count_as_files(bench: Bench) -> None:
    members = [(header("/".join(f"{number}a" * 100)), b"") for number in range(10)]

    with pytest.raises(RefusedError, match="more than 1000 files and folders"):
        bench.unpack(packed_headers(members), limits=replace(STANDARD, entries=1000))


LAYER = packed({"a": b"a" * 700, "b/c": b"c", "d": "a"})


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_truncated_layer_is_damaged_wherever_it_ends(bench: Bench, coding: str) -> None:
    data = gzip.compress(LAYER) if coding == "gzip" else zstd.compress(LAYER)

    for end in range(1, len(data)):
        with pytest.raises(UntrustedError):
            bench.unpack(data[:end], coding)


def test_a_file_that_ends_early_is_not_filled_with_zeros(bench: Bench) -> None:
    for end in (513, 700, 1000, 1023, 1024, 1025, 512 + 699):
        with pytest.raises(UntrustedError, match=r"ends|damaged"):
            bench.unpack(LAYER[:end])


def test_a_damaged_header_is_not_taken_for_the_end(bench: Bench) -> None:
    whole = packed_headers([(header("a", b"1"), b"1"), (header("b", b"2"), b"2")])
    for place in (*range(1024, 1024 + 154, 7), *range(1024 + 156, 1536, 7)):
        data = bytearray(whole)
        data[place] ^= 0x55

        with pytest.raises(EdgeError):
            bench.unpack(bytes(data))


def test_a_tar_without_its_end_and_its_padding_is_whole(bench: Bench) -> None:
    members = [(header("a", b"1" * 600), b"1" * 600)]
    for cut in (packed_headers(members, ends=False), packed_headers(members)[: 512 + 600]):
        entry = bench.tree(cut).get("a")

        assert entry is not None
        assert entry.read() == b"1" * 600


def test_an_empty_layer_is_empty(bench: Bench) -> None:
    assert len(bench.tree(b"")) == 0
    assert len(bench.tree(gzip.compress(b""), "gzip")) == 0


def test_names_that_are_no_text_stay_as_they_are(bench: Bench) -> None:
    tree = bench.tree(packed({"caf\udce9": b"x"}))

    (path,) = [path for path, _ in tree]
    assert path.encode("utf-8", "surrogateescape") == b"caf\xe9"


@given(st.integers(0, len(LAYER) - 1), st.integers(1, 255))
def test_no_change_of_a_byte_raises_anything_but_an_error_of_ours(place: int, change: int) -> None:
    import tempfile

    data = bytearray(LAYER)
    data[place] ^= change
    with tempfile.TemporaryDirectory() as name, suppress(EdgeError):
        Bench(Path(name)).unpack(bytes(data))


def many_files(count: int) -> bytes:
    """Return a tar of tiny files, made in no time: headers differ in the number only."""
    zeros = header(f"usr/share/000/{0:06}", b"12345678").tobuf(tarfile.USTAR_FORMAT)
    sum_of_zeros = int(zeros[148:154], 8)
    stream = io.BytesIO()
    for number in range(count):
        digits = b"%03d/%06d" % (number % 300, number)
        checksum = sum_of_zeros + sum(digits) - sum(b"000/000000")
        stream.write(b"usr/share/" + digits + zeros[20:148] + b"%06o\0 " % checksum)
        stream.write(zeros[156:] + b"%08d" % number + bytes(504))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("count", "paths"),
    [
        pytest.param(5_000, b"5302", id="5,000"),
        pytest.param(100_000, b"100302", id="100,000", marks=pytest.mark.slow),
    ],
)
def test_many_tiny_files_need_little_memory(tmp_path: Path, count: int, paths: bytes) -> None:
    blob = tmp_path / "layer"
    blob.write_bytes(many_files(count))
    words = [sys.executable, "-c", MANY, str(blob), str(tmp_path / "store")]

    done = process.run(words, timeout_s=300)

    assert done.stdout.split() == [paths]


MANY = """
import resource, sys
from pathlib import Path
from edge.oci.limits import STANDARD
from edge.oci.store import Store
from edge.oci.unpack import unpack
resource.setrlimit(resource.RLIMIT_AS, (320 << 20, 320 << 20))
blob, store = map(Path, sys.argv[1:])
made = unpack(blob, "", Store(store), STANDARD, most_bytes=1 << 30)
print(len(made.tree.tree))
"""
