"""Where an image is to go, as it is said on the command line: `--to TARGET`.

/dev/sdb, /dev/disk/by-id/…    a disk
usb:1-1.2                      the disk, or the Raspberry Pi in USB boot, at that USB port
usb                            the one Raspberry Pi in USB boot
fastboot, dfu, sdp             the one board that waits so on USB
fastboot:1-1.2, dfu:1-1.2 …    the one at that port; fastboot:SERIAL and dfu:SERIAL by its number
fastboot:tcp:HOST[:PORT]       fastboot over TCP, or fastboot:udp:
file:card.img                  a file, made if it is not there
serial:/dev/ttyUSB0            the U-Boot console at that serial port
serial:socket:HOST:PORT        the same over TCP, serial:unix:PATH over a socket in a file
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from edge.errors import InputError
from edge.flash.way import Way

AUTO: Final = "auto"
FASTBOOT_PORT: Final = 5554
_PORT: Final = re.compile(r"\d+-\d+(\.\d+)*")
_HOST: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:(?P<port>\d{1,5}))?")
_HINT: Final = "like /dev/sdb, usb:1-1.2, fastboot, file:card.img or serial:/dev/ttyUSB0"
_WAYS: Final = {"usb": Way.RPIBOOT, "fastboot": Way.FASTBOOT, "dfu": Way.DFU, "sdp": Way.SDP}


@dataclass(frozen=True, slots=True)
class DiskTarget:
    """A disk by its device file, or a link to it."""

    path: str


@dataclass(frozen=True, slots=True)
class PortTarget:
    """The disk, or the board that becomes one, at a USB port such as `1-1.2`."""

    port: str


@dataclass(frozen=True, slots=True)
class BoardTarget:
    """A board that waits on USB: at a port, of a serial number, or the only one."""

    way: Way
    port: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkTarget:
    """A board with fastboot over `tcp` or `udp`."""

    kind: str
    host: str
    port: int = FASTBOOT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"fastboot:{self.kind}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file."""

    path: str


@dataclass(frozen=True, slots=True)
class SerialTarget:
    """A console; `place` is what comes after `serial:`."""

    place: str


Target = DiskTarget | PortTarget | BoardTarget | NetworkTarget | FileTarget | SerialTarget


def parse(text: str, *, option: str = "--to") -> Target:
    """Return what a target on the command line means; `option` is what named it.

    Raises:
        InputError: It means nothing.
    """
    kind, colon, rest = text.partition(":")
    match (kind, rest):
        case ("usb", port) if _PORT.fullmatch(port):
            return PortTarget(port)
        case ("file", path) if path:
            return FileTarget(path)
        case ("serial", place) if place:
            return SerialTarget(place)
    said = f"{option} {text!r}"
    if kind in _WAYS and (found := _board(said, _WAYS[kind], rest if colon else None)):
        return found
    if PurePosixPath(text).is_relative_to("/dev"):
        return DiskTarget(text)
    if not colon and text:
        raise InputError(f"{said}: not a device file", hint=f"for a file: {option} file:{text}")
    raise InputError(f"{said} is not a target", hint=_HINT)


def _board(said: str, way: Way, rest: str | None) -> BoardTarget | NetworkTarget | None:
    """Return the board that is meant; `rest` is what comes behind the way and a colon."""
    if rest is None:
        return BoardTarget(way)
    if _PORT.fullmatch(rest):
        return BoardTarget(way, port=rest)
    kind, colon, place = rest.partition(":")
    if way is Way.FASTBOOT and colon and kind in ("tcp", "udp"):
        return _network(said, kind, place)
    if way in (Way.FASTBOOT, Way.DFU) and rest.isascii() and rest.isprintable() and rest.strip():
        return BoardTarget(way, serial=rest)
    return None


def _network(said: str, kind: str, place: str) -> NetworkTarget:
    found = _HOST.fullmatch(place)
    port = int(found["port"] or FASTBOOT_PORT) if found else 0
    if found is None or not 0 < port < 1 << 16:
        raise InputError(f"{said}: no host behind {kind}:", hint="like fastboot:tcp:10.0.0.7")
    return NetworkTarget(kind, found["host"].strip("[]"), port)
