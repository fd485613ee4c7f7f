"""The method `sdp`: the ROM of an i.MX starts a boot loader, which is then flashed by fastboot."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.errors import InputError, LinkError, ThingNotFoundError
from edge.flash.events import Advance, Listener, Note, Phase, Report
from edge.flash.methods.fastboot import FastbootMethod, FastbootOptions
from edge.flash.methods.usb_board import Count, Session, device_at, next_at, opened
from edge.flash.protocols import sdp, sdp_chips
from edge.flash.protocols.sdp import Link
from edge.flash.protocols.usb_steps import IN
from edge.flash.sources.source import Source
from edge.flash.transports import fastboot_usb
from edge.flash.transports.fastboot_usb import FastbootUsb
from edge.flash.transports.usb_bus import Bus
from edge.flash.transports.usb_device import Sighting
from edge.flash.usb_boards import HOW_TO_ENTER
from edge.flash.way import Way

BOARD_S: Final = 2.0
LOADER_S: Final = 30.0
HID: Final = 3


@dataclass(frozen=True, slots=True)
class SdpMethod:
    """One board in the serial download mode of its ROM.

    Attributes:
        port: Its port path.
        loader: The boot loader.
        options: Of fastboot, which the boot loader speaks.
        bus: Where it is.
        wait_s: How long to wait until it is there.
    """

    port: str
    loader: Callable[[], bytes]
    options: FastbootOptions
    bus: Bus
    wait_s: float = BOARD_S

    @property
    def target(self) -> str:
        """What to call it."""
        return f"sdp:{self.port}"

    def flash(self, source: Source, listener: Listener) -> Report:
        """Write the image; see `Method.flash`."""
        return self._fastboot(listener).flash(source, listener)

    def verify(self, source: Source, listener: Listener) -> Report:
        """Refuse; see `Method.verify`."""
        return self._fastboot(listener).verify(source, listener)

    def start(self, listener: Listener) -> Sighting:
        """Start the boot loader, and return what the board is then.

        Raises:
            ThingNotFoundError: No board is there.
            InputError: The boot loader is none for it.
            LinkError: It did not start.
        """
        listener(Advance(Phase.CONNECT, 0, 1))
        seen = self._board()
        chip = sdp_chips.CHIPS[seen.vendor, seen.product]
        code = self.loader()
        listener(Note(Phase.CONNECT, f"{chip.name}: {len(code)} bytes of boot loader to its ROM"))
        sent = Count(Phase.CONNECT, len(code))
        with opened(self.bus, seen, listener) as session:
            session.run(sdp.boot(_claimed(session), chip, code, sent.step))
        return self._loader_at_port(seen)

    def _loader_at_port(self, rom: Sighting) -> Sighting:
        seen = next_at(self.bus, rom, "the boot loader", LOADER_S)
        if fastboot_usb.interface_of(seen):
            return seen
        raise LinkError(
            f"{self.target}: the boot loader is {seen.id} and does not speak fastboot",
            hint="build it with CONFIG_USB_FUNCTION_FASTBOOT, and have it start by itself",
        )

    def _fastboot(self, listener: Listener) -> FastbootMethod:
        seen = self.start(listener)
        clock_s = self.bus.clock_s
        return FastbootMethod(
            self.target, self.options, lambda: FastbootUsb(self.bus.open(seen)), clock_s
        )

    def _board(self) -> Sighting:
        seen = device_at(self.bus, self.port, Way.SDP, self.wait_s)
        if (seen.vendor, seen.product) not in sdp_chips.CHIPS:
            raise ThingNotFoundError(
                f"{self.target}: {seen.id} is no ROM of an i.MX",
                hint=HOW_TO_ENTER[Way.SDP],
            )
        return seen


def _claimed(session: Session) -> Link:
    """Take the interface for reports.

    Raises:
        InputError: The device has none.
    """
    for one in session.device.sighting.interfaces:
        ends = [end.address for end in one.endpoints]
        ins = [end & ~IN for end in ends if end & IN]
        outs = [end for end in ends if not end & IN]
        if one.triple[0] == HID and ins:
            session.device.claim(one.number)
            return Link(one.number, ins[0], outs[0] if outs else None)
    raise InputError("the board takes no reports")
