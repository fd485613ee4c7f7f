"""Segments that are not what was signed, or not what their coding says."""

import hashlib
import lzma
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import zstandard

from edge_agent.payload import full
from edge_agent.payload.units import Units
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.formats.payload_table import UNIT_BYTES, Coding, PayloadTable, Row

DATA = b"some text of a segment " * 300
LENGTH = len(DATA)


def packed_lzma(data: bytes) -> bytes:
    return lzma.compress(data, format=lzma.FORMAT_RAW, filters=full.LZMA_FILTERS)


def packed_zstd(data: bytes, **settings: Any) -> bytes:
    return zstandard.ZstdCompressor(**settings).compress(data)


def row(coding: Coding, stored: bytes, result: bytes = DATA) -> Row:
    sha256 = hashlib.sha256(stored).digest() if stored else bytes(32)
    return Row(coding, len(stored), sha256, hashlib.sha256(result).digest())


def segments(one: Row, stored: bytes, *, fetched: bytes | None = None) -> bytes:
    table = PayloadTable(LENGTH, (one,))
    blob = stored if fetched is None else fetched
    units = Units(table, lambda offset, length: blob[offset : offset + length], "rootfs full")
    return b"".join(piece.data for piece in full.segments(units))


CODED = {
    Coding.STORED: DATA,
    Coding.LZMA: packed_lzma(DATA),
    Coding.ZSTD: packed_zstd(DATA),
}


@pytest.mark.parametrize("coding", CODED)
def test_a_segment_in_each_coding_is_decoded(coding: Coding) -> None:
    assert segments(row(coding, CODED[coding]), CODED[coding]) == DATA


def test_zeros_need_nothing_stored() -> None:
    assert segments(row(Coding.ZERO, b"", bytes(LENGTH)), b"") == bytes(LENGTH)


def test_zeros_that_were_signed_as_something_else_are_refused() -> None:
    with pytest.raises(TrustError, match="decodes to other bytes"):
        segments(row(Coding.ZERO, b"", DATA), b"")


@pytest.mark.parametrize("coding", CODED)
def test_no_decoder_sees_a_byte_that_was_not_signed(
    coding: Coding, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = bytearray(CODED[coding])
    stored[len(stored) // 2] ^= 1
    monkeypatch.setattr(full, "decoded", lambda *_arguments: pytest.fail("a decoder was called"))

    with pytest.raises(TrustError, match="unit 0 of 1: not the bytes that were signed"):
        segments(row(coding, CODED[coding]), CODED[coding], fetched=bytes(stored))


def test_a_blob_that_ends_early_is_refused() -> None:
    with pytest.raises(TrustError, match="ends after 5 bytes"):
        segments(row(Coding.STORED, DATA), DATA, fetched=DATA[:5])


@pytest.mark.parametrize("coding", CODED)
def test_another_result_than_was_signed_is_refused(coding: Coding) -> None:
    wrong = replace(row(coding, CODED[coding]), result_sha256=bytes(32))

    with pytest.raises(TrustError, match="decodes to other bytes"):
        segments(wrong, CODED[coding])


# Signed all the same: what a stolen key, or a fault of ours, could make a decoder do.
BAD: dict[str, tuple[Coding, bytes]] = {
    "stored, short": (Coding.STORED, DATA[:-1]),
    "stored, long": (Coding.STORED, DATA + b"x"),
    "lzma, bomb": (Coding.LZMA, packed_lzma(bytes(64 * UNIT_BYTES))),
    "lzma, one byte more": (Coding.LZMA, packed_lzma(DATA + b"x")),
    "lzma, one byte less": (Coding.LZMA, packed_lzma(DATA[:-1])),
    "lzma, bytes behind": (Coding.LZMA, packed_lzma(DATA) + b"x"),
    "lzma, cut": (Coding.LZMA, packed_lzma(DATA)[:-3]),
    "lzma, noise": (Coding.LZMA, b"\xff" * 99),
    "zstd, bomb": (Coding.ZSTD, packed_zstd(bytes(64 * UNIT_BYTES))),
    "zstd, bomb that tells no size": (
        Coding.ZSTD,
        packed_zstd(bytes(64 * UNIT_BYTES), write_content_size=False),
    ),
    "zstd, one byte more": (Coding.ZSTD, packed_zstd(DATA + b"x")),
    "zstd, no size": (Coding.ZSTD, packed_zstd(DATA, write_content_size=False)),
    "zstd, bytes behind": (Coding.ZSTD, packed_zstd(DATA) + b"x"),
    "zstd, second frame": (Coding.ZSTD, packed_zstd(DATA) + packed_zstd(DATA)),
    "zstd, cut": (Coding.ZSTD, packed_zstd(DATA)[:-3]),
    "zstd, noise": (Coding.ZSTD, b"\xff" * 99),
}


@pytest.mark.parametrize("name", BAD)
def test_a_stream_that_lies_is_refused_without_more_memory(name: str) -> None:
    coding, stored = BAD[name]
    sizes: list[int] = []
    check: Callable[..., bytes] = full.decoded

    with pytest.raises(FormatError):
        sizes.append(len(check(row(coding, stored), stored, LENGTH, name)))
    assert sizes == []


@pytest.mark.parametrize("coding", [Coding.LZMA, Coding.ZSTD])
def test_every_flipped_byte_of_a_stream_is_an_error_of_ours(coding: Coding) -> None:
    stored = CODED[coding]

    for at in range(len(stored)):
        flipped = bytearray(stored)
        flipped[at] ^= 0x41
        with pytest.raises(SigningError):
            segments(row(coding, bytes(flipped)), bytes(flipped))
