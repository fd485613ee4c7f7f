"""The images that a release is made of, taken from a build folder or given one by one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from edge import digest
from edge.errors import InputError, ThingNotFoundError, UntrustedError
from edge.image import disk_check, gpt, in_place, manifest
from edge.image.outputs import BLOCK_MAP, DISK, ROOTFS, SBOM, SLOT
from edge.image.standing import product_of
from edge_signing.release import BLOCK_BYTES, HashTree, Partition

_PIECE_BYTES: Final = 1 << 20
_REBUILD_HINT: Final = "build again"
_DISK_HINT: Final = "build again for a board, with --format disk"


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One image: the first `length_bytes` of a file; a hash tree behind them is made again."""

    partition: Partition
    path: Path
    length_bytes: int
    tree: HashTree | None = None


@dataclass(frozen=True, slots=True)
class SourceDisk:
    """The disk image of a build: how long it is, and its block map."""

    length_bytes: int
    block_map: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """What a release is made of, and what it is called by default.

    Attributes:
        sbom: The bytes of its SBOM, None if there is none.
        service: The one service that it is of; empty for a whole system.
    """

    product: str
    version: str
    boards: tuple[str, ...]
    images: tuple[SourceImage, ...]
    counter: int = 0
    disk: SourceDisk | None = None
    sbom: bytes | None = field(default=None, repr=False)
    service: str = ""


@contextmanager
def of_build(folder: Path, *, made_now: bool = False) -> Iterator[Source]:
    """Give the images of a build folder; the boot image is a copy that goes with the block.

    Args:
        folder: What `edge build` made.
        made_now: This process has just written and hashed it, so it is not read once more.

    Raises:
        ThingNotFoundError: There is no build, or none of a disk.
        UntrustedError: A file of it is not what the build made.
    """
    facts = manifest.read(folder)
    opened = facts["rootfs"]
    if opened is None:
        raise ThingNotFoundError(f"{folder}: the build has no disk image", hint=_DISK_HINT)
    rootfs = SourceImage(
        "rootfs",
        folder / SLOT / ROOTFS,
        opened["data_blocks"] * BLOCK_BYTES,
        HashTree(bytes.fromhex(opened["root_hash"]), bytes.fromhex(opened["salt"])),
    )
    # A build without its SBOM is one all the same.
    sbom = folder / SBOM if SBOM in facts["files"] and (folder / SBOM).is_file() else None
    named = () if made_now else (DISK, f"{SLOT}/{ROOTFS}", *([SBOM] if sbom else []))
    for name in named:
        if not _is_as_made(folder, name, facts["files"][name]):
            raise UntrustedError(
                f"{folder / name}: not the file that the build made", hint=_REBUILD_HINT
            )
    with TemporaryDirectory(prefix="edge-release-") as scratch:
        boot = Path(scratch) / "boot.img"
        length_bytes = _cut_out(folder / DISK, "boot-a", boot)
        yield Source(
            product=product_of(facts["system"]),
            version=facts["version"],
            counter=facts.get("counter", 0),
            boards=(facts["board"],),
            images=(SourceImage("boot", boot, length_bytes), rootfs),
            disk=_disk(folder),
            sbom=sbom.read_bytes() if sbom else None,
        )


def of_service(folder: Path, service: str, *, made_now: bool = False) -> Source:
    """Return the image of a service in a build folder, which is updated in place.

    Args:
        folder: What `edge build` made.
        service: Its name.
        made_now: As for `of_build`.

    Raises:
        ThingNotFoundError: There is no build, or no such service in it.
        UntrustedError: The image is not what the build made.
    """
    facts = manifest.read(folder)
    known = facts.get("in_place", {})
    if service not in known:
        raise ThingNotFoundError(
            f"{folder}: no service {service!r} that is updated in place",
            hint=f"there: {', '.join(sorted(known)) or 'none; write update: in-place'}",
        )
    path, opened = in_place.image_file(folder, service), known[service]
    name = str(path.relative_to(folder))
    if not made_now and digest.of_file(path) != facts["files"][name]["digest"]:
        raise UntrustedError(f"{path}: not the file that the build made", hint=_REBUILD_HINT)
    tree = HashTree(bytes.fromhex(opened["root_hash"]), bytes.fromhex(opened["salt"]))
    image = SourceImage("service", path, opened["data_blocks"] * BLOCK_BYTES, tree)
    return Source(
        product=product_of(facts["system"]),
        version=facts["version"],
        counter=facts.get("counter", 0),
        boards=(facts["board"],),
        images=(image,),
        service=service,
    )


def _is_as_made(folder: Path, name: str, said: Mapping[str, str]) -> bool:
    """Say whether a file of a build is what its manifest says; of a disk, what its map says."""
    if manifest.MAP not in said:
        return digest.of_file(folder / name) == said[manifest.DIGEST]
    block_map = folder / BLOCK_MAP
    if not block_map.is_file() or digest.of_file(block_map) != said[manifest.MAP]:
        raise UntrustedError(f"{block_map}: not the file that the build made", hint=_REBUILD_HINT)
    return disk_check.is_described(folder / name, block_map)


def of_files(
    files: Mapping[Partition, Path], *, product: str, version: str, boards: tuple[str, ...]
) -> Source:
    """Return given files as the images of a release; they have no hash trees.

    Raises:
        InputError: A file is empty or no whole number of blocks.
    """
    images = []
    for partition in sorted(files):
        path = files[partition]
        length_bytes = path.stat().st_size
        if not length_bytes or length_bytes % BLOCK_BYTES:
            raise InputError(
                f"{path}: {length_bytes} bytes are no whole blocks of {BLOCK_BYTES}",
                hint="pad it: truncate --size %4096 FILE",
            )
        images.append(SourceImage(partition, path, length_bytes))
    return Source(product, version, boards, tuple(images))


def _disk(folder: Path) -> SourceDisk:
    block_map = folder / BLOCK_MAP
    if not block_map.is_file():
        raise UntrustedError(f"{block_map}: not there any more", hint=_REBUILD_HINT)
    return SourceDisk((folder / DISK).stat().st_size, block_map.read_bytes())


def _cut_out(disk: Path, name: str, target: Path) -> int:
    """Copy a partition, less the blocks of zeros at its end, and return how long that is."""
    with disk.open("rb") as stream:
        part = gpt.read(stream, disk_bytes=disk.stat().st_size).partition(name)
        length_bytes = _used_bytes(stream, part.offset_bytes, part.size_bytes)
        stream.seek(part.offset_bytes)
        with target.open("wb") as image:
            left = length_bytes
            while left:
                piece = stream.read(min(left, _PIECE_BYTES))
                image.write(piece)
                left -= len(piece)
    return length_bytes


def _used_bytes(stream: BinaryIO, offset_bytes: int, size_bytes: int) -> int:
    """Return where the last block ends that is not zero; one block at least."""
    for end in range(size_bytes, 0, -_PIECE_BYTES):
        start = max(end - _PIECE_BYTES, 0)
        stream.seek(offset_bytes + start)
        used = len(stream.read(end - start).rstrip(b"\0"))
        if used:
            return start + -(-used // BLOCK_BYTES) * BLOCK_BYTES
    return BLOCK_BYTES
