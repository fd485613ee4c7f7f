"""A bus of this process: gadgets at ports, opened without a kernel, on a clock of the test."""

from collections.abc import Callable
from dataclasses import dataclass, field

from edge.flash.protocols.steps import Heard
from edge.flash.protocols.usb_steps import (
    IN,
    Ask,
    Order,
    Read,
    Result,
    UsbDialog,
    UsbError,
    UsbGoneError,
    UsbStalledError,
    UsbTimeoutError,
    Write,
)
from edge.flash.transports import usb_device
from edge.flash.transports.usb_device import Sighting
from tests.fakes.usb.gadget import Gadget

SET_INTERFACE = 11


@dataclass
class Bus:
    """Ports and what is plugged in there.

    Attributes:
        now_s: The clock; sleeping moves it.
        spoil: Called before each transfer with its number; what it raises is what happens.
    """

    now_s: float = 0.0
    spoil: Callable[[int], None] = lambda _number: None
    transfers: int = 0
    _at: dict[str, Gadget] = field(default_factory=dict)
    _addresses: dict[str, int] = field(default_factory=dict)

    def plug(self, port: str, gadget: Gadget | None) -> None:
        """Put a gadget at a port in place of what was there."""
        self._addresses[port] = self._addresses.get(port, 0) + 1
        self._at.pop(port, None)
        if gadget is not None:
            gadget.plugged = lambda other: self.plug(port, other)
            self._at[port] = gadget

    def sightings(self) -> list[Sighting]:
        """Return what is plugged in."""
        return [self._seen(port, gadget) for port, gadget in sorted(self._at.items())]

    def open(self, sighting: Sighting) -> "Opened":
        """Open a device.

        Raises:
            UsbGoneError: It is not there any more.
        """
        gadget = self._at.get(sighting.port)
        if gadget is None or self._addresses[sighting.port] != sighting.address:
            raise UsbGoneError(f"usb {sighting.port}: it is gone")
        return Opened(self, sighting, gadget)

    def is_there(self, gadget: Gadget) -> bool:
        """Return whether a gadget is still plugged in."""
        return any(one is gadget for one in self._at.values())

    def clock_s(self) -> float:
        """Return the time."""
        return self.now_s

    def sleep(self, time_s: float) -> None:
        """Let time pass."""
        self.now_s += time_s

    def _seen(self, port: str, gadget: Gadget) -> Sighting:
        return Sighting(
            port,
            self._addresses[port],
            gadget.vendor,
            gadget.product,
            gadget.release,
            gadget.serial_index,
            gadget.interfaces,
        )


def run(bus: Bus, dialog: UsbDialog[Result]) -> Result:
    """Run a dialog over the first device of a bus."""
    device = bus.open(bus.sightings()[0])
    return usb_device.run(
        dialog, device, clock_s=bus.clock_s, sleep=bus.sleep, listener=lambda _event: None
    )


def answered(dialog: UsbDialog[Result], replies: list[bytes], end: UsbError) -> Result:
    """Answer each question of a dialog with the next of these, and with an error behind them."""
    coming = iter(replies)
    step = next(dialog)
    while True:
        try:
            reply = next(coming, None) if isinstance(step, Ask) else b""
            step = dialog.throw(end) if reply is None else dialog.send(Heard(reply, 0.0))
        except StopIteration as ended:
            result: Result = ended.value
            return result


@dataclass
class Opened:
    """An open gadget; see `UsbDevice`."""

    bus: Bus
    sighting: Sighting
    gadget: Gadget
    claimed: list[tuple[int, int]] = field(default_factory=list)
    is_closed: bool = False

    def claim(self, interface: int, setting: int = 0) -> None:
        """Take an interface."""
        self.claimed.append((interface, setting))
        if setting:
            self.gadget.control(0x01, SET_INTERFACE, setting, interface, b"", 0)

    def text(self, index: int) -> str:
        """Return a string."""
        return self.gadget.strings.get(index, "")

    def ask(self, step: Ask) -> bytes:
        """Do a control transfer from the device."""
        self._begin()
        n = step.length_bytes
        found = self.gadget.control(step.kind | IN, step.request, step.value, step.index, b"", n)
        if found is None:
            raise UsbStalledError("stalled")
        return found[:n]

    def order(self, step: Order) -> None:
        """Do a control transfer to the device."""
        self._begin()
        n = len(step.data)
        if (
            self.gadget.control(step.kind, step.request, step.value, step.index, step.data, n)
            is None
        ):
            raise UsbStalledError("stalled")

    def write(self, step: Write) -> None:
        """Send a transfer."""
        self._begin()
        if not self.gadget.take(step.endpoint, step.data):
            raise UsbStalledError("stalled")

    def read(self, step: Read) -> bytes:
        """Return a transfer."""
        self._begin()
        data = self.gadget.give(step.endpoint)
        if data is None:
            self.bus.sleep(step.timeout_s)
            self._require()
            raise UsbTimeoutError(f"nothing came in {step.timeout_s} s")
        return data[: step.most_bytes]

    def reset(self) -> None:
        """Reset it on its port."""
        self._begin()
        self.gadget.reset()

    def close(self) -> None:
        """Give it back."""
        self.is_closed = True

    def _begin(self) -> None:
        self.bus.transfers += 1
        self._require()
        self.bus.spoil(self.bus.transfers)
        self._require()

    def _require(self) -> None:
        if not self.bus.is_there(self.gadget):
            raise UsbGoneError("it is gone")
