"""What a USB dialog is run over, and what can be said of a device before one is begun."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from edge.flash.events import Listener
from edge.flash.protocols.steps import Heard, Tell
from edge.flash.protocols.usb_steps import (
    Ask,
    Order,
    Pause,
    Read,
    Result,
    UsbDialog,
    UsbError,
    UsbStep,
    Write,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of an interface: `address` has 0x80 for input, `kind` 2 for bulk, 3 interrupt."""

    address: int
    kind: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Interface:
    """One setting of an interface of a device.

    Attributes:
        triple: Class, subclass and protocol.
        name_index: Of the string that names it; 0 for none.
        extra: The descriptors of its class, as they are.
    """

    number: int
    setting: int
    triple: tuple[int, int, int]
    name_index: int = 0
    endpoints: tuple[Endpoint, ...] = ()
    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A device that is plugged in.

    Attributes:
        port: Its port path, `1-1.3`: the one name that a board keeps through its stages.
        address: What the bus calls it now; it changes at each stage.
        serial_index: The index of its serial number among its strings.
    """

    port: str
    address: int
    vendor: int
    product: int
    release: int = 0
    serial_index: int = 0
    interfaces: tuple[Interface, ...] = ()

    @property
    def id(self) -> str:
        """Vendor and product as lsusb writes them."""
        return f"{self.vendor:04x}:{self.product:04x}"


class UsbDevice(Protocol):
    """An open device; whoever opened it closes it.

    All raise `UsbStalledError`, `UsbTimeoutError` or `UsbGoneError`.
    """

    sighting: Sighting

    def claim(self, interface: int, setting: int = 0) -> None:
        """Take an interface from the kernel."""

    def text(self, index: int) -> str:
        """Return one of its strings; empty when it has none there."""

    def ask(self, step: Ask) -> bytes:
        """Do a control transfer from the device."""

    def order(self, step: Order) -> None:
        """Do a control transfer to the device."""

    def write(self, step: Write) -> None:
        """Send all of it."""

    def read(self, step: Read) -> bytes:
        """Return what came in one transfer."""

    def reset(self) -> None:
        """Reset it on its port; it is gone for us then."""

    def close(self) -> None:
        """Give it back."""


Sleep = Callable[[float], None]


def run(
    dialog: UsbDialog[Result],
    device: UsbDevice,
    *,
    clock_s: Callable[[], float],
    sleep: Sleep,
    listener: Listener,
) -> Result:
    """Run a dialog to its end and return its result.

    Raises:
        EdgeError: That of the dialog; also one of the device that the dialog let pass.
    """
    try:
        step = next(dialog)
        while True:
            try:
                data = _do(step, device, sleep, listener)
            except UsbError as error:
                step = dialog.throw(error)
            else:
                step = dialog.send(Heard(data, clock_s()))
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        dialog.close()


def _do(step: UsbStep, device: UsbDevice, sleep: Sleep, listener: Listener) -> bytes:
    match step:
        case Ask():
            return device.ask(step)
        case Read():
            return device.read(step)
        case Order():
            device.order(step)
        case Write():
            device.write(step)
        case Pause(time_s):
            sleep(time_s)
        case Tell(event):
            listener(event)
        case _:
            assert_never(step)
    return b""
