"""Write the formats that need no disk: the root of a system as one file, or as a layout.

Each is made from one stream of tar or cpio, with no unpacked tree on the way. `boot/kernel` and
`boot/cmdline` are in the root, as LinuxKit has them; for kernel+initrd they are files beside it.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from edge import block_file
from edge.errors import InputError
from edge.image import erofs, formats, initramfs, memory_boot, oci_layout, squashfs
from edge.image.formats import Format
from edge.image.memory_boot import KERNEL
from edge.image.packed import Gzip
from edge.oci import tar_writer
from edge.oci.modules import ON_DEVICE, ORDER, Module
from edge.oci.tar_writer import TarSink
from edge.oci.tree import Entry, Kind, Tree, file
from edge.progress import Progress

COMMAND_LINE = "boot/cmdline"


@dataclass(frozen=True, slots=True)
class RootInputs:
    """What the formats are made of.

    Attributes:
        name: Of the system; the files begin with it.
        root: Without kernel; its modules are those that the initramfs of a disk has not.
        early: The other modules, in load order.
        kernel: None if there is none.
        compress: For squashfs and erofs.
    """

    name: str
    version: str
    root: Tree
    early: Sequence[Module]
    kernel: Entry | None
    command_line: str
    watchdog_s: int | None
    clock_s: int
    uuid: UUID
    compress: erofs.Compression


def whole(inputs: RootInputs) -> Tree:
    """Return the root with its kernel and all modules: what all formats but one hold."""
    tree = inputs.root.copy()
    if inputs.early:
        for module in inputs.early:
            tree.add(f"{ON_DEVICE}/{module.name}.ko", module.entry)
        later = tree.get(ORDER)
        order = "".join(f"{module.name}.ko\n" for module in inputs.early).encode()
        tree.add(ORDER, file(order + (later.read() if later else b"")), override=True)
    if inputs.kernel is not None and KERNEL not in tree:
        tree.add(KERNEL, _plain(inputs.kernel), override=True)
        tree.add(COMMAND_LINE, file(inputs.command_line.encode()), override=True)
    return tree


def _tar_of(inputs: RootInputs) -> Callable[[TarSink], object]:
    """Return what writes the whole root into a stream."""
    return partial(tar_writer.write_tar, whole(inputs))


def _plain(kernel: Entry) -> Entry:
    return Entry(Kind.FILE, 0o644, content=kernel.content, sha256=kernel.sha256)


def write(
    folder: Path, inputs: RootInputs, wanted: Sequence[Format], progress: Progress
) -> dict[Path, str]:
    """Write the formats of the root that are wanted into a folder.

    Returns:
        The files made, each with its digest, or with "" where that is not known yet.

    Raises:
        InputError: There is no kernel where one is needed, or the root does not fit the format.
        ToolError: A program is missing or failed.
    """
    made: dict[Path, str] = {}
    for one in wanted:
        if one in formats.DISKS:
            continue
        paths = [folder / name for name in formats.file_names(one, inputs.name)]
        with progress.task(f"write {one}", total=1, unit="images") as task:
            known = _WRITERS[one](paths, inputs, progress) or {}
            task.advance()
        for path in paths:
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            made |= {file: known.get(file, "") for file in files if file.is_file()}
    return made


def _write_tar(
    paths: Sequence[Path], inputs: RootInputs, _progress: Progress
) -> Mapping[Path, str]:
    with block_file.new(paths[0]) as file:
        tar_writer.write_tar(whole(inputs), file)
    return {paths[0]: file.digest}


def _write_squashfs(paths: Sequence[Path], inputs: RootInputs, _progress: Progress) -> None:
    squashfs.make(_tar_of(inputs), paths[0], compress=inputs.compress)


def _write_erofs(paths: Sequence[Path], inputs: RootInputs, _progress: Progress) -> None:
    erofs.make(whole(inputs), paths[0], uuid=inputs.uuid, compress=inputs.compress)


def _write_oci(paths: Sequence[Path], inputs: RootInputs, _progress: Progress) -> None:
    image = oci_layout.Image(inputs.name, inputs.version, inputs.clock_s)
    oci_layout.write(paths[0], image, _tar_of(inputs))


def _write_kernel_initrd(paths: Sequence[Path], inputs: RootInputs, progress: Progress) -> None:
    kernel_path, initrd_path, command_line_path = paths
    kernel = inputs.kernel or inputs.root.get(KERNEL)  # LinuxKit's images bring it so
    if kernel is None:
        raise InputError(
            f"{Format.KERNEL_INITRD}: the system has no kernel",
            hint="write `kernel: {package: …}`, or take the one of a board with --board",
        )
    settings = memory_boot.conf(watchdog_s=inputs.watchdog_s, clock_s=inputs.clock_s)
    with tempfile.TemporaryDirectory(dir=initrd_path.parent, prefix=".initrd-") as scratch:
        program = initramfs.program(Path(scratch), progress)
        tree = memory_boot.started(inputs.root, program, inputs.early, settings)
        with initrd_path.open("wb") as stream:
            packed = Gzip(stream)
            memory_boot.write(packed, tree)
            packed.finish()
    with kernel_path.open("wb") as stream:
        for piece in kernel.pieces():
            stream.write(piece)
    command_line_path.write_bytes(inputs.command_line.encode())


_Writer = Callable[[Sequence[Path], RootInputs, Progress], Mapping[Path, str] | None]
_WRITERS: Final[dict[Format, _Writer]] = {
    Format.TAR: _write_tar,
    Format.KERNEL_INITRD: _write_kernel_initrd,
    Format.SQUASHFS: _write_squashfs,
    Format.EROFS: _write_erofs,
    Format.OCI: _write_oci,
}
