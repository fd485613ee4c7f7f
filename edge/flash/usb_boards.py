"""Which boards wait on USB to be flashed, and how: told by what they say of themselves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from edge.errors import RefusedError, ThingNotFoundError
from edge.flash.protocols import dfu, rpiboot, sdp_chips
from edge.flash.protocols.rpiboot import Chip
from edge.flash.transports import fastboot_usb
from edge.flash.transports.usb_bus import Bus
from edge.flash.transports.usb_device import Interface, Sighting
from edge.flash.way import Way

LIST_HINT: Final = "see what is here: edge flash list"


HOW_TO_ENTER: Final = {
    Way.RPIBOOT: "hold its boot button or set the jumper nRPIBOOT, and connect its USB port",
    Way.FASTBOOT: "start fastboot on it: fastboot usb 0 at the prompt of its U-Boot",
    Way.DFU: "start DFU on it: dfu 0 mmc 0 at the prompt of its U-Boot",
    Way.SDP: "set its boot switches to serial download, and connect its USB port",
}


@dataclass(frozen=True, slots=True)
class UsbBoard:
    """A board that waits.

    Attributes:
        seen: Where it is, and what it says of itself.
        way: How to speak to it.
        what: What it is, for people.
        to_do: What it waits for; empty when it takes an image as it is.
        is_running: Its system runs, and lets itself be sent to DFU: it is taken only when it is
            named, as keyboards and cameras say this too.
    """

    seen: Sighting
    way: Way
    what: str
    to_do: str = ""
    is_running: bool = False

    @property
    def target(self) -> str:
        """What to call it behind `--to`."""
        return (
            f"usb:{self.seen.port}" if self.way is Way.RPIBOOT else f"{self.way}:{self.seen.port}"
        )


def recognised(seen: Sighting) -> UsbBoard | None:
    """Return what a device is, if it is a board that waits."""
    if seen.vendor == rpiboot.VENDOR_ID and (chip := rpiboot.CHIPS.get(seen.product)):
        return _raspberry_pi(seen, chip)
    if sdp_chip := sdp_chips.CHIPS.get((seen.vendor, seen.product)):
        to_do = "wants a boot loader: --loader"
        return UsbBoard(seen, Way.SDP, f"{sdp_chip.name}, boot ROM", to_do)
    if fastboot_usb.interface_of(seen):
        return UsbBoard(seen, Way.FASTBOOT, "boot loader with fastboot")
    if dfu_interfaces(seen):
        return UsbBoard(seen, Way.DFU, "boot loader with DFU")
    if dfu_interfaces(seen, dfu.RUNTIME):
        to_do = "runs: it leaves its system when it is named by its port"
        return UsbBoard(seen, Way.DFU, "device that can be sent to DFU", to_do, is_running=True)
    return None


def _raspberry_pi(seen: Sighting, chip: Chip) -> UsbBoard:
    stage, to_do = "second stage", "waits for the files of its second stage: --boot-files"
    if rpiboot.is_rom(seen.serial_index):
        stage, to_do = "boot ROM", f"wants {chip.second_stage} and its files: --boot-files"
    return UsbBoard(seen, Way.RPIBOOT, f"Raspberry Pi, BCM{chip.name}, {stage}", to_do)


def dfu_interfaces(seen: Sighting, mode: int = dfu.MODE) -> tuple[Interface, ...]:
    """Return the settings of a device that are in the mode of DFU, or in `dfu.RUNTIME`."""
    wanted = (dfu.APPLICATION_CLASS, dfu.SUBCLASS, mode)
    return tuple(one for one in seen.interfaces if one.triple == wanted)


def boards(bus: Bus) -> list[UsbBoard]:
    """Return the boards that wait, by port."""
    found = (recognised(seen) for seen in bus.sightings())
    return [one for one in found if one is not None]


def only_one(found: Iterable[UsbBoard], way: Way) -> UsbBoard:
    """Return the one board that waits so.

    Raises:
        ThingNotFoundError: There is none.
        RefusedError: There are several.
    """
    there = [one for one in found if one.way is way]
    fitting = [one for one in there if not one.is_running]
    if not fitting:
        hint = f"--to {there[0].target} means {there[0].what}" if there else HOW_TO_ENTER[way]
        raise ThingNotFoundError(f"no board waits for {way} on USB", hint=hint)
    if len(fitting) > 1:
        names = ", ".join(one.target for one in fitting)
        raise RefusedError(
            f"{len(fitting)} boards wait for {way}: {names}", hint="say which: --to, or --all"
        )
    return fitting[0]


def at_port(found: Iterable[UsbBoard], port: str, way: Way) -> UsbBoard:
    """Return the board at a port.

    Raises:
        ThingNotFoundError: None waits there, or for something else.
    """
    for one in found:
        if one.seen.port == port:
            if one.way is not way:
                raise ThingNotFoundError(
                    f"usb {port}: {one.what} does not speak {way}", hint=f"--to {one.target}"
                )
            return one
    raise ThingNotFoundError(f"usb {port}: no board waits there", hint=HOW_TO_ENTER[way])


def with_serial(
    found: Iterable[UsbBoard], serial: str, way: Way, serial_of: Callable[[Sighting], str]
) -> UsbBoard:
    """Return the board with a serial number.

    Raises:
        ThingNotFoundError: There is none.
        RefusedError: There are several: cheap boards share one.
    """
    fitting = [one for one in found if one.way is way and serial_of(one.seen) == serial]
    if not fitting:
        raise ThingNotFoundError(f"no board with the serial number {serial} waits", hint=LIST_HINT)
    if len(fitting) > 1:
        names = ", ".join(one.target for one in fitting)
        raise RefusedError(f"{names} have the serial number {serial}", hint="say which by its port")
    return fitting[0]
