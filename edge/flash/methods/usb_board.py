"""What the methods over USB share: an open device of a board, and dialogs that are run over it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge.flash.events import Listener
from edge.flash.protocols.usb_steps import Result, UsbDialog
from edge.flash.transports import usb_bus, usb_device
from edge.flash.transports.usb_bus import Bus
from edge.flash.transports.usb_device import Sighting, UsbDevice


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
