"""The root file system: an erofs image made from a tar archive, reproducibly and without root.

The layout is worth more than the delta algorithm of an update: no inline data, compact inodes and
no compression make few blocks change when few files do.
"""

from pathlib import Path
from typing import Literal
from uuid import UUID

from edge import process, toolbox

Compression = Literal["lz4hc"]


def make(tar_path: Path, out: Path, *, uuid: UUID, compress: Compression | None = None) -> None:
    """Write the erofs image of a tar archive.

    Args:
        tar_path: The tree, with its owners, modes and hard links.
        out: The image; a whole number of blocks of 4096 bytes.
        uuid: That of the file system; make it from the inputs.
        compress: For small flash; None is larger, and makes smaller updates.

    Raises:
        ToolError: mkfs.erofs is missing or ended badly; `out` is then as it was.
    """
    beside = out.with_name(f".{out.name}.part")
    options = ["-zlz4hc,12", "-C65536"] if compress else []
    layout = ["-Enoinline_data,force-inode-compact", "-x-1", "-T0", "-U", str(uuid)]
    argv = [*toolbox.tool("mkfs.erofs"), "--quiet", "--tar=f", *options, *layout]
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        process.run([*argv, beside, tar_path], env={"SOURCE_DATE_EPOCH": "0"})
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
