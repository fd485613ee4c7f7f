"""Boards on USB and with fastboot on the network, from what was said to methods."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge.errors import EdgeError, InputError, RefusedError, ThingNotFoundError
from edge.flash import usb_boards
from edge.flash.disks.choice import Limits
from edge.flash.methods.block import BlockOptions
from edge.flash.methods.method import Method
from edge.flash.targets import BoardTarget, NetworkTarget
from edge.flash.transports.usb_bus import Bus, LibusbBus
from edge.flash.transports.usb_device import Sighting
from edge.flash.usb_boards import UsbBoard
from edge.flash.way import Way

if TYPE_CHECKING:
    from edge.board.model import Board
    from edge.flash.methods.fastboot import FastbootOptions
    from edge.flash.transports.port import Port

_MOST_LOADER_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class UsbOptions:
    """What the user may choose for boards on USB.

    Attributes:
        boot_files: The folder of the second stage of Raspberry Pis.
        loader: The boot loader for the ROM of an i.MX.
        restart: Start the board at the end.
        wait_s: How long to wait until it is there.
    """

    boot_files: Path | None = None
    loader: Path | None = None
    restart: bool = False
    wait_s: float = 2.0


@functools.cache
def ports() -> Bus:
    """Return the USB ports of this machine.

    Raises:
        ThingNotFoundError: There is no libusb.
    """
    return LibusbBus()


def found_on(bus: Bus, target: BoardTarget) -> UsbBoard:
    """Return the board that is meant.

    Raises:
        ThingNotFoundError: It is not there.
        RefusedError: Several could be meant.
    """
    found = usb_boards.boards(bus)
    if target.port is not None:
        return usb_boards.at_port(found, target.port, target.way)
    if target.serial is not None:
        serial_of = functools.partial(_serial, bus)
        return usb_boards.with_serial(found, target.serial, target.way, serial_of)
    return usb_boards.only_one(found, target.way)


def fastboot_port(target: NetworkTarget) -> tuple[Callable[[], "Port"], Callable[[], float]]:
    """Return how fastboot is reached over the network, and the clock for it."""
    from edge.flash.transports.fastboot_tcp import FastbootTcp
    from edge.flash.transports.fastboot_udp import FastbootUdp

    opener = FastbootTcp if target.kind == "tcp" else FastbootUdp
    return lambda: opener(target.host, target.port), time.monotonic


@dataclass(frozen=True, slots=True)
class Boards:
    """How boards are found, and what is done with them.

    Attributes:
        profile: Returns that of the board.
        limits: What the disk of a board has to keep to.
        block: How a board that becomes a disk is written.
        options: What was chosen.
        bus: Returns the USB ports.
    """

    profile: "Callable[[], Board]"
    limits: Limits
    block: BlockOptions
    options: UsbOptions
    bus: Callable[[], Bus]

    def named(self, target: BoardTarget | NetworkTarget) -> Method:
        """Return the method for a board that was named.

        Raises:
            EdgeError: It is not there, or its profile does not say how to flash it so.
        """
        if isinstance(target, NetworkTarget):
            return self._over_network(target)
        bus = self.bus()
        deadline_s = bus.clock_s() + self.options.wait_s
        while True:
            try:
                return self.method(found_on(bus, target))
            except ThingNotFoundError:
                if bus.clock_s() >= deadline_s:
                    raise
                bus.sleep(0.2)

    def waiting(self) -> list[UsbBoard]:
        """Return the boards that wait and that the profile knows how to flash; none without libusb.

        Raises:
            EdgeError: There is no profile.
        """
        try:
            found = usb_boards.boards(self.bus())
        except ThingNotFoundError:
            return []
        ways = self._ways() if found else ()
        return [one for one in found if one.way in ways and not one.is_running]

    def at_port(self, port: str) -> UsbBoard | None:
        """Return the Raspberry Pi in USB boot at a port; None when there is none, or no libusb."""
        try:
            found = usb_boards.boards(self.bus())
        except ThingNotFoundError:
            return None
        fitting = [one for one in found if one.seen.port == port and one.way is Way.RPIBOOT]
        return fitting[0] if fitting else None

    def method(self, board: UsbBoard) -> Method:
        """Return the method for a board that waits.

        Raises:
            InputError: The profile does not say how to flash it so.
            RefusedError: It has another chip than the profile says.
        """
        made = {
            Way.RPIBOOT: self._rpiboot,
            Way.FASTBOOT: self._fastboot,
            Way.DFU: self._dfu,
            Way.SDP: self._sdp,
        }
        return made[board.way](board)

    def _rpiboot(self, board: UsbBoard) -> Method:
        from edge.flash.methods.rpiboot import RpibootMethod
        from edge.flash.protocols.rpiboot import CHIPS
        from edge.flash.rpi import boot_files

        profile = self.profile()
        settings = profile.flash.rpiboot
        if settings is None:
            raise _not_so(profile, "rpiboot")
        chip = CHIPS[board.seen.product].name
        if chip != settings.chip:
            raise _other_chip(board, profile, f"BCM{chip}", f"BCM{settings.chip}")
        return RpibootMethod(
            board.seen.port,
            boot_files.folder(self.options.boot_files),
            self.bus(),
            self.limits,
            self.block,
        )

    def _fastboot(self, board: UsbBoard) -> Method:
        from edge.flash.methods.fastboot import FastbootMethod
        from edge.flash.transports.fastboot_usb import FastbootUsb

        bus, seen = self.bus(), board.seen
        options = self._fastboot_options()
        return FastbootMethod(
            board.target, options, lambda: FastbootUsb(bus.open(seen)), bus.clock_s
        )

    def _over_network(self, target: NetworkTarget) -> Method:
        from edge.flash.methods.fastboot import FastbootMethod

        return FastbootMethod(str(target), self._fastboot_options(), *fastboot_port(target))

    def _fastboot_options(self) -> "FastbootOptions":
        from edge.flash.methods.fastboot import FastbootOptions
        from edge.flash.methods.fastboot_back import UbootDisk

        profile = self.profile()
        settings = profile.flash.fastboot
        if settings is None:
            raise _not_so(profile, "fastboot")
        back = settings.read_back
        return FastbootOptions(
            settings.disk,
            settings.product,
            restart=self.options.restart,
            verify=self.block.verify,
            uboot=UbootDisk(f"{back.devtype} {back.devnum:x}", back.load_addr) if back else None,
        )

    def _dfu(self, board: UsbBoard) -> Method:
        from edge.flash.methods.dfu import DfuMethod, DfuOptions

        profile = self.profile()
        settings = profile.flash.dfu
        if settings is None:
            raise _not_so(profile, "dfu")
        options = DfuOptions(settings.place, self.block.verify, self.options.restart)
        return DfuMethod(board.seen.port, options, self.bus())

    def _sdp(self, board: UsbBoard) -> Method:
        from edge.flash.methods.sdp import SdpMethod
        from edge.flash.protocols.sdp_chips import CHIPS

        profile = self.profile()
        settings = profile.flash.sdp
        if settings is None:
            raise _not_so(profile, "sdp")
        chip = CHIPS[board.seen.vendor, board.seen.product].name
        if chip != settings.chip:
            raise _other_chip(board, profile, chip, settings.chip)
        file = required_loader(self.options.loader, board.target)
        return SdpMethod(
            board.seen.port, lambda: loader(file), self._fastboot_options(), self.bus()
        )

    def _ways(self) -> tuple[Way, ...]:
        flash = self.profile().flash
        known = {
            Way.RPIBOOT: flash.rpiboot,
            Way.FASTBOOT: flash.fastboot,
            Way.DFU: flash.dfu,
            Way.SDP: flash.sdp,
        }
        return tuple(way for way, settings in known.items() if settings is not None)


def _serial(bus: Bus, seen: Sighting) -> str:
    """Return the serial number of a device; empty when it does not say."""
    try:
        device = bus.open(seen)
    except EdgeError:
        return ""
    try:
        return device.text(seen.serial_index)
    except EdgeError:
        return ""
    finally:
        device.close()


def required_loader(file: Path | None, target: str) -> Path:
    """Return the file of the boot loader that the ROM at a target wants.

    Raises:
        InputError: None was named.
    """
    if file is None:
        raise InputError(
            f"{target}: its ROM wants a boot loader", hint="--loader flash.bin names it"
        )
    return file


def loader(file: Path) -> bytes:
    """Return a boot loader.

    Raises:
        ThingNotFoundError: It can not be read.
        InputError: It is too large to be one.
    """
    try:
        if file.stat().st_size > _MOST_LOADER_BYTES:
            raise InputError(f"{file}: too large for a boot loader")
        return file.read_bytes()
    except OSError as error:
        raise ThingNotFoundError(f"{file}: {error.strerror}") from error


def _not_so(profile: "Board", way: str) -> InputError:
    return InputError(
        f"board {profile.name}: its profile has no flash.{way}",
        hint="docs/system-file.md has the keys",
    )


def _other_chip(board: UsbBoard, profile: "Board", found: str, wanted: str) -> RefusedError:
    return RefusedError(
        f"{board.target}: it has a {found}, and {profile.name} a {wanted}",
        hint="is it the right --board?",
    )
