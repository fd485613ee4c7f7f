"""Extents: contents that are written sparsely, a piece at a time."""

import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.image import extent
from edge.image.extent import Contents, Extent

blocks = st.lists(st.sampled_from([bytes(4096), b"x" * 4096, b"\0" * 4095 + b"y"]), max_size=8)


@given(blocks, st.binary(max_size=50), st.integers(0, 9000))
def test_what_is_written_is_there(whole: list[bytes], tail: bytes, offset_bytes: int) -> None:
    data = b"".join(whole) + tail
    stream = io.BytesIO(bytes(offset_bytes + len(data)))

    extent.write(stream, [Extent(0, data, len(data))], base_bytes=offset_bytes)

    assert stream.getvalue() == bytes(offset_bytes) + data


def test_zeros_become_a_hole(tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(b"x" * 4096 + bytes(8 << 20) + b"x" * 4096)
    path = tmp_path / "image"

    with path.open("wb") as stream:
        extent.write(stream, extent.contents_of(content).extents)

    assert path.read_bytes() == content.read_bytes()
    assert path.stat().st_blocks * 512 <= 64 << 10


def test_bytes_and_files_are_one_extent_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")

    assert extent.contents_of(b"abc") == Contents(3, (Extent(0, b"abc", 3),))
    assert extent.contents_of(path) == Contents(3, (Extent(0, path, 3),))
    assert extent.contents_of(Contents(9, ())) == Contents(9, ())
