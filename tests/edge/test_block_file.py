"""Files that are written in whole blocks, past the page cache."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge import block_file
from edge.block_file import BLOCK_BYTES, PIECE_BYTES
from edge.errors import EdgeError


def noise(length: int) -> bytes:
    return hashlib.shake_128(length.to_bytes(8, "big")).digest(length)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lengths=st.lists(
        st.sampled_from((0, 1, 511, BLOCK_BYTES, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1)),
        max_size=6,
    ),
    is_padded=st.booleans(),
)
def test_what_was_written_or_taken_is_in_the_file(
    tmp_path: Path, lengths: list[int], is_padded: bool
) -> None:
    path, source = tmp_path / "file", tmp_path / "source"
    path.unlink(missing_ok=True)
    source.write_bytes(b"ahead" + noise(2 * PIECE_BYTES))
    expected = b""

    with block_file.new(path) as file:
        for number, length in enumerate(lengths):
            if number % 2:
                file.take(source, 5, length)
                expected += noise(2 * PIECE_BYTES)[:length]
            else:
                file.write(noise(length))
                expected += noise(length)
            if is_padded:
                file.pad()
                expected += bytes(-len(expected) % BLOCK_BYTES)

    assert path.read_bytes() == expected
    assert file.size_bytes == len(expected)
    assert file.digest == f"sha256:{hashlib.sha256(expected).hexdigest()}"


def test_a_file_that_is_given_up_is_gone(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"short")

    def write() -> None:
        with block_file.new(tmp_path / "file") as file:
            file.write(noise(3 * PIECE_BYTES))
            file.take(source, 0, 10)

    with pytest.raises(EdgeError, match="source: 5 bytes are missing at its end"):
        write()

    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"mine")

    with pytest.raises(FileExistsError), block_file.new(path):
        pass

    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("refused", ["open", "write"])
def test_a_file_system_without_direct_writes_is_written_as_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    real_open, real_write = os.open, os.pwrite
    directly: set[int] = set()

    def opened(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECT and refused == "open":
            real = real_open(path, flags & ~os.O_DIRECT, mode)
            os.close(real)
            raise OSError(errno.EINVAL, "direct writes are not known")
        handle = real_open(path, flags, mode)
        if flags & os.O_DIRECT:
            directly.add(handle)
        return handle

    def written(handle: int, data: memoryview, offset: int) -> int:
        if handle in directly:
            directly.remove(handle)
            raise OSError(errno.EINVAL, "not so")
        return real_write(handle, data, offset)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "pwrite", written)

    with block_file.new(tmp_path / "file") as file:
        file.write(noise(PIECE_BYTES + 100))

    assert (tmp_path / "file").read_bytes() == noise(PIECE_BYTES + 100)


def test_a_write_that_stops_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: real(handle, data[:5000], at))

    with block_file.new(tmp_path / "file") as file:
        file.write(noise(40_000))

    assert (tmp_path / "file").read_bytes() == noise(40_000)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(bytes(BLOCK_BYTES) + noise(PIECE_BYTES), id="zeros ahead"),
        pytest.param(noise(PIECE_BYTES) + bytes(3 * BLOCK_BYTES + 7), id="zeros behind"),
        pytest.param(bytes(PIECE_BYTES + 1), id="only zeros"),
        pytest.param(noise(PIECE_BYTES + 4097), id="a part of a block at the end"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_copy_into_a_sparse_file_has_all_that_is_not_zero(tmp_path: Path, content: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)

    with target.open("w+b") as stream:
        stream.truncate(4 * PIECE_BYTES)
        count = block_file.copy_into(stream.fileno(), source, BLOCK_BYTES)

    assert count == len(content)
    whole = target.read_bytes()
    assert whole == (bytes(BLOCK_BYTES) + content).ljust(4 * PIECE_BYTES, b"\0")
    assert target.stat().st_blocks * 512 <= len(content.strip(b"\0")) + 2 * BLOCK_BYTES


def test_a_reader_gives_the_bytes_from_where_it_was_told_to_go(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(noise(PIECE_BYTES + 10))

    with block_file.reading(path) as reader:
        reader.seek(BLOCK_BYTES)
        first = bytes(reader.read(BLOCK_BYTES))
        rest = bytes(reader.read(PIECE_BYTES))
        end = bytes(reader.read(PIECE_BYTES))

    assert first + rest == noise(PIECE_BYTES + 10)[BLOCK_BYTES:]
    assert end == b""
