"""What the methods over USB share: an open device of a board, and dialogs that are run over it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge.errors import LinkError, ThingNotFoundError
from edge.flash.events import Advance, Listener, Phase
from edge.flash.protocols.steps import Tell
from edge.flash.protocols.usb_steps import Result, UsbDialog
from edge.flash.transports import usb_bus, usb_device
from edge.flash.transports.usb_bus import Bus
from edge.flash.transports.usb_device import Sighting, UsbDevice
from edge.flash.usb_boards import HOW_TO_ENTER
from edge.flash.way import Way


@dataclass(frozen=True, slots=True)
class Session:
    """An open device."""

    device: UsbDevice
    bus: Bus
    listener: Listener

    def run(self, dialog: UsbDialog[Result]) -> Result:
        """Run a dialog to its end."""
        bus = self.bus
        return usb_device.run(
            dialog, self.device, clock_s=bus.clock_s, sleep=bus.sleep, listener=self.listener
        )


@contextmanager
def opened(bus: Bus, seen: Sighting, listener: Listener) -> Iterator[Session]:
    """Open a device until the block ends."""
    device = bus.open(seen)
    try:
        yield Session(device, bus, listener)
    finally:
        device.close()


@dataclass(slots=True)
class Count:
    """How much of a phase is done, as steps that tell it."""

    phase: Phase
    total_bytes: int
    done_bytes: int = 0

    def step(self, length_bytes: int) -> Tell:
        """Return the step that tells of so many bytes more."""
        self.done_bytes += length_bytes
        return Tell(Advance(self.phase, self.done_bytes, self.total_bytes))


def device_at(bus: Bus, port: str, way: Way, wait_s: float) -> Sighting:
    """Return what is plugged in at a port.

    Raises:
        ThingNotFoundError: Nothing is.
    """
    try:
        return usb_bus.wait_for(bus, lambda one: one.port == port, f"usb {port}: a board", wait_s)
    except LinkError as error:
        hint = HOW_TO_ENTER[way]
        raise ThingNotFoundError(f"usb {port}: nothing is plugged in", hint=hint) from error


def next_at(bus: Bus, before: Sighting, what: str, wait_s: float) -> Sighting:
    """Return what a board becomes at its port: another device than before.

    Raises:
        LinkError: It did not come again.
    """
    return usb_bus.wait_for(
        bus,
        lambda seen: seen.port == before.port and seen.address != before.address,
        f"usb {before.port}: {what}",
        wait_s,
    )
