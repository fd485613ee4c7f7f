"""A device made of files and one loop device, and bundles that it may install.

The slot that is written is a loop device over a file that is written out beforehand, so that its
blocks are there and nobody pays for finding room.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from edge import digest, process
from edge.bundle import container, patches
from edge.bundle.levels import Level
from edge.bundle.patches import ImageFile
from edge.keys import create
from edge.keys.ring import Ring
from edge.progress import SILENT
from edge.release import export, payloads
from edge.release.payloads import Terms
from edge.release.source import Source, SourceImage
from edge.repository.standalone import sign_standalone
from edge_agent import verity
from edge_signing import canonical
from edge_signing.formats import boot_state
from edge_signing.release import Content, HashTree, PatchSet
from tools.bench.usage import MIB

PRODUCT: Final = "bench"
BOARD: Final = "bench"
SALT: Final = bytes(32)
BOOT_BYTES: Final = 4096
BOOT_ID: Final = "a0b1c2d3-0000-4000-8000-000000000000\n"


@dataclass(frozen=True, slots=True)
class Device:
    """A device whose slot a runs.

    Attributes:
        folder: With all of its files; what the agent is given.
        target: The partition that an install writes.
    """

    folder: Path
    target: Path

    def reset(self) -> None:
        """Forget every install: first start of a new device, its other slot as it is.

        But for its boot image, as a slot that holds the release already would not be written.
        """
        first, second = boot_state.factory_copies()
        copies = first.ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + second
        (self.folder / "dev" / "bootstate").write_bytes(copies.ljust(4 * MIB, b"\0"))
        (self.folder / "dev" / "boot-b").write_bytes(bytes(BOOT_BYTES))
        for name in ("data", "run"):
            process.run(["rm", "-rf", self.folder / name])
            (self.folder / name).mkdir()

    def require_armed(self) -> None:
        """See to it that an install came to its end: the next start is of slot b.

        Raises:
            SystemExit: It did not.
        """
        data = (self.folder / "dev" / "bootstate").read_bytes()
        starts = boot_state.COPY_OFFSETS_BYTES
        copies = [data[at : at + boot_state.COPY_BYTES] for at in starts]
        newest = boot_state.BootState.unpack(copies[boot_state.newest_index(copies)])
        if newest.order != ("b", "a"):
            raise SystemExit(f"{self.folder}: slot b is not armed: {newest}")


@contextmanager
def loop_device(file: Path, length_bytes: int) -> Iterator[Path]:
    """Give a loop device over a new file; needs root."""
    with file.open("wb") as stream:
        for _ in range(length_bytes // MIB):
            stream.write(b"\xa5" * MIB)
        stream.flush()
        os.fsync(stream.fileno())
    told = process.run(["losetup", "--show", "--find", file]).stdout
    device = Path(told.decode().strip())
    try:
        yield device
    finally:
        process.run(["losetup", "--detach", device])


def make(folder: Path, target: Path, ring: Ring) -> Device:
    """Write the files of a new device that trusts the keys of a ring."""
    for name in ("dev", "etc"):
        (folder / name).mkdir(parents=True)
    devices, etc = folder / "dev", folder / "etc"
    (devices / "rootfs-b").symlink_to(target)
    for name, fill in (("rootfs-a", b"\1"), ("boot-a", b"\1"), ("boot-b", b"\0")):
        (devices / name).write_bytes(fill * BOOT_BYTES)
    os.mkfifo(devices / "request")
    facts = {"board": BOARD, "product": PRODUCT, "version": "0", "counter": 0, "format": 1}
    (etc / "device.json").write_bytes(canonical.encode({**facts, "clock_s": 0}))
    (etc / "root.json").write_bytes(ring.trusted_root())
    (folder / "cmdline").write_text("edge.slot=a\n")
    (folder / "boot_id").write_text(BOOT_ID)
    device = Device(folder, target)
    device.reset()
    return device


def make_keys(folder: Path) -> Ring:
    """Return new keys, with which the bundles of a run are signed."""
    return create.init(folder, now=datetime.now(UTC)).ring


def write_bundle(image: Path, ring: Ring, path: Path, *, level: Level) -> None:
    """Write a full bundle of an image with its hash tree, and of a boot image of one block."""
    boot = path.with_suffix(".boot")
    boot.write_bytes(b"\2" * BOOT_BYTES)
    length_bytes = image.stat().st_size
    rootfs = SourceImage("rootfs", image, length_bytes, _tree(image, path.with_suffix(".tree")))
    images = (SourceImage("boot", boot, BOOT_BYTES), rootfs)
    export.write_standalone(
        Source(PRODUCT, "1", (BOARD,), images),
        Terms(),
        ring,
        path,
        level=level,
        clock_s=int(datetime.now(UTC).timestamp()),
        progress=SILENT,
    )
    boot.unlink()


def write_patch_bundle(old: Path, new: Path, ring: Ring, path: Path) -> None:
    """Write a bundle that brings the root file system as a patch; both images have hash trees."""
    scratch = path.parent
    boot = path.with_suffix(".boot")
    boot.write_bytes(b"\2" * BOOT_BYTES)
    sides = SourceImage("rootfs", new, new.stat().st_size, _tree(new, path.with_suffix(".tree")))
    source = Source(PRODUCT, "1", (BOARD,), (SourceImage("boot", boot, BOOT_BYTES), sides))
    made = payloads.make(source, Terms(), scratch, level="fast", progress=SILENT)
    contents = [ImageFile(file, _content(file)) for file in (old, new)]
    patch = patches.make("rootfs", *contents, progress=SILENT)
    release, changes = made.release, PatchSet(PRODUCT, "1", "0", (patch.payload,))
    documents = {release.path: release.pack(), changes.path: changes.pack()}
    expires = datetime.now(UTC) + timedelta(days=30)
    container.write(
        path,
        metadata=sign_standalone(
            ring, PRODUCT, {name: (one, {}) for name, one in documents.items()}, expires=expires
        ),
        documents=documents,
        payloads=[made.payloads[0], patch],
    )


def _content(file: Path) -> Content:
    sha256 = bytes.fromhex(digest.of_file(file).rpartition(":")[2])
    return Content(file.stat().st_size, sha256)


def _tree(image: Path, scratch: Path) -> HashTree:
    process.run(["cp", image, scratch])
    made = verity.append_tree(scratch, salt=SALT)
    scratch.unlink()
    return HashTree(bytes.fromhex(made.root_hash), SALT)
