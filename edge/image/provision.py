"""Put what belongs to one device, its identity first of all, onto a disk before its first start.

The data partition gets an ext4 file system with it; the device grows that to its card and never
formats a partition that has one.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from edge import process, toolbox
from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge.image import extent, gpt, manifest
from edge.image.extent import Extent
from edge.image.plan import Partition

AGENT: Final = "agent"
IDENTITY: Final = PurePosixPath("agent/identity")  # below /data; the agent sees it in /var/lib/edge
FILES: Final = ("device.crt", "device.key", "server-ca.crt", "epoch")
# As init formats it, but with room to grow while it is in use.
_FEATURES: Final = "extent,flex_bg,metadata_csum,64bit,dir_index,has_journal,resize_inode"
_MOST_BLOCKS: Final = 1 << 27  # 512 GiB
_MAGIC_OFFSET_BYTES: Final = 1080
_MAGIC: Final = b"\x53\xef"
_FOLDER_MODE, _FILE_MODE = 0o40700, 0o100600


@dataclass(frozen=True, slots=True)
class Owner:
    """The numbers of a user on the device."""

    uid: int
    gid: int


def owner_of_agent(build: Path) -> Owner:
    """Return the user that the update agent of a build runs as.

    Raises:
        ThingNotFoundError: `build` is no build folder, or its system has no agent.
    """
    for row in manifest.read(build)["privileges"]:
        if row["name"] == AGENT:
            return Owner(row["uid"], row["gid"])
    raise ThingNotFoundError(f"{build}: the system has no service called {AGENT!r}")


def put_identity(disk: Path, identity: Path, owner: Owner) -> None:
    """Put an identity into a disk image whose data partition is empty.

    Args:
        disk: The disk image.
        identity: A folder with `FILES`.
        owner: Who may read them on the device.

    Raises:
        InputError: A file of the identity is missing.
        RefusedError: The data partition holds a file system: the disk was used.
        EdgeError: A tool failed.
    """
    if missing := [name for name in FILES if not (identity / name).is_file()]:
        raise InputError(f"{identity}: {missing[0]} is not there")
    with disk.open("r+b") as stream:
        data = gpt.read(stream, disk_bytes=disk.stat().st_size).partition("data")
        stream.seek(data.offset_bytes + _MAGIC_OFFSET_BYTES)
        if stream.read(len(_MAGIC)) == _MAGIC:
            raise RefusedError(f"{disk}: the data partition is in use")
        with tempfile.TemporaryDirectory(prefix="edge-provision-") as name:
            image = Path(name) / "data.img"
            _make(image, data, identity, owner)
            whole = (Extent(0, image, data.size_bytes),)
            extent.write(stream, whole, base_bytes=data.offset_bytes)


def _make(image: Path, data: Partition, identity: Path, owner: Owner) -> None:
    with image.open("wb") as stream:
        stream.truncate(data.size_bytes)
    words = ["-q", "-F", "-t", "ext4", "-b", "4096", "-L", "data", "-O", _FEATURES]
    words += ["-E", f"resize={_MOST_BLOCKS},nodiscard", str(image)]
    process.run([*toolbox.tool("mke2fs"), *words])
    lines = [f"mkdir /{folder}" for folder in (IDENTITY.parent, IDENTITY)]
    lines += [f'write "{(identity / name).resolve()}" /{IDENTITY}/{name}' for name in FILES]
    lines += _owned(IDENTITY, _FOLDER_MODE, owner)
    for name in FILES:
        lines += _owned(IDENTITY / name, _FILE_MODE, owner)
    commands = image.with_name("commands")
    commands.write_text("".join(f"{line}\n" for line in lines))
    process.run([*toolbox.tool("debugfs"), "-w", "-f", str(commands), str(image)])
    process.run([*toolbox.tool("e2fsck"), "-f", "-n", str(image)])


def _owned(path: PurePosixPath, mode: int, owner: Owner) -> list[str]:
    facts = {"uid": owner.uid, "gid": owner.gid, "mode": f"0{mode:o}"}
    return [f"sif /{path} {name} {value}" for name, value in facts.items()]
