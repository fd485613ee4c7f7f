"""Which serial ports this machine has now."""

from dataclasses import dataclass

from serial.tools import list_ports


@dataclass(frozen=True, slots=True)
class FoundPort:
    """A serial port: its path, what it is, and what tells two of a kind apart."""

    path: str
    what: str
    usb_id: str | None = None
    serial_number: str | None = None
    location: str | None = None


def found_ports() -> list[FoundPort]:
    """Return the serial ports, USB adapters first."""
    found = [
        FoundPort(
            port.device,
            port.description if port.description != "n/a" else "",
            f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None else None,
            port.serial_number,
            port.location,
        )
        for port in list_ports.comports()
    ]
    return sorted(found, key=lambda port: (port.usb_id is None, port.path))
