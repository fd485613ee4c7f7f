"""Which payload a device takes, and what it fetches for it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest

from edge.bundle import chunks, full, patches
from edge.bundle.patches import ImageFile
from edge.progress import SILENT
from edge_agent.payload import acquire, assemble
from edge_agent.payload.acquire import OldImage
from edge_signing.errors import FormatError, SigningError, TrustError
from edge_signing.release import Content, Image, Payload
from tests.fakes.memory_image import MemoryImage
from tests.fakes.small_bundle import noise

MIB = 1 << 20
OLD = noise(1, 3 * MIB)
NEW = OLD[:MIB] + b"something new".ljust(4096, b".") + OLD[MIB + 4096 :]


@dataclass
class Shelf:
    """Tables and blobs by their hash; counts what is fetched."""

    stored: dict[bytes, bytes] = field(default_factory=dict)
    sent_bytes: int = 0

    def fetch(self, content: Content, offset_bytes: int, length_bytes: int) -> bytes:
        data = self.stored[content.sha256][offset_bytes : offset_bytes + length_bytes]
        self.sent_bytes += len(data)
        return data


@dataclass(frozen=True)
class Offered:
    """A release of NEW with a payload of each kind; the patch starts from OLD."""

    image: Image
    payloads: tuple[Payload, ...]
    shelf: Shelf

    def of_kind(self, *kinds: str) -> list[Payload]:
        return [one for one in self.payloads if one.kind in kinds]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Offered]:
    folder = tmp_path_factory.mktemp("made")
    files = {"old": folder / "old", "new": folder / "new"}
    files["old"].write_bytes(OLD)
    files["new"].write_bytes(NEW)
    with SILENT.task("") as task:
        whole = full.make(
            "rootfs", files["new"], len(NEW), folder / "full", level="fast", cache=None, task=task
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_CACHE", str(folder / "cache"))
        old, new = (ImageFile(path, full.content_of(path.read_bytes())) for path in files.values())
        patched = patches.make("rootfs", old, new, progress=SILENT)
        again = patches.make("rootfs", old, new, progress=SILENT)
    assert again == patched
    with (folder / "chunks").open("wb") as blob:
        cut = chunks.make(files["new"], blob)
    chunked = Payload(
        "chunks",
        "rootfs",
        full.content_of(cut.table),
        Content(cut.blob_bytes, cut.blob_sha256),
    )
    stored = [
        whole.made.table,
        whole.made.blob.read_bytes(),
        patched.table,
        patched.blob.read_bytes(),
        cut.table,
        (folder / "chunks").read_bytes(),
    ]
    shelf = {hashlib.sha256(data).digest(): data for data in stored}
    payloads = (whole.made.payload, chunked, patched.payload)
    return lambda: Offered(Image("rootfs", whole.content), payloads, Shelf(dict(shelf)))


def got(offered: Offered, way: acquire.Acquisition) -> bytes:
    target = BytesIO()
    assemble.write(offered.image, way.pieces(0), target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("kinds", "base", "taken"),
    [
        pytest.param(("full", "chunks", "patch"), OLD, "patch", id="base of the patch"),
        pytest.param(("full", "chunks", "patch"), OLD + bytes(9999), "patch", id="larger slot"),
        pytest.param(("full", "chunks", "patch"), OLD[: 2 * MIB], "chunks", id="unknown base"),
        pytest.param(("full", "chunks", "patch"), noise(9, MIB), "full", id="nothing in common"),
        pytest.param(("full", "chunks", "patch"), None, "full", id="no base"),
        pytest.param(("full", "patch"), NEW, "full", id="another base, no chunks"),
        pytest.param(("full",), OLD, "full", id="only full"),
    ],
)
def test_the_payload_that_sends_the_least_is_taken(
    made: Callable[[], Offered], kinds: tuple[str, ...], base: bytes | None, taken: str
) -> None:
    offered = made()
    old = None if base is None else OldImage(MemoryImage(base), len(base))

    way = acquire.plan(offered.image, offered.of_kind(*kinds), old, offered.shelf)

    assert way.payload.kind == taken
    assert way.planned_bytes <= offered.of_kind("full")[0].total_bytes
    assert got(offered, way) == NEW
    if taken != "full":
        assert offered.shelf.sent_bytes <= way.planned_bytes + 1000


def test_what_cannot_be_used_is_told(made: Callable[[], Offered]) -> None:
    offered = made()

    with pytest.raises(TrustError, match="no payload of the release can be used"):
        acquire.plan(offered.image, offered.of_kind("patch"), None, offered.shelf)


@pytest.mark.parametrize("places", [8, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["full", "chunks", "patch"])
def test_every_damaged_file_of_a_repository_is_found(
    made: Callable[[], Offered], kind: str, places: int
) -> None:
    old = OldImage(MemoryImage(OLD[:-4096] + bytes(4096) if kind == "chunks" else OLD), len(OLD))
    names = [one for each in made().of_kind(kind) for one in (each.table, each.blob)]

    for content in names:
        for at in range(0, content.length_bytes, max(1, content.length_bytes // places)):
            offered = made()
            data = bytearray(offered.shelf.stored[content.sha256])
            data[at] ^= 0x10
            offered.shelf.stored[content.sha256] = bytes(data)
            payloads = offered.of_kind(kind)
            try:
                result = got(offered, acquire.plan(offered.image, payloads, old, offered.shelf))
            except SigningError:
                continue
            assert result == NEW  # a chunk that was not asked for


def test_a_patch_goes_on_at_any_unit(made: Callable[[], Offered]) -> None:
    offered = made()
    old = OldImage(MemoryImage(OLD), len(OLD))
    way = acquire.plan(offered.image, offered.of_kind("patch"), old, offered.shelf)
    all_pieces = list(way.pieces(0))

    for first in {piece.unit for piece in all_pieces}:
        rest = list(way.pieces(first))
        assert rest == [piece for piece in all_pieces if piece.unit >= first]


def test_chunks_do_not_go_on(made: Callable[[], Offered]) -> None:
    offered = made()
    base = OLD[: 2 * MIB]
    way = acquire.plan(
        offered.image,
        offered.of_kind("chunks"),
        OldImage(MemoryImage(base), len(base)),
        offered.shelf,
    )

    with pytest.raises(FormatError, match="planned anew"):
        list(way.pieces(1))


def test_the_slot_that_is_written_is_no_base_of_a_patch(made: Callable[[], Offered]) -> None:
    offered = made()
    old = OldImage(MemoryImage(OLD), len(OLD), is_target=True)

    way = acquire.plan(offered.image, offered.of_kind("full", "patch"), old, offered.shelf)

    assert way.payload.kind == "full"


def test_a_base_that_is_another_one_is_refused(tmp_path: Path, made: Callable[[], Offered]) -> None:
    offered = made()
    (patch,) = offered.of_kind("patch")
    table = offered.shelf.stored[patch.table.sha256]
    blob = offered.shelf.stored[patch.blob.sha256]

    with pytest.raises(TrustError, match="base image is another one"):
        assemble.pieces(patch, table, lambda at, length: blob[at : at + length], MemoryImage(NEW))
    with pytest.raises(TrustError, match="no base image"):
        assemble.pieces(patch, table, lambda at, length: blob[at : at + length], None)
