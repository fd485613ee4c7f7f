"""Full payloads: made on the host, read as a device reads them."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import coding, full
from edge.bundle.coding import Cache
from edge.bundle.levels import LEVELS, Level
from edge.progress import SILENT
from edge_agent.payload import full as reader
from edge_agent.payload.units import Units
from edge_signing.formats.payload_table import UNIT_BYTES, Coding, PayloadTable

MIB = 1 << 20


def make(path: Path, *, level: Level = "fast", cache: Cache | None = None) -> full.MadeImage:
    with SILENT.task("") as task:
        return full.make(
            "rootfs",
            path,
            path.stat().st_size,
            path.with_suffix(".blob"),
            level=level,
            cache=cache,
            task=task,
        )


def read(made: full.MadeImage) -> bytes:
    blob = made.made.blob.read_bytes()
    table = PayloadTable.unpack(made.made.table)
    units = Units(table, lambda offset, length: blob[offset : offset + length], "rootfs full")
    return b"".join(piece.data for piece in reader.segments(units))


def image(*segments: bytes) -> bytes:
    return b"".join(segment.ljust(UNIT_BYTES, b"\0") for segment in segments)


@pytest.mark.parametrize("level", LEVELS)
def test_an_image_comes_back(tmp_path: Path, level: Level) -> None:
    noise = random.Random(1).randbytes(UNIT_BYTES)
    content = image(b"text " * 9000, noise, b"") + b"tail".ljust(4096, b".")
    path = tmp_path / "image"
    path.write_bytes(content)

    made = make(path, level=level)

    assert read(made) == content
    assert made.content.sha256 == hashlib.sha256(content).digest()
    blob = made.made.blob.read_bytes()
    assert made.made.payload.blob.sha256 == hashlib.sha256(blob).digest()
    assert made.made.payload.blob.length_bytes == len(blob)
    packed = Coding.LZMA if level == "release" else Coding.ZSTD
    codings = [row.coding for row in PayloadTable.unpack(made.made.table).rows]
    assert codings == [packed, Coding.STORED, Coding.ZERO, packed]


@settings(max_examples=25, deadline=None)
@given(blocks=st.lists(st.sampled_from([b"\0", b"a", b"ab", b"noise"]), min_size=1, max_size=600))
def test_any_image_comes_back(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("any") / "image"
    content = b"".join(one * (4096 // len(one)) + one[: 4096 % len(one)] for one in blocks)
    path.write_bytes(content)

    assert read(make(path)) == content


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(image(b"a" * 5000, b"b" * 5000, b"c", b"d" * 9))

    first, second = (make(path, level="release", cache=Cache(tmp_path / name)) for name in "12")

    assert first == second


def test_only_what_changed_is_coded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coded: list[bytes] = []
    packed = coding._packed

    def counted(segment: bytes, level: Level) -> bytes:
        coded.append(segment)
        return packed(segment, level)

    monkeypatch.setattr(coding, "_packed", counted)
    path, cache = tmp_path / "image", Cache(tmp_path / "cache")
    path.write_bytes(image(b"a", b"b", b"c"))
    make(path, level="release", cache=cache)
    coded.clear()
    path.write_bytes(image(b"a", b"changed", b"c"))

    made = make(path, level="release", cache=cache)

    assert [segment[:7] for segment in coded] == [b"changed"]
    assert read(made) == path.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"\xff" * 40], ids=["empty", "other bytes"])
def test_a_damaged_cache_is_not_believed(tmp_path: Path, damage: bytes) -> None:
    path, cache = tmp_path / "image", Cache(tmp_path / "cache")
    path.write_bytes(image(b"a", b"b"))
    made = make(path, level="release", cache=cache)
    for file in (tmp_path / "cache").rglob("*"):
        if file.is_file():
            file.write_bytes(damage)

    again = make(path, level="release", cache=cache)

    assert again == made


@pytest.mark.slow
def test_a_large_image_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with path.open("wb") as stream:
        stream.truncate(6 << 30)
        stream.seek(5 << 30)
        stream.write(b"behind 4 GiB")
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tests.edge.bundle.test_full import make\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = make(Path(sys.argv[1]))\n"
        "print(made.content.sha256.hex(), made.made.payload.blob.length_bytes,"
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        env={**os.environ, "PYTHONPATH": ".:device-agent:signing"},
        capture_output=True,
        text=True,
        check=True,
    )
    digest, blob_bytes, grown_kib = done.stdout.split()

    assert int(grown_kib) < 64 * 1024
    assert int(blob_bytes) < 4096
    assert (
        digest
        == subprocess.run(
            ["sha256sum", path], capture_output=True, text=True, check=True
        ).stdout.split()[0]
    )
