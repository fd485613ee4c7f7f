"""The root file system: an erofs image made from a stream of tar, reproducibly and without root.

The layout is worth more than the delta algorithm of an update: no inline data, compact inodes and
no compression make few blocks change when few files do.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Literal
from uuid import UUID

from edge import process, toolbox

Compression = Literal["none", "lz4hc", "zstd", "xz"]

LAYOUT: Final = "-Enoinline_data,force-inode-compact"
# Not `dedupe`: with it mkfs.erofs 1.8 takes minutes. `fragments` takes 100 MiB of memory; hence one
# worker and a small dictionary.
_PACKED: Final[dict[Compression, tuple[str, ...]]] = {
    "none": (LAYOUT,),
    "lz4hc": ("-zlz4hc,12", "-C65536", LAYOUT),
    "zstd": ("-zzstd,level=9", "-C262144", "--workers=1", LAYOUT),
    "xz": ("-zlzma,level=6,dictsize=262144", "-C262144", "--workers=1", f"{LAYOUT},fragments"),
}


def make(
    write_tar: Callable[[BinaryIO], object],
    out: Path,
    *,
    uuid: UUID,
    compress: Compression = "none",
) -> None:
    """Write the erofs image of a tar archive.

    Args:
        write_tar: Writes the archive, with its owners, modes and hard links, into a stream.
        out: The image; a whole number of blocks of 4096 bytes.
        uuid: That of the file system; make it from the inputs.
        compress: For small flash and for images that no update is made of; without it the image
            is larger, and makes smaller updates.

    Raises:
        ToolError: mkfs.erofs is missing or ended badly; `out` is then as it was.
    """
    beside = out.with_name(f".{out.name}.part")
    options = [*_PACKED[compress], "-x-1", "-T0", "-U", str(uuid)]
    argv = [*toolbox.tool("mkfs.erofs"), "--quiet", "--tar=f", *options, str(beside)]
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with process.fed(argv, env={"SOURCE_DATE_EPOCH": "0"}) as stream:
            write_tar(stream)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
