"""Where an image is to go, as it is said on the command line: `--to TARGET`.

/dev/sdb, /dev/disk/by-id/…    a disk
usb:1-1.2                      the disk at that USB port
file:card.img                  a file, made if it is not there
serial:/dev/ttyUSB0            the U-Boot console at that serial port
serial:socket:HOST:PORT        the same over TCP, serial:unix:PATH over a socket in a file
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from edge.errors import InputError

AUTO: Final = "auto"
_PORT: Final = re.compile(r"\d+-\d+(\.\d+)*")
_HINT: Final = "like /dev/sdb, usb:1-1.2, file:card.img or serial:/dev/ttyUSB0"


@dataclass(frozen=True, slots=True)
class DiskTarget:
    """A disk by its device file, or a link to it."""

    path: str


@dataclass(frozen=True, slots=True)
class PortTarget:
    """The disk at a USB port such as `1-1.2`."""

    port: str


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file."""

    path: str


@dataclass(frozen=True, slots=True)
class SerialTarget:
    """A console; `place` is what comes after `serial:`."""

    place: str


Target = DiskTarget | PortTarget | FileTarget | SerialTarget


def parse(text: str) -> Target:
    """Return what a target on the command line means.

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
    if PurePosixPath(text).is_relative_to("/dev"):
        return DiskTarget(text)
    if not colon and text:
        raise InputError(f"--to {text!r}: not a device file", hint=f"for a file: --to file:{text}")
    raise InputError(f"--to {text!r} is not a target", hint=_HINT)
