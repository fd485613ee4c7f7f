"""Dialogs over USB: a generator asks for transfers and gets answers, without device and clock.

What goes wrong with a transfer is raised at its step, as a device may say something by it.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, TypeVar

from edge.errors import LinkError
from edge.flash.protocols.steps import Heard, Tell

IN: Final = 0x80
CLASS: Final = 0x20
VENDOR: Final = 0x40
INTERFACE: Final = 0x01


class UsbError(LinkError):
    """A transfer failed."""


class UsbStalledError(UsbError):
    """The device refused the transfer."""


class UsbTimeoutError(UsbError):
    """The device did not take or give anything in time."""


class UsbGoneError(UsbError):
    """The device is not there any more."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A control transfer that returns at most `length_bytes`.

    Attributes:
        kind: bmRequestType; `IN` is added.
        request: bRequest.
        value: wValue.
        index: wIndex.
    """

    kind: int
    request: int
    value: int
    index: int
    length_bytes: int
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Order:
    """A control transfer that brings data to the device."""

    kind: int
    request: int
    value: int
    index: int
    data: bytes = b""
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Write:
    """A bulk or interrupt transfer to an endpoint."""

    endpoint: int
    data: bytes
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Read:
    """A bulk or interrupt transfer from an endpoint, whose number has `IN` set."""

    endpoint: int
    most_bytes: int
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    time_s: float


UsbStep = Ask | Order | Write | Read | Pause | Tell
Result = TypeVar("Result")
UsbDialog = Generator[UsbStep, Heard, Result]
