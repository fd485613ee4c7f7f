"""Read block maps: ours, those of older versions, and what is no block map."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.image import bmap, bmap_reader
from edge.image.bmap import BlockRange
from edge.image.bmap_reader import BlockMap, MappedRange
from edge.process import Completed

BLOCK = 4096
_IMAGE = b"a" * BLOCK + bytes(BLOCK) + b"b" * (2 * BLOCK + 100)
_RANGES = [BlockRange(0, 0), BlockRange(2, 4)]


def _ours() -> bytes:
    return bmap.document(io.BytesIO(_IMAGE), image_bytes=len(_IMAGE), ranges=_RANGES)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_we_write_is_read() -> None:
    assert bmap_reader.read(_ours(), "x.bmap") == BlockMap(
        len(_IMAGE),
        BLOCK,
        "sha256",
        (
            MappedRange(0, 0, _sha256(_IMAGE[:BLOCK])),
            MappedRange(2, 4, _sha256(_IMAGE[2 * BLOCK :])),
        ),
    )


@pytest.mark.tools
def test_what_bmaptool_writes_is_read(tool: Callable[..., Completed], tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    with image.open("wb") as stream:
        stream.write(_IMAGE[:BLOCK])
        stream.seek(16 * BLOCK)
        stream.write(b"c" * BLOCK)
        stream.truncate(32 * BLOCK)
    tool("bmaptool", "create", "-o", tmp_path / "x.bmap", image)

    found = bmap_reader.read((tmp_path / "x.bmap").read_bytes(), "x.bmap")

    assert found.image_bytes == 32 * BLOCK
    assert found.ranges == (
        MappedRange(0, 0, _sha256(b"a" * BLOCK)),
        MappedRange(16, 16, _sha256(b"c" * BLOCK)),
    )


_1_2 = """\
<?xml version="1.0" ?>
<!-- a comment -->
<bmap version="1.2">
    <ImageSize> 12388 </ImageSize>
    <BlockSize> 4096 </BlockSize>
    <BlocksCount> 4 </BlocksCount>
    <MappedBlocksCount> 3 </MappedBlocksCount>
    <BlockMap>
        <Range> 0 </Range>
        <Range> 2-3 </Range>
    </BlockMap>
</bmap>
"""


def test_a_map_before_1_3_has_no_checksums() -> None:
    found = bmap_reader.read(_1_2.encode(), "x.bmap")

    assert found.checksum_type is None
    assert found.ranges == (MappedRange(0, 0, None), MappedRange(2, 3, None))


def test_a_map_of_1_3_has_sha1() -> None:
    sums = [hashlib.sha1(text).hexdigest() for text in (b"1", b"2")]
    text = _1_2.replace('"1.2"', '"1.3"')
    text = text.replace("<Range> 0", f'<Range sha1="{sums[0]}"> 0')
    text = text.replace("<Range> 2", f'<Range sha1="{sums[1]}"> 2')
    text = text.replace(
        "    <BlockMap>", f"    <BmapFileSHA1> {'0' * 40} </BmapFileSHA1>\n<BlockMap>"
    )
    own = hashlib.sha1(text.encode()).hexdigest()

    found = bmap_reader.read(text.replace("0" * 40, own, 1).encode(), "x.bmap")

    assert found.checksum_type == "sha1"
    assert [one.checksum for one in found.ranges] == sums


@given(st.integers(0, len(_ours()) - 1), st.integers(1, 255))
def test_every_changed_byte_is_found(place: int, change: int) -> None:
    changed = bytearray(_ours())
    changed[place] ^= change

    with pytest.raises(InputError, match=r"x\.bmap:\d+: "):
        bmap_reader.read(bytes(changed), "x.bmap")


@given(st.integers(0, len(_ours()) - 2))
def test_every_cut_is_found(length: int) -> None:
    with pytest.raises(InputError):
        bmap_reader.read(_ours()[:length], "x.bmap")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param('"1.2"', '"3.0"', r":3: version 3.0 is not known", id="a newer version"),
        pytest.param("<bmap ", "<map ", r"mismatched tag", id="no map"),
        pytest.param("12388", "-1", r":4: ImageSize '-1'", id="a negative size"),
        pytest.param("2-3", "2-9", r"end at block 9, the image at 3", id="behind the image"),
        pytest.param("2-3", "3-2", r"not in order", id="backwards"),
        pytest.param("2-3", "0-1", r"not in order", id="twice"),
        pytest.param("2-3", "two", r":10: Range 'two'", id="no number"),
        pytest.param("> 3 <", "> 4 <", r"MappedBlocksCount is 4", id="another count"),
        pytest.param("<BlockSize> 4096", "<BlockSize> 0", r"BlockSize '0'", id="no block size"),
        pytest.param(
            "<!-- a comment -->",
            '<!DOCTYPE bmap [<!ENTITY a "aaaa">]>',
            r":2: a document type is not allowed",
            id="entities",
        ),
    ],
)
def test_what_is_no_map_is_told_with_its_line(old: str, new: str, message: str) -> None:
    assert old in _1_2

    with pytest.raises(InputError, match=message):
        bmap_reader.read(_1_2.replace(old, new).encode(), "x.bmap")


def test_a_long_text_in_a_block_map_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = b"<bmap>" + b"\n" * (1 << 20) + b"</bmap>"
    parts: list[int] = []
    monkeypatch.setattr(bmap_reader._Reader, "_take", lambda _reader, text: parts.append(len(text)))

    with pytest.raises(InputError):
        bmap_reader.read(document, "disk.bmap")

    assert sum(parts) == 1 << 20
    assert len(parts) < 4, "joining it line by line takes hours for the longest map"


def test_a_number_longer_than_any_in_a_block_map_is_told() -> None:
    document = b'<bmap version="1.0"><ImageSize>' + b"9" * 5000 + b"</ImageSize></bmap>"

    with pytest.raises(InputError, match=r"ImageSize '9{40}' is not a number"):
        bmap_reader.read(document, "disk.bmap")
