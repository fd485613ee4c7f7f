"""Patches made and applied: every pair of images comes back, whatever changed between them."""

import hashlib
import io
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.bundle import delta
from edge.errors import InputError
from edge_agent.payload import patch, patch_file
from edge_agent.payload.piece import Piece
from edge_signing.errors import FormatError, TrustError
from edge_signing.formats.patch import UNIT_BYTES
from tests.fakes.memory_image import MemoryImage

VECTORS = Path(__file__).parent.parent.parent / "vectors"
BLOCK = 4096
FOLDER_IS_SHARED = [HealthCheck.function_scoped_fixture]


def made(folder: Path, old: bytes, new: bytes) -> delta.Patch:
    (folder / "old.img").write_bytes(old)
    (folder / "new.img").write_bytes(new)
    return delta.make(folder / "old.img", folder / "new.img")


def pieces(given_patch: delta.Patch, old: bytes, *, first: int = 0) -> list[Piece]:
    units = given_patch.units
    return list(
        patch.apply(
            lambda index: units[index].stored,
            len(units),
            MemoryImage(old),
            first=first,
            result_sha256=lambda index: units[index].result_sha256,
        )
    )


def applied(given_patch: delta.Patch, old: bytes) -> bytes:
    return b"".join(piece.data for piece in pieces(given_patch, old))


def noise(seed: int, length: int) -> bytes:
    return random.Random(seed).randbytes(length)


