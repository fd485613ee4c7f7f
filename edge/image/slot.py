"""Fill a slot: the root image with its hash tree, and the boot files that start it."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from edge.errors import InputError
from edge.image import erofs, initramfs
from edge.image.boot_script import TREE
from edge.image.outputs import ROOTFS
from edge.oci.modules import Module
from edge.oci.tree import Entry, Tree
from edge.progress import Progress
from edge_agent import verity
from edge_agent.verity import Verity

KERNEL, INITRAMFS, SETTINGS = "Image", "initrd.img", "slot.env"
# Linux for arm64 takes 2048 with the end (COMMAND_LINE_SIZE); the boot script adds the slot.
COMMAND_LINE_BYTES = 2048 - len(" edge.slot=a") - 1
COMMAND_LINE = "cmdline.txt"


@dataclass(frozen=True, slots=True)
class SlotInputs:
    """What a slot is made of.

    `device_tree` is there if the slot brings its own, `modules` are those of the initramfs. `seed`
    names the product; it and `uuid` stay the same between releases, so that an update changes
    only what really changed. `boot` is the driver of boot control, None for that of U-Boot.
    `files` go to the boot partition besides; with them its firmware gets the command line.
    """

    root: Tree
    kernel: Entry
    device_tree: Entry | None
    modules: Sequence[Module]
    command_line: str
    watchdog_s: int | None
    clock_s: int
    seed: str
    uuid: UUID
    compress: erofs.Compression = "none"
    boot: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


def write_slot(folder: Path, inputs: SlotInputs, progress: Progress) -> Verity:
    """Write all files of a slot into `folder` and return what opens its root.

    Raises:
        InputError: The kernel command line is too long.
        ToolError: mkfs.erofs or the compiler is missing or failed.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".slot-") as name:
        scratch = Path(name)
        opened = _write_rootfs(folder / ROOTFS, inputs, progress)
        conf = initramfs.slot_conf(
            opened, watchdog_s=inputs.watchdog_s, clock_s=inputs.clock_s, boot=inputs.boot
        )
        initramfs.write(
            folder / INITRAMFS, inputs.modules, conf, scratch=scratch, progress=progress
        )
    _write_entry(folder / KERNEL, inputs.kernel)
    if inputs.device_tree is not None:
        _write_entry(folder / TREE, inputs.device_tree)
    if len(inputs.command_line) > COMMAND_LINE_BYTES:
        raise InputError(
            f"the kernel command line has {len(inputs.command_line)} bytes,"
            f" {COMMAND_LINE_BYTES} is the most",
            hint="shorten kernel.cmdline of the system or the board",
        )
    (folder / SETTINGS).write_text(f"edge_cmdline={inputs.command_line}\n")
    if inputs.files:
        (folder / COMMAND_LINE).write_text(f"{inputs.command_line}\n")
    for name, content in inputs.files.items():
        (folder / name).write_bytes(content)
    return opened


def boot_files(folder: Path) -> dict[str, Path]:
    """Return the files of a slot that go into its boot partition, by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.name != ROOTFS}


def _write_entry(path: Path, entry: Entry) -> None:
    with path.open("wb") as stream:
        for piece in entry.pieces():
            stream.write(piece)


def _write_rootfs(path: Path, inputs: SlotInputs, progress: Progress) -> Verity:
    with progress.task("write the root image", total=2, unit="steps") as task:
        erofs.make(inputs.root.write_tar, path, uuid=inputs.uuid, compress=inputs.compress)
        task.advance()
        salt = hashlib.sha256(f"edge verity salt {inputs.seed}".encode()).digest()
        opened = verity.append_tree(path, salt=salt)
        task.advance()
    return opened
