"""Disks of Raspberry Pis whose firmware starts the kernel itself (`boot.driver: rpi-tryboot`)."""

from edge.board.model import Board
from edge.errors import InputError
from edge.oci.tree import Entry
from edge_agent.boot.tryboot import FILE, Autoboot

# What a kernel looks for in the word of a restart to set the flag of the firmware: Raspberry Pi's
# own kernel does, drivers/firmware/raspberrypi.c; Debian's, and that of kernel.org, do not.
MARK = b"tryboot"


def firmware_files() -> dict[str, bytes]:
    """Return what the first partition of a new disk has: slot a is started, slot b never."""
    return {FILE: Autoboot("a", "a").pack()}


def require_kernel(board: Board, kernel: Entry) -> None:
    """See to it that a kernel can ask the firmware for a try.

    Raises:
        InputError: It can not: every update would start the old slot again.
    """
    if MARK not in kernel.read():
        raise InputError(
            f"board {board.name}: the kernel of {board.kernel.package} does not know tryboot,"
            " so a new slot would never be tried",
            hint="take a kernel of Raspberry Pi, or `boot.driver: uboot`",
        )
