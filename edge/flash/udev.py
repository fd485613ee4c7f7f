"""The udev rules that let a person at this machine write cards and talk to boards without root.

`uaccess` gives a device to whoever sits at the machine; the file's number is below 73, where
systemd's rules hand it out. Source: udev(7), systemd's 73-seat-late.rules.
"""

from pathlib import Path
from typing import Final

from edge import atomic, process
from edge.errors import EdgeError, RefusedError

FILE: Final = Path("etc/udev/rules.d/60-edge.rules")
RULES: Final = """\
# Written by `edge udev install`: cards, USB disks, boards and serial adapters for who sits here.
SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", ENV{ID_BUS}=="usb", TAG+="uaccess"
SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", KERNEL=="mmcblk[0-9]*", ATTRS{type}=="SD", TAG+="uaccess"
SUBSYSTEM=="tty", SUBSYSTEMS=="usb", TAG+="uaccess"
# Boards that wait to be flashed: Raspberry Pi and i.MX in their boot ROMs, fastboot, DFU.
SUBSYSTEM!="usb", GOTO="edge_boards_end"
ENV{DEVTYPE}!="usb_device", GOTO="edge_boards_end"
ATTR{idVendor}=="0a5c", ATTR{idProduct}=="2763|2764|2711|2712", TAG+="uaccess"
ATTR{idVendor}=="15a2|1fc9", TAG+="uaccess"
ENV{ID_USB_INTERFACES}=="*:ff4203:*|*:fe0101:*|*:fe0102:*", TAG+="uaccess"
LABEL="edge_boards_end"
# The latency of FTDI adapters, 16 ms by default, rules how fast a board is written over serial.
ACTION=="add", SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio", ATTR{latency_timer}="1"
"""


def install(root: Path = Path("/")) -> Path:
    """Write the rules and have udev read them.

    Args:
        root: The folder that has `etc`; with another than `/` udev is not told.

    Raises:
        RefusedError: Only root may write there.
        EdgeError: udev does not take them.
    """
    file = root / FILE
    try:
        with atomic.file(file) as stream:
            stream.write(RULES.encode())
    except PermissionError as error:
        raise RefusedError(f"{file}: {error.strerror}", hint="sudo edge udev install") from error
    if root == Path("/"):
        process.run(["udevadm", "control", "--reload"])
        matches = [f"--subsystem-match={one}" for one in ("block", "tty", "usb")]
        process.run(["udevadm", "trigger", *matches])
    return file


def is_installed(root: Path = Path("/")) -> bool:
    """Return whether the rules of this version are there."""
    try:
        return (root / FILE).read_text() == RULES
    except OSError:
        return False


def without_rights(path: str) -> EdgeError:
    """Return the error for a device that this user may not open."""
    return RefusedError(
        f"{path}: this user may not open it",
        hint="sudo edge udev install, then plug it in again; or run as root",
    )
