"""Fastboot over USB: each packet is one transfer; the endpoints are those of its interface."""

from typing import Final

from edge.errors import LinkError
from edge.flash.protocols.usb_steps import IN, Read, UsbTimeoutError, Write
from edge.flash.transports.usb_device import Interface, Sighting, UsbDevice

TRIPLE: Final = (0xFF, 0x42, 0x03)
READ_BYTES: Final = 1 << 16  # whole packets of the bus, or the kernel reports an overflow
WRITE_S: Final = 60.0


def interface_of(sighting: Sighting) -> Interface | None:
    """Return the interface that speaks fastboot; None when the device has none."""
    return next((one for one in sighting.interfaces if one.triple == TRIPLE), None)


class FastbootUsb:
    """A port of packets over an open device, which it owns.

    Raises:
        LinkError: The device does not speak fastboot.
    """

    def __init__(self, device: UsbDevice) -> None:
        self._device = device
        found = interface_of(device.sighting)
        ends = [end.address for end in found.endpoints] if found else []
        outs = [end for end in ends if not end & IN]
        ins = [end for end in ends if end & IN]
        if found is None or not outs or not ins:
            raise LinkError(f"usb {device.sighting.port}: it does not speak fastboot")
        device.claim(found.number)
        self._out, self._in = outs[0], ins[0]

    def write(self, data: bytes) -> None:
        """Send a packet."""
        self._device.write(Write(self._out, data, WRITE_S))

    def read(self, timeout_s: float) -> bytes:
        """Return a packet; empty when none came in time."""
        try:
            return self._device.read(Read(self._in, READ_BYTES, timeout_s))
        except UsbTimeoutError:
            return b""

    def set_baud(self, baud: int) -> None:
        """Do nothing: there is none."""

    def fileno(self) -> int:
        """Raise: libusb waits for itself."""
        raise OSError("no file stands for a USB device")

    def close(self) -> None:
        """Give the device back."""
        self._device.close()
