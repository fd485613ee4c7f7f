"""Small releases, and what sends them: whole, as patches, and in chunks."""

import hashlib
import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest

from edge.bundle import chunks, delta
from edge_agent import verity
from edge_signing.formats.payload_table import Coding, PayloadTable, Row
from edge_signing.release import Content, HashTree, Image, Partition, PatchSet, Payload, Release
from tests.fakes.chunk_images import SMALL
from tests.fakes.memory_image import MemoryImage

BLOCK = 4096
BLOCKS: Mapping[Partition, int] = {"boot": 2, "rootfs": 4}
# Of an update: these are as before, the others are new. The first ones are new, so that a unit of a
# patch is not the block of the same number.
KEPT: Mapping[Partition, tuple[int, ...]] = {"boot": (0,), "rootfs": (3, 4), "service": (3, 4)}
LARGER: Mapping[Partition, int] = {"boot": 3, "rootfs": 6}
LARGER_SERVICE: Mapping[Partition, int] = {"service": 6}
Way = Literal["patch", "chunks"]


@contextmanager
def tiny_units() -> Iterator[None]:
    """Let every payload have units of one block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in sys.modules.copy().items():
            if name.startswith(("edge.", "edge_agent.", "edge_signing.")) and hasattr(
                module, "UNIT_BYTES"
            ):
                patch.setattr(module, "UNIT_BYTES", BLOCK)
        yield


@dataclass(frozen=True)
class System:
    """A release, what fills a slot with it, and its blobs."""

    release: Release
    volumes: tuple[tuple[str, bytes], ...]
    blobs: dict[bytes, bytes]
    patches: tuple[PatchSet, ...] = ()

    @classmethod
    def make(
        cls, version: str, counter: int, *, blocks: Mapping[Partition, int] = BLOCKS
    ) -> "System":
        """Return a release of which nothing is known on any device."""
        seeds = {one: [version] * number for one, number in blocks.items()}
        return cls._of(version, counter, seeds)

    @classmethod
    def update(cls, version: str, counter: int, old: "System", way: Way) -> "System":
        """Return a release that has some blocks of an old one, and is also sent in another way."""
        before = old.release.version
        seeds = {
            one: [before if at in KEPT[one] else version for at in range(number)]
            for one, number in (LARGER_SERVICE if old.release.service else LARGER).items()
        }
        made = cls._of(version, counter, seeds)
        bases = {image.partition: image for image in old.release.images}
        more: list[Payload] = []
        blobs = dict(made.blobs)
        for image in made.release.images:
            base = bases[image.partition]
            payload, stored = (
                _patch(image, made._data(image), base, old._data(base))
                if way == "patch"
                else _chunks(image, made._data(image))
            )
            more.append(payload)
            blobs |= stored
        if way == "patch":
            patches = PatchSet("gateway", version, before, tuple(more))
            return replace(made, blobs=blobs, patches=(patches,))
        pairs = zip(made.release.payloads, more, strict=True)
        payloads = tuple(payload for pair in pairs for payload in pair)
        return replace(made, blobs=blobs, release=replace(made.release, payloads=payloads))

    @classmethod
    def _of(cls, version: str, counter: int, seeds: Mapping[Partition, list[str]]) -> "System":
        images, volumes, payloads = [], [], []
        blobs: dict[bytes, bytes] = {}
        for partition, parts in seeds.items():
            image, data = _image(partition, parts, has_tree=partition != "boot")
            images.append(image)
            volumes.append((str(partition), data))
            blob = data[: image.content.length_bytes]
            payload, stored = _payload("full", image, _table(blob).pack(), blob)
            payloads.append(payload)
            blobs |= stored
        release = Release(
            "gateway",
            version,
            ("board",),
            tuple(images),
            tuple(payloads),
            counter=counter,
            service=version.partition("+")[0] if "+" in version else "",
        )
        return cls(release, tuple(volumes), blobs)

    def equal_to(self, digest: str) -> "System":
        """Return the release of a service that says it is the system's own of this digest."""
        (image,) = self.release.images
        assert image.tree is not None
        image = replace(image, tree=HashTree(image.tree.root_hash, bytes.fromhex(digest)))
        return replace(self, release=replace(self.release, images=(image,)))

    def _data(self, image: Image) -> bytes:
        return dict(self.volumes)[image.partition][: image.content.length_bytes]


def _image(partition: Partition, seeds: list[str], *, has_tree: bool) -> tuple[Image, bytes]:
    data = b"".join(
        hashlib.shake_256(f"{seed} {partition} {number}".encode()).digest(BLOCK)
        for number, seed in enumerate(seeds)
    )
    content = _content(data)
    if not has_tree:
        return Image(partition, content), data
    memory = _Stream(data)
    made = verity.write_tree(memory, data_bytes=len(data), salt=b"salt")
    tree = HashTree(bytes.fromhex(made.root_hash), b"salt")
    return Image(partition, content, tree), bytes(memory.data)


class _Stream(MemoryImage):
    at = 0

    def seek(self, offset: int, _whence: int = 0, /) -> int:
        self.at = offset
        return offset

    def read(self, length: int = 0, /) -> bytes:
        return self.pread(length, self.at)

    def write(self, data: bytes, /) -> int:
        self.pwrite(data, self.at)
        return len(data)


def _table(blob: bytes) -> PayloadTable:
    rows = []
    for at in range(0, len(blob), BLOCK):
        digest = hashlib.sha256(blob[at : at + BLOCK]).digest()
        rows.append(Row(Coding.STORED, len(blob[at : at + BLOCK]), digest, digest))
    return PayloadTable(len(blob), tuple(rows))


def _patch(
    image: Image, data: bytes, base: Image, old: bytes
) -> tuple[Payload, dict[bytes, bytes]]:
    with TemporaryDirectory() as name:
        before, after = Path(name) / "old", Path(name) / "new"
        before.write_bytes(old)
        after.write_bytes(data)
        units = delta.make(before, after).units
    assert len(units) > 2, "a resume needs units"
    rows = tuple(
        Row(
            Coding.PATCH,
            len(one.stored),
            hashlib.sha256(one.stored).digest(),
            one.result_sha256,
        )
        for one in units
    )
    blob = b"".join(one.stored for one in units)
    table = PayloadTable(len(data), rows).pack()
    return _payload("patch", image, table, blob, base=base.content)


def _chunks(image: Image, data: bytes) -> tuple[Payload, dict[bytes, bytes]]:
    blob = io.BytesIO()
    with TemporaryDirectory() as name:
        path = Path(name) / "new"
        path.write_bytes(data)
        made = chunks.make(path, blob, cutting=SMALL)
    return _payload("chunks", image, made.table, blob.getvalue())


def _payload(
    way: Literal["full", "patch", "chunks"],
    image: Image,
    table: bytes,
    blob: bytes,
    *,
    base: Content | None = None,
) -> tuple[Payload, dict[bytes, bytes]]:
    payload = Payload(way, image.partition, _content(table), _content(blob), base)
    return payload, {payload.table.sha256: table, payload.blob.sha256: blob}


def _content(data: bytes) -> Content:
    return Content(len(data), hashlib.sha256(data).digest())
