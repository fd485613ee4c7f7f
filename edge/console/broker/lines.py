"""What Mosquitto's log says that we act on.

A name in it is as the client wrote it, so a line proves nothing: it only leads to throwing out who
is not to be there anyway.

Source: handle__connect, loop.c of Mosquitto 2.0.
"""

import logging
import re
from dataclasses import dataclass
from typing import Final

RUNNING: Final = re.compile(r"mosquitto version \S+ running")
RELOADING: Final = "Reloading config."
_CONNECTED: Final = re.compile(
    r"New client connected from \S+ as (?P<client>.*) "
    r"\(p[0-9]+, c[01], k[0-9]+(?:, u'(?P<user>.*)')?\)\."
)
# What one client did wrong is no trouble of the broker: anybody can make such lines.
_TROUBLE: Final = re.compile(r"Error|Warning")
# The rule for all devices is meant, and who runs the console knows as whom.
_MEANT: Final = re.compile(r"Warning: (?:ACL pattern 'edge/v1/all/|Mosquitto should not be run as)")


@dataclass(frozen=True, slots=True)
class Connected:
    """A client was let in.

    Attributes:
        client: Its client id.
        user: Of its certificate; that of devices is their client id.
    """

    client: str
    user: str


@dataclass(frozen=True, slots=True)
class Running:
    """The broker takes connections."""


@dataclass(frozen=True, slots=True)
class Reloading:
    """The broker reads its files again, before anything else."""


Line = Connected | Running | Reloading


def read(line: str) -> Line | None:
    """Return what a line says, None if it is only to be told."""
    if RUNNING.search(line):
        return Running()
    if line == RELOADING:
        return Reloading()
    connected = _CONNECTED.fullmatch(line)
    return Connected(connected["client"], connected["user"] or "") if connected else None


def level(line: str) -> int:
    """Return how a line is logged."""
    if _MEANT.match(line):
        return logging.INFO
    return logging.WARNING if _TROUBLE.match(line) else logging.DEBUG
