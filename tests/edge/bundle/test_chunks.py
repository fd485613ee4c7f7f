"""Chunk payloads: the same bytes each time, nothing for zeros, right sums."""

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from edge.bundle import chunks
from edge.errors import InputError
from edge_signing.formats.chunks import Cutting, Index, Table
from tests.fakes.chunk_images import SMALL, golden_image, made, noise, text, updated

VECTORS = Path(__file__).parent.parent.parent / "vectors"


def test_the_vectors_are_made_again(tmp_path: Path) -> None:
    payload = made(golden_image(), tmp_path)

    assert payload.packed == (VECTORS / "chunks_table.bin").read_bytes()
    assert payload.blob == (VECTORS / "chunks_blob.bin").read_bytes()


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_number_of_processors_changes_nothing(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: workers)

    payload = made(golden_image(), tmp_path)

    assert payload.blob == (VECTORS / "chunks_blob.bin").read_bytes()


class Kept:
    """A cache that counts what it is given."""

    def __init__(self) -> None:
        self.units: dict[bytes, bytes] = {}

    def get(self, _level: str, digest: bytes) -> bytes | None:
        return self.units.get(digest)

    def put(self, _level: str, digest: bytes, stored: bytes) -> None:
        self.units[digest] = stored


def test_what_was_coded_before_comes_from_the_cache(tmp_path: Path) -> None:
    cache = Kept()
    old, new = golden_image(), golden_image().replace(b"text 40", b"TEXT 40", 1)
    cold = made(new, tmp_path)
    made(old, tmp_path, cache=cache)
    first = set(cache.units)

    warm = made(new, tmp_path, cache=cache)

    assert warm == cold
    assert 0 < len(set(cache.units) - first) < len(first) / 3


def test_another_cutting_is_coded_anew(tmp_path: Path) -> None:
    cache = Kept()
    other = replace(SMALL, history_bytes=0)
    made(golden_image(), tmp_path, cache=cache)

    warm = made(golden_image(), tmp_path, other, cache=cache)

    assert warm == made(golden_image(), tmp_path, other)
    assert updated(warm) == golden_image()


def test_lengths_and_hashes_are_those_of_what_was_written(tmp_path: Path) -> None:
    image = text(3000) + bytes(1 << 20) + noise(200_000)
    (tmp_path / "image").write_bytes(image + b"hash tree")
    blob = io.BytesIO()

    payload = chunks.make(tmp_path / "image", blob, image_bytes=len(image))

    assert payload.image_sha256 == hashlib.sha256(image).digest()
    assert payload.blob_sha256 == hashlib.sha256(blob.getvalue()).digest()
    assert payload.blob_bytes == len(blob.getvalue())
    assert Table.unpack(payload.table).image_bytes == len(image)
    assert Table.unpack(payload.table).cutting == Cutting()


def test_long_zeros_cost_their_rows_only(tmp_path: Path) -> None:
    with (tmp_path / "image").open("wb") as stream:
        stream.truncate(64 << 20)
    blob = io.BytesIO()

    payload = chunks.make(tmp_path / "image", blob)

    assert payload.blob_bytes == 0
    assert len(payload.table) < 64 * 40 + 60


def test_zeros_within_a_group_store_nothing(tmp_path: Path) -> None:
    payload = made(noise(500) + bytes(3000), tmp_path)

    index = Index.unpack(payload.blob[: payload.table.groups[0].index_bytes])
    assert [chunk.stored_bytes for chunk in index.chunks][-1] == 0


def test_a_chunk_that_repeats_one_of_its_group_costs_little(tmp_path: Path) -> None:
    part = noise(40_000)
    (tmp_path / "image").write_bytes(part + part)
    blob = io.BytesIO()

    chunks.make(tmp_path / "image", blob)

    assert len(blob.getvalue()) < 44_000


@pytest.mark.parametrize("image", [b"", b"x", bytes(1), noise(63), bytes(70_000)])
def test_small_images_come_back(tmp_path: Path, image: bytes) -> None:
    assert updated(made(image, tmp_path)) == image


def test_an_image_that_ends_early_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"short")

    with pytest.raises(InputError, match="ends 5 bytes before"):
        chunks.make(tmp_path / "image", io.BytesIO(), image_bytes=10)
