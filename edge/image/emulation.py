"""Make what QEMU needs to play a board: boot loader, edited device tree, U-Boot's settings."""

from collections.abc import Iterable
from pathlib import Path

from edge import process, toolbox
from edge.board.model import Board, Emulator, TreeEdits
from edge.image import profile as profiles
from edge.image.firmware import BOOT_SCRIPT, find_file
from edge.image.profile import Profile
from edge.image.uboot_flash import flash_image
from edge.oci.tree import Tree

FLASH_BYTES = 64 << 20  # QEMU's virt takes flash of this size only
TREE, FLASH = "board.dtb", "u-boot-env.img"
# U-Boot's start-up delay and its search for other systems cost seconds at every start. Settings in
# flash replace its own wholly, so what the boot script needs is here too (QEMU's virt: memory
# begins at 0x40000000, where the device tree lies).
SETTINGS = {
    "bootdelay": "0",
    "fdt_addr": "0x40000000",
    "scriptaddr": "0x40200000",
    "bootcmd": f"virtio scan; load virtio 0:1 ${{scriptaddr}} {BOOT_SCRIPT};"
    " source ${scriptaddr}",
}


def write(folder: Path, board: Board, packages: Iterable[Tree]) -> None:
    """Write the files that play `board` into `folder`; nothing when QEMU cannot.

    Raises:
        InputError: A file is not in the packages.
        ToolError: The device tree cannot be edited.
    """
    emulator = board.emulator
    if emulator is None:
        return
    folder.mkdir(parents=True)
    trees = list(packages)
    loader = find_file(trees, emulator.firmware or emulator.kernel or "", board.name)
    (folder / _name_of(board)).write_bytes(loader.read())
    if emulator.dtb is not None:
        entry = find_file(trees, emulator.dtb.package_file, board.name)
        (folder / TREE).write_bytes(entry.read())
        _edit(folder / TREE, emulator.dtb)
    if _has_flash(board, emulator):
        with (folder / FLASH).open("wb") as stream:
            stream.write(flash_image(SETTINGS))
            stream.truncate(FLASH_BYTES)
    profiles.write(folder, _profile(board, emulator))


def _name_of(board: Board) -> str:
    return "u-boot.bin" if board.boot.driver == "uboot" else "efi.fd"


def _has_flash(board: Board, emulator: Emulator) -> bool:
    """Return whether QEMU's firmware is a U-Boot, which reads its settings from flash."""
    return emulator.firmware is not None and board.boot.driver == "uboot"


def _profile(board: Board, emulator: Emulator) -> Profile:
    return Profile(
        board=board.name,
        machine=emulator.machine,
        disk=emulator.disk,
        cpu=emulator.cpu,
        memory_mib=emulator.memory_mib,
        smp=emulator.smp,
        firmware=_name_of(board) if emulator.firmware else None,
        kernel=_name_of(board) if emulator.kernel else None,
        dtb=TREE if emulator.dtb else None,
        flash=FLASH if _has_flash(board, emulator) else None,
        network=emulator.network,
        serials=emulator.serials,
        console=emulator.serial,
        power_of_two=emulator.power_of_two,
        args=emulator.args,
    )


def _edit(tree: Path, edits: TreeEdits) -> None:
    put = toolbox.tool("fdtput")
    for node in edits.disable:
        process.run([*put, "-t", "s", tree, node, "status", "disabled"])
    for gone in edits.delete:
        process.run([*put, "-d", tree, gone.node, gone.name])
    for node in edits.delete_nodes:
        process.run([*put, "-r", tree, node])
    for new in edits.set:
        value = ["-t", "s"] if new.value is not None else []
        words = [new.value] if new.value is not None else []
        process.run([*put, *value, tree, new.node, new.name, *words])
