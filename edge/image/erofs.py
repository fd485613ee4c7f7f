"""The root file system: an erofs image, reproducible, made without root.

The layout is worth more than the delta algorithm of an update: no inline data, compact inodes and
no compression make few blocks change when few files do.
"""

from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from edge import process, toolbox
from edge.image import root_image
from edge.oci import tar_writer
from edge.oci.tree import Tree

Compression = Literal["none", "lz4hc", "zstd", "xz"]

LAYOUT: Final = "-Enoinline_data,force-inode-compact"
# Not `dedupe`: with it mkfs.erofs 1.8 takes minutes. `fragments` takes 100 MiB of memory; hence one
# worker and a small dictionary.
# Large buffers go back to the kernel when they are freed: 117 MiB in the place of 122 to 130.
_ENVIRONMENT: Final = {"SOURCE_DATE_EPOCH": "0", "MALLOC_MMAP_THRESHOLD_": "131072"}
_PACKED: Final[dict[Compression, tuple[str, ...]]] = {
    "lz4hc": ("-zlz4hc,12", "-C65536", LAYOUT),
    "zstd": ("-zzstd,level=9", "-C262144", "--workers=1", LAYOUT),
    "xz": ("-zlzma,level=6,dictsize=262144", "-C262144", "--workers=1", f"{LAYOUT},fragments"),
}


def make(
    tree: Tree,
    out: Path,
    *,
    uuid: UUID,
    compress: Compression = "none",
) -> None:
    """Write the erofs image of a tree: by ourselves, or compressed by mkfs.erofs.

    Args:
        tree: What is in it; equal files are one.
        out: The image; a whole number of blocks of 4096 bytes.
        uuid: That of the file system; make it from the inputs.
        compress: For small flash and for images that no update is made of; without it the image
            is larger, and makes smaller updates.

    Raises:
        InputError: A name is too long for the file system.
        ToolError: mkfs.erofs is missing or ended badly; `out` is then as it was.
    """
    beside = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    if compress == "none":
        root_image.write_erofs(out, tree, uuid=uuid)
        return
    options = [*_PACKED[compress], "-x-1", "-T0", "-U", str(uuid)]
    argv = [*toolbox.tool("mkfs.erofs"), "--quiet", "--tar=f", *options, str(beside)]
    try:
        with process.fed(argv, env=_ENVIRONMENT) as stream:
            tar_writer.write_tar(tree, stream)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
