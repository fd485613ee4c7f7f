"""gzip streams, read in pieces."""

import gzip
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.oci.gunzip import Gunzip

PLAIN = b"some bytes " * 5000
PACKED = gzip.compress(PLAIN)


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.integers(1, 5000))
def test_members_one_after_the_other_are_one_stream(parts: list[bytes], piece_bytes: int) -> None:
    stream = Gunzip(io.BytesIO(b"".join(gzip.compress(part) for part in parts)))

    pieces = list(iter(lambda: stream.read(piece_bytes), b""))

    assert b"".join(pieces) == b"".join(parts)
    assert all(len(piece) <= piece_bytes for piece in pieces)


@pytest.mark.parametrize("kept_bytes", [0, 5, 100, len(PACKED) - 8, len(PACKED) - 1])
def test_a_stream_that_ends_early_is_an_error(kept_bytes: int) -> None:
    with pytest.raises(EOFError, match="ends early"):
        Gunzip(io.BytesIO(PACKED[:kept_bytes])).read()


@pytest.mark.parametrize("at", [0, 2, 30, len(PACKED) - 6, len(PACKED) - 2])
def test_a_changed_byte_is_an_error(at: int) -> None:
    damaged = bytearray(PACKED)
    damaged[at] ^= 0xFF

    with pytest.raises((zlib.error, EOFError)):
        Gunzip(io.BytesIO(bytes(damaged))).read()


def test_bytes_behind_the_last_member_are_an_error() -> None:
    with pytest.raises((zlib.error, EOFError)):
        Gunzip(io.BytesIO(PACKED + b"more")).read()
