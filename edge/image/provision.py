"""Put what belongs to one device onto its data partition, before its first start.

The partition gets an ext4 file system with the folder `/first-boot`; init of the device checks what
is in it, puts it in its place and hands it to its owner. The file system is small, the device grows
it to its card; one that is there is never formatted.
"""

import hashlib
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from edge import process, toolbox
from edge.errors import InputError, RefusedError
from edge.image import extent, gpt
from edge.image.extent import BLOCK_BYTES, Extent

PARTITION: Final = "data"
FIRST_BOOT: Final = PurePosixPath("first-boot")  # device-agent/init: usr/lib/edge/configure
IDENTITY: Final = FIRST_BOOT / "identity"
FILES: Final = ("device.crt", "device.key", "server-ca.crt", "epoch")
# Where ext2, 3 and 4 have their magic number (Linux Documentation/filesystems/ext4).
MAGIC_OFFSET_BYTES: Final = 1080
MAGIC: Final = b"\x53\xef"
_MIB: Final = 1 << 20
_LARGEST_BYTES: Final = 64 * _MIB
# As init formats it, but with room to grow while it is in use.
_FEATURES: Final = "extent,flex_bg,metadata_csum,64bit,dir_index,has_journal,resize_inode"
_MOST_BLOCKS: Final = 1 << 27  # 512 GiB
_INODES: Final = 8192  # of each 128 MiB, once it has grown
# What mke2fs does not write need not be on the card, whatever was there before; zeros must.
_FILLER: Final = b"\xa5" * BLOCK_BYTES
_TIMES: Final = ("atime", "ctime", "mtime", "crtime")
_TIME: Final = "@0x1"
_FOLDER_MODE, _FILE_MODE = 0o40700, 0o100600


@dataclass(frozen=True, slots=True)
class Placed:
    """A file below `/first-boot` on the data partition: root's alone until init hands it over."""

    path: PurePosixPath
    content: bytes


def identity_files(folder: Path) -> tuple[Placed, ...]:
    """Return the files of an identity.

    Args:
        folder: It holds `FILES`.

    Raises:
        InputError: One is missing.
    """
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise InputError(f"{folder}: {missing[0]} is not there")
    return tuple(Placed(IDENTITY / name, (folder / name).read_bytes()) for name in FILES)


def put(disk: Path, files: Sequence[Placed]) -> None:
    """Put files into a disk image whose data partition is empty.

    Raises:
        RefusedError: The data partition holds a file system: the disk was used.
        EdgeError: A tool failed.
    """
    with disk.open("r+b") as stream:
        data = gpt.read(stream, disk_bytes=disk.stat().st_size).partition(PARTITION)
        stream.seek(data.offset_bytes + MAGIC_OFFSET_BYTES)
        if stream.read(len(MAGIC)) == MAGIC:
            raise RefusedError(f"{disk}: the data partition is in use")
        made = file_system(files, most_bytes=data.size_bytes)
        extent.write(stream, made, base_bytes=data.offset_bytes)


def file_system(files: Sequence[Placed], *, most_bytes: int) -> tuple[Extent, ...]:
    """Return a file system with these files, in whole blocks; equal for equal files.

    Args:
        files: What is in it.
        most_bytes: How large the partition is.

    Raises:
        InputError: The partition is too small for them.
        EdgeError: A tool failed.
    """
    size_bytes = min(most_bytes, _LARGEST_BYTES) // BLOCK_BYTES * BLOCK_BYTES
    if size_bytes < 16 * _MIB or sum(len(one.content) for one in files) > 4 * _MIB:
        raise InputError(f"a data partition of {most_bytes} bytes is too small for these files")
    with tempfile.TemporaryDirectory(prefix="edge-provision-") as name:
        image = Path(name) / "data.img"
        _make(image, files, size_bytes)
        return tuple(_written(image))


def _make(image: Path, files: Sequence[Placed], size_bytes: int) -> None:
    with image.open("wb") as stream:
        stream.write(bytes(BLOCK_BYTES))
        for _block in range(size_bytes // BLOCK_BYTES - 1):
            stream.write(_FILLER)
    name = _name_of(files)
    words = ["-q", "-F", "-t", "ext4", "-b", str(BLOCK_BYTES), "-L", "data", "-O", _FEATURES]
    words += ["-N", str(_INODES), "-U", name]
    words += ["-E", f"resize={_MOST_BLOCKS},nodiscard,hash_seed={name}", str(image)]
    env = {"E2FSPROGS_FAKE_TIME": "1", "SOURCE_DATE_EPOCH": "1"}
    process.run([*toolbox.tool("mke2fs"), *words], env=env)
    commands = image.with_name("commands")
    commands.write_text("".join(f"{line}\n" for line in _commands(image.parent, files)))
    process.run([*toolbox.tool("debugfs"), "-w", "-f", str(commands), str(image)], env=env)
    process.run([*toolbox.tool("e2fsck"), "-f", "-n", str(image)])


def _commands(folder: Path, files: Sequence[Placed]) -> Iterator[str]:
    """Give what debugfs does to put the files in."""
    above = {parent for one in files for parent in one.path.parents if parent.name}
    for path in sorted({FIRST_BOOT, *above}):
        yield f"mkdir /{path}"
        yield from _facts(path, _FOLDER_MODE)
    for number, one in enumerate(files):
        source = folder / f"file-{number}"
        source.write_bytes(one.content)
        yield f'write "{source}" /{one.path}'
        yield from _facts(one.path, _FILE_MODE)
    for made in ("/", "/lost+found"):
        yield from (f"sif {made} {time} {_TIME}" for time in _TIMES)


def _facts(path: PurePosixPath, mode: int) -> Iterator[str]:
    facts = {"uid": "0", "gid": "0", "mode": f"0{mode:o}", **dict.fromkeys(_TIMES, _TIME)}
    return (f"sif /{path} {name} {value}" for name, value in facts.items())


def _name_of(files: Sequence[Placed]) -> str:
    """Return the id of a file system, by what is in it: the same command makes the same bytes."""
    sha256 = hashlib.sha256()
    for one in files:
        sha256.update(f"{one.path} {len(one.content)}\n".encode() + one.content)
    return str(uuid.UUID(bytes=sha256.digest()[:16], version=4))


def _written(image: Path) -> Iterator[Extent]:
    """Give the runs of blocks that the tools have written."""
    start_bytes, run = 0, bytearray()
    with image.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            if block != _FILLER:
                run += block
                continue
            if run:
                yield Extent(start_bytes, bytes(run), len(run))
            start_bytes, run = stream.tell(), bytearray()
    if run:
        yield Extent(start_bytes, bytes(run), len(run))