def text(seed: int, length: int) -> bytes:
    chooser = random.Random(seed)
    words = [b"return ", b"image", b" = ", b"offset_bytes", b"\n", b"(piece)", b"\0" * 4, b"self."]
    return b"".join(chooser.choices(words, k=length // 4))[:length]


def edited(data: bytes, seed: int, edits: int) -> bytes:
    chooser = random.Random(seed)
    changed = bytearray(data)
    for _ in range(edits):
        at = chooser.randrange(len(changed) + 1)
        match chooser.randrange(4):
            case 0:
                changed[at : at + 4] = chooser.randbytes(4)
            case 1:
                changed[at:at] = chooser.randbytes(chooser.randrange(1, 40))
            case 2:
                del changed[at : at + chooser.randrange(1, 40)]
            case _:
                taken = chooser.randrange(len(changed) + 1)
                changed[at:at] = changed[taken : taken + chooser.randrange(9000)]
    return bytes(changed)


OLD = text(1, 300_000) + noise(2, 100_000)

PAIRS = [
    pytest.param(b"", b"", id="both empty"),
    pytest.param(b"", OLD, id="old empty"),
    pytest.param(OLD, b"", id="new empty"),
    pytest.param(OLD, OLD, id="equal"),
    pytest.param(OLD, edited(OLD, 3, 30), id="edited"),
    pytest.param(OLD, OLD[200_000:] + OLD[:200_000], id="moved"),
    pytest.param(OLD, OLD[:8192] + b"x" * 100 + OLD[8192:], id="inserted"),
    pytest.param(OLD, noise(9, 70_000), id="nothing in common"),
    pytest.param(OLD, OLD[:5000], id="cut off in a block"),
    pytest.param(b"a", b"b", id="one byte"),
    pytest.param(bytes(50_000), bytes(60_001), id="zeros"),
    pytest.param(b"abcd" * 30_000, b"abce" * 30_001, id="periodic"),
    pytest.param(noise(4, 3), noise(4, 3) + b"+", id="shorter than a match"),
]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_new_image_comes_back(tmp_path: Path, old: bytes, new: bytes) -> None:
    assert applied(made(tmp_path, old, new), old) == new


def block(kind: int) -> bytes:
    return noise(kind, BLOCK) if kind > 3 else bytes([kind]) * BLOCK


blocks = st.lists(st.integers(0, 12), max_size=20).map(
    lambda kinds: b"".join(
        bytes([kind]) * BLOCK if kind < 4 else noise(kind, BLOCK) for kind in kinds
    )
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    old=blocks,
    new=blocks,
    tails=st.tuples(st.binary(max_size=9), st.binary(max_size=9)),
    seed=st.integers(0, 99),
)
def test_images_of_blocks_come_back(
    tmp_path: Path, old: bytes, new: bytes, tails: tuple[bytes, bytes], seed: int
) -> None:
    old, new = old + tails[0], new + tails[1]
    new = edited(new, seed, seed % 5) if new else new

    assert applied(made(tmp_path, old, new), old) == new


@pytest.fixture(scope="module")
def large_pair() -> tuple[bytes, bytes]:
    """A pair whose patch has several units."""
    old = text(5, 2 * UNIT_BYTES) + noise(6, UNIT_BYTES)
    return old, edited(old, 7, 2000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, large_pair: tuple[bytes, bytes]) -> delta.Patch:
    """The patch of that pair: it takes a second to make."""
    return made(tmp_path_factory.mktemp("large"), *large_pair)


def test_work_goes_on_at_every_unit(large: delta.Patch, large_pair: tuple[bytes, bytes]) -> None:
    old, new = large_pair
    whole = pieces(large, old)

    assert len(large.units) > 3
    for first in range(len(large.units)):
        rest = pieces(large, old, first=first)
        begin = rest[0].offset_bytes
        assert b"".join(piece.data for piece in rest) == new[begin:]
        assert rest == [piece for piece in whole if piece.unit >= first]


def test_pieces_are_ascending_and_small(
    large: delta.Patch, large_pair: tuple[bytes, bytes]
) -> None:
    old, new = large_pair

    offset = 0
    for piece in pieces(large, old):
        assert piece.offset_bytes == offset
        assert 0 < len(piece.data) <= patch.PIECE_BYTES
        offset += len(piece.data)
    assert offset == len(new)


def test_the_same_images_give_the_same_bytes(
    tmp_path: Path, large: delta.Patch, large_pair: tuple[bytes, bytes]
) -> None:
    assert made(tmp_path, *large_pair).units == large.units


def test_a_patch_of_foreign_data_is_hardly_larger_than_the_data(tmp_path: Path) -> None:
    new = noise(8, 3 * UNIT_BYTES)

    assert made(tmp_path, OLD, new).stored_bytes < len(new) * 1.001


def test_only_the_begin_of_an_image_counts_when_asked(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(OLD + b"tree")
    (tmp_path / "new").write_bytes(OLD[:9000] + b"tree")

    got = delta.make(tmp_path / "old", tmp_path / "new", old_bytes=len(OLD), new_bytes=9000)

    assert got.old_sha256 == hashlib.sha256(OLD).digest()
    assert applied(got, OLD) == OLD[:9000]


def test_an_image_shorter_than_said_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"12")

    with pytest.raises(InputError, match="has 2 bytes, not 3"):
        delta.make(tmp_path / "old", tmp_path / "old", old_bytes=3)


def small_file(folder: Path) -> tuple[bytes, bytes, bytes]:
    """Return an old image, a new one, and the patch file."""
    old = text(1, 30_000)
    new = edited(old, 3, 6)
    delta.write_file(made(folder, old, new), folder / "patch")
    return old, new, (folder / "patch").read_bytes()


def apply_file(folder: Path, old: bytes, stored: bytes) -> bytes:
    (folder / "base").write_bytes(old)
    (folder / "stored").write_bytes(stored)
    result = io.BytesIO()
    patch_file.apply_file(folder / "base", folder / "stored", result)
    return result.getvalue()


def test_a_patch_file_is_golden(tmp_path: Path) -> None:
    old, new, _stored = small_file(tmp_path)
    golden = (VECTORS / "patch_small.bin").read_bytes()

    assert apply_file(tmp_path, old, golden) == new
    assert golden[:4] == b"EDP1"
    assert golden[8:24] == hashlib.sha256(old).digest()[:16]
    assert golden[24:56] == hashlib.sha256(new).digest()


def test_every_flipped_byte_of_a_patch_file_is_found(tmp_path: Path) -> None:
    old, _new, stored = small_file(tmp_path)

    for place in range(len(stored)):
        flipped = bytearray(stored)
        flipped[place] ^= 1 << place % 8
        with pytest.raises(FormatError):
            apply_file(tmp_path, old, bytes(flipped))


def test_every_cut_and_every_tail_of_a_patch_file_is_found(tmp_path: Path) -> None:
    old, _new, stored = small_file(tmp_path)

    for bad in [*(stored[:length] for length in range(len(stored))), stored + b"\0"]:
        with pytest.raises(FormatError):
            apply_file(tmp_path, old, bad)


def test_another_old_image_is_refused(tmp_path: Path) -> None:
    old, _new, stored = small_file(tmp_path)

    with pytest.raises(TrustError, match="another old image"):
        apply_file(tmp_path, old[:-1] + b"?", stored)
