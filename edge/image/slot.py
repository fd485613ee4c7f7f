"""Fill a slot: the root image with its hash tree, and the boot files that start it."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from edge import block_file
from edge.errors import InputError
from edge.image import erofs, initramfs, root_image
from edge.image.boot_script import TREE
from edge.image.outputs import ROOTFS
from edge.image.root_image import RootImage
from edge.oci.modules import Module
from edge.oci.store import Store
from edge.oci.tree import Entry, Slice, Tree
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


@dataclass(frozen=True, slots=True)
class Slot:
    """What opens the root of a slot, and the digests of its files that are known already."""

    opened: Verity
    digests: Mapping[Path, str]


def write_slot(folder: Path, inputs: SlotInputs, store: Store, progress: Progress) -> Slot:
    """Write all files of a slot into `folder`.

    Args:
        folder: The slot's; it must not be there.
        inputs: What it is made of.
        store: Where it is kept what the blocks of contents are.
        progress: Told how far it is.

    Raises:
        InputError: The kernel command line is too long.
        ToolError: mkfs.erofs or the compiler is missing or failed.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".slot-") as name:
        scratch = Path(name)
        root = _write_rootfs(folder / ROOTFS, inputs, store, progress)
        conf = initramfs.slot_conf(
            root.opened, watchdog_s=inputs.watchdog_s, clock_s=inputs.clock_s, boot=inputs.boot
        )
        initramfs.write(
            folder / INITRAMFS, inputs.modules, conf, scratch=scratch, progress=progress
        )
    digests = {folder / ROOTFS: root.digest} if root.digest else {}
    digests[folder / KERNEL] = _write_entry(folder / KERNEL, inputs.kernel)
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
    return Slot(root.opened, digests)


def boot_files(folder: Path) -> dict[str, Path]:
    """Return the files of a slot that go into its boot partition, by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.name != ROOTFS}


def _write_entry(path: Path, entry: Entry) -> str:
    """Write a file, and return its digest."""
    with block_file.new(path) as file:
        if isinstance(entry.content, Slice):
            file.take(entry.content.path, entry.content.offset_bytes, entry.size_bytes)
        else:
            file.write(entry.content)
    if entry.sha256 and file.digest != f"sha256:{entry.sha256}":
        raise entry.spoiled()
    return file.digest


def _write_rootfs(path: Path, inputs: SlotInputs, store: Store, progress: Progress) -> RootImage:
    salt = hashlib.sha256(f"edge verity salt {inputs.seed}".encode()).digest()
    with progress.task("write the root image", total=2, unit="steps") as task:
        if inputs.compress == "none":
            made = root_image.write(path, inputs.root, uuid=inputs.uuid, salt=salt, store=store)
        else:
            erofs.make(inputs.root, path, uuid=inputs.uuid, compress=inputs.compress)
            task.advance()
            made = RootImage(verity.append_tree(path, salt=salt))
        task.advance()
    return made
