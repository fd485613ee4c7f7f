"""The words after `serial:`: which port, at which rate. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from edge.errors import InputError

SCHEME: Final = "serial:"
BAUDS: Final = range(50, 4_000_001)
_HINT: Final = "like serial:/dev/ttyUSB0,115200, serial:socket:HOST:PORT or serial:unix:PATH"


@dataclass(frozen=True, slots=True)
class TtyAddress:
    """A serial port of this machine, or what pyserial opens by URL (`rfc2217://HOST:PORT`)."""

    path: str
    baud: int | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.path}" + (f",{self.baud}" if self.baud else "")


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """A TCP port that leads to a serial line as it is: a terminal server, or QEMU."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{SCHEME}socket:{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system that leads to a serial line: QEMU."""

    path: str

    def __str__(self) -> str:
        return f"{SCHEME}unix:{self.path}"


PortAddress = TtyAddress | SocketAddress | UnixAddress


def parse(text: str) -> PortAddress:
    """Return the port that a text names, with or without `serial:` ahead.

    Raises:
        InputError: It names none.
    """
    words = text.removeprefix(SCHEME)
    if words.startswith("socket:"):
        found = re.fullmatch(r"socket:(.+):(\d{1,5})", words)
        if not found or not 0 < int(found[2]) < 1 << 16:
            raise InputError(f"{text}: not HOST:PORT behind socket:", hint=_HINT)
        return SocketAddress(found[1].strip("[]"), int(found[2]))
    if words.startswith("unix:"):
        if words == "unix:":
            raise InputError(f"{text}: no path behind unix:", hint=_HINT)
        return UnixAddress(words.removeprefix("unix:"))
    path, comma, baud = words.partition(",")
    if not path or (comma and not (baud.isascii() and baud.isdigit() and int(baud) in BAUDS)):
        raise InputError(f"{text}: no serial port, or no rate behind the comma", hint=_HINT)
    return TtyAddress(path, int(baud) if baud else None)
