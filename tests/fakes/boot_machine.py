"""A QEMU machine with real U-Boot and the real boot script, and nothing that could start."""

from collections.abc import Sequence
from pathlib import Path

from edge.board.search import find
from edge.emulator import machine
from edge.emulator.command import Options
from edge.emulator.machine import Machine
from edge.image import emulation, extent, fat
from edge.image.boot_script import boot_script
from edge.image.disk import write_disk
from edge.image.firmware import BOOT_SCRIPT
from edge.image.plan import MIB, Layout, plan
from edge.image.profile import FOLDER
from edge.image.uimage import script_image
from edge.oci.tree import Tree, file
from edge.toolbox import tree
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import Slot

BOARD = "qemu-arm64"
LAYOUT = Layout(boot_mib=1, rootfs_mib=1, firmware_mib=16, data_mib=1, table="gpt")
DISK = plan(LAYOUT, seed="boot machine")
START_S = 30


class BootMachine:
    """A machine whose slots are empty: each start chooses a slot, fails to load it, and resets.

    Args:
        folder: Where its files are made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.disk = folder / "disk.img"
        board = find(BOARD, environment={})
        emulator = board.emulator
        if emulator is None or emulator.firmware is None:
            raise ValueError(f"{BOARD} cannot be played")
        loader = tree.folder() / "root" / emulator.firmware
        packages = Tree()
        packages.add(emulator.firmware, file(loader.read_bytes()))
        emulation.write(folder / FOLDER, board, [packages])
        self._script = script_image(boot_script(board.boot).encode())

    def make_disk(self, copies: Sequence[bytes]) -> None:
        """Make a disk with the boot script and these two copies of the boot state."""
        state = copies[0].ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + copies[1]
        firmware = fat.volume(
            {BOOT_SCRIPT: self._script}, size_bytes=LAYOUT.firmware_mib * MIB, label="F", serial=1
        )
        contents: dict[str, extent.Source] = {"firmware": firmware, "bootstate": state}
        write_disk(self.disk, DISK, contents)

    def copies(self) -> tuple[bytes, bytes]:
        """Return both copies on the disk."""
        first, second = (self._copy(offset_bytes) for offset_bytes in boot_state.COPY_OFFSETS_BYTES)
        return first, second

    def start(self) -> Slot | None:
        """Start it once; return the slot that it chose, None when it found none and refilled."""
        options = Options(serial="stdio", args=("-no-reboot",))
        device = Machine(machine.arguments(self._folder, self.disk, options))
        try:
            lines = [line for line in device.lines(START_S) if line.startswith("edge: slot")]
        finally:
            device.cut_power()
        if not lines:
            return None
        return "a" if lines[0].startswith("edge: slot a") else "b"

    def _copy(self, offset_bytes: int) -> bytes:
        with self.disk.open("rb") as stream:
            stream.seek(DISK.partition("bootstate").offset_bytes + offset_bytes)
            return stream.read(boot_state.COPY_BYTES)
