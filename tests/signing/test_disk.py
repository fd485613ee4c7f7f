"""The statement about a disk image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing.disk import FILE, DiskImage
from edge_signing.errors import FormatError
from edge_signing.release import Content

_DISK = DiskImage(
    product="gateway",
    version="1.2.0",
    board="rpi4",
    counter=3,
    length_bytes=543_162_368,
    block_map=Content(2117, bytes(range(32))),
)
_PACKED = (
    b'{"block_map":{"bytes":2117,"sha256":'
    b'"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},'
    b'"board":"rpi4","bytes":543162368,"counter":3,"format":1,"product":"gateway",'
    b'"version":"1.2.0"}'
)


def test_the_document_is_these_bytes() -> None:
    assert _DISK.pack() == _PACKED
    assert DiskImage.unpack(_PACKED) == _DISK


def test_its_path_names_the_board() -> None:
    assert _DISK.path == "gateway/1.2.0/disk-rpi4.json"
    assert FILE.fullmatch("disk-rpi4.json")


@given(st.integers(0, len(_PACKED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_says_something_else(place: int, change: int) -> None:
    changed = bytearray(_PACKED)
    changed[place] ^= change

    try:
        found = DiskImage.unpack(bytes(changed))
    except FormatError:
        return
    assert found != _DISK


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'"format":1', b'"format":2', id="another format"),
        pytest.param(b'"counter":3,', b"", id="a field is missing"),
        pytest.param(b'"counter":3,', b'"counter":3,"danger":1,', id="a field too many"),
        pytest.param(b'"bytes":543162368', b'"bytes":0', id="an empty image"),
        pytest.param(b'"board":"rpi4"', b'"board":"../rpi4"', id="a board that is a path"),
        pytest.param(b'"product":"gateway"', b'"product":"root"', id="a product that is a role"),
    ],
)
def test_what_is_not_such_a_document_is_refused(old: bytes, new: bytes) -> None:
    assert old in _PACKED

    with pytest.raises(FormatError):
        DiskImage.unpack(_PACKED.replace(old, new))
