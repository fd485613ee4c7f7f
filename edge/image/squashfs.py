"""A root as a squashfs image: compressed, read-only, made from a stream of tar without a copy.

Reproducible: mksquashfs orders what its threads compress, and all times are zero.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Literal

from edge import process, toolbox

Compression = Literal["none", "lz4hc", "zstd", "xz"]

BLOCK_BYTES: Final = 1 << 20  # the most that Linux reads
_ZSTD_LEVEL: Final = 19
_CACHE: Final = "32M"  # of mksquashfs; a quarter of the machine's memory if not told
_PACKED: Final[dict[Compression, tuple[str, ...]]] = {
    "none": ("-noI", "-noD", "-noF", "-noX"),
    "lz4hc": ("-comp", "lz4", "-Xhc"),
    "zstd": ("-comp", "zstd", "-Xcompression-level", str(_ZSTD_LEVEL)),
    "xz": ("-comp", "xz", "-Xdict-size", "100%"),
}
_ROOT: Final = ("-root-mode", "0755", "-root-uid", "0", "-root-gid", "0", "-root-time", "0")
_SAME: Final = ("-mkfs-time", "0", "-all-time", "0", "-no-xattrs", "-reproducible")


def make(
    write_tar: Callable[[BinaryIO], object], out: Path, *, compress: Compression = "xz"
) -> None:
    """Write the squashfs image of a tar archive.

    Args:
        write_tar: Writes the archive into a stream.
        out: The image.
        compress: `xz` is the smallest, `zstd` is read several times as fast, `none` is for a root
            that is compressed again later.

    Raises:
        ToolError: mksquashfs is missing or ended badly; `out` is then as it was.
    """
    beside = out.with_name(f".{out.name}.part")
    options = ["-tar", "-noappend", "-no-progress", "-quiet", "-b", str(BLOCK_BYTES)]
    options += [*_PACKED[compress], *_SAME, *_ROOT, "-mem", _CACHE, "-processors", "2"]
    try:
        argv = [*toolbox.tool("mksquashfs"), "-", str(beside), *options]
        with process.fed(argv) as stream:
            write_tar(stream)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
