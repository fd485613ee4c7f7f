"""The USB ports of this machine, by libusb: what is plugged in, opened by the path of its port.

The libusb is the one of libusb-package, which is told of changes by the kernel itself: the list of
one that asks udev goes stale where no udev runs.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from edge.errors import EdgeError, LinkError, ThingNotFoundError
from edge.flash import udev
from edge.flash.protocols.usb_steps import (
    IN,
    Ask,
    Order,
    Read,
    UsbError,
    UsbGoneError,
    UsbStalledError,
    UsbTimeoutError,
    Write,
)
from edge.flash.transports.usb_device import Endpoint, Interface, Sighting, UsbDevice

if TYPE_CHECKING:
    import usb.core

LOOK_EVERY_S: Final = 0.05
_FRESH_S: Final = 0.04
# Values of errno, as libusb's errors are given by pyusb.
_GONE: Final = (19, 5)  # ENODEV, EIO
_STALLED: Final = 32  # EPIPE
_TIMED_OUT: Final = 110  # ETIMEDOUT
_DENIED: Final = 13  # EACCES
_BUSY: Final = 16  # EBUSY
_SCATTER_BYTES: Final = 1 << 18  # one transfer; the kernel holds all of it in memory


class Bus(Protocol):
    """What has ports with devices."""

    def sightings(self) -> list[Sighting]:
        """Return what is plugged in, in the order of the ports."""

    def open(self, sighting: Sighting) -> UsbDevice:
        """Open a device.

        Raises:
            UsbGoneError: It is not there any more.
            RefusedError: This user may not open it.
        """

    def clock_s(self) -> float:
        """Return seconds on a clock that only goes forward."""

    def sleep(self, time_s: float) -> None:
        """Wait."""


def wait_for(bus: Bus, wanted: Callable[[Sighting], bool], what: str, wait_s: float) -> Sighting:
    """Return the first device that is wanted, as soon as it is there.

    Args:
        bus: Where to look.
        wanted: Says of a device whether it is the one.
        what: What to call it in the error.
        wait_s: How long to wait.

    Raises:
        LinkError: It did not come.
    """
    deadline_s = bus.clock_s() + wait_s
    while True:
        for seen in bus.sightings():
            if wanted(seen):
                return seen
        if bus.clock_s() >= deadline_s:
            raise LinkError(f"{what} did not come in {wait_s:.0f} s")
        bus.sleep(LOOK_EVERY_S)


class LibusbBus:
    """The ports of this machine; many threads may look at once.

    Raises:
        ThingNotFoundError: pyusb or libusb is missing.
    """

    def __init__(self) -> None:
        try:
            import libusb_package
            import usb.backend.libusb1
            import usb.core
        except ImportError as error:
            raise ThingNotFoundError(
                f"USB needs a package that is missing: {error.name}",
                hint="install Edge with its extra: pip install 'edge-os[usb]'",
            ) from error
        self._usb: Any = usb
        self._backend = usb.backend.libusb1.get_backend(find_library=libusb_package.find_library)
        if self._backend is None:
            raise ThingNotFoundError("libusb can not be loaded")
        self._looking = threading.Lock()
        self._looked_s = -_FRESH_S
        self._seen: list[Sighting] = []

    def sightings(self) -> list[Sighting]:
        """Return what is plugged in; those that wait for boards at the same time look once."""
        with self._looking:
            if self.clock_s() - self._looked_s >= _FRESH_S:
                self._looked_s = self.clock_s()
                found = [seen for seen, _device in self._devices()]
                self._seen = sorted(found, key=lambda seen: seen.port)
            return list(self._seen)

    def open(self, sighting: Sighting) -> UsbDevice:
        """Open a device."""
        for seen, device in self._devices():
            if (seen.port, seen.address) == (sighting.port, sighting.address):
                return _Opened(self._usb, device, seen)
        raise UsbGoneError(f"usb {sighting.port}: {sighting.id} is not there any more")

    def clock_s(self) -> float:
        """Return the time."""
        return time.monotonic()

    def sleep(self, time_s: float) -> None:
        """Wait."""
        time.sleep(time_s)

    def _devices(self) -> "Iterator[tuple[Sighting, usb.core.Device]]":
        for device in self._usb.core.find(find_all=True, backend=self._backend):
            with contextlib.suppress(self._usb.core.USBError):  # gone while we looked
                if (seen := _sighting(device)) is not None:
                    yield seen, device


class _Opened:
    """See `UsbDevice`."""

    def __init__(self, usb: Any, device: "usb.core.Device", sighting: Sighting) -> None:
        self._usb = usb
        self._device = device
        self.sighting = sighting
        self._claimed: set[int] = set()

    def claim(self, interface: int, setting: int = 0) -> None:
        """Take an interface from the kernel."""
        with self._errors():
            if interface not in self._claimed:
                with contextlib.suppress(NotImplementedError):  # other systems have no such thing
                    if self._device.is_kernel_driver_active(interface):
                        self._device.detach_kernel_driver(interface)
                self._usb.util.claim_interface(self._device, interface)
                self._claimed.add(interface)
            if setting:
                self._device.set_interface_altsetting(interface, setting)

    def text(self, index: int) -> str:
        """Return a string."""
        if not index:
            return ""
        try:
            with self._errors():
                return str(self._usb.util.get_string(self._device, index) or "")
        except (UsbStalledError, ValueError):
            return ""

    def ask(self, step: Ask) -> bytes:
        """Do a control transfer from the device."""
        words = (step.kind | IN, step.request, step.value, step.index, step.length_bytes)
        with self._errors():
            return bytes(self._device.ctrl_transfer(*words, timeout=_ms(step.timeout_s)))

    def order(self, step: Order) -> None:
        """Do a control transfer to the device."""
        words = (step.kind, step.request, step.value, step.index, step.data)
        with self._errors():
            sent = self._device.ctrl_transfer(*words, timeout=_ms(step.timeout_s))
        self._require_all(sent, step.data)

    def write(self, step: Write) -> None:
        """Send all of it."""
        with self._errors():
            for start in range(0, len(step.data), _SCATTER_BYTES):
                piece = step.data[start : start + _SCATTER_BYTES]
                sent = self._device.write(step.endpoint, piece, timeout=_ms(step.timeout_s))
                self._require_all(sent, piece)

    def read(self, step: Read) -> bytes:
        """Return what came in one transfer."""
        with self._errors():
            data = self._device.read(step.endpoint, step.most_bytes, timeout=_ms(step.timeout_s))
        return bytes(data)

    def reset(self) -> None:
        """Reset it on its port."""
        with contextlib.suppress(UsbGoneError), self._errors():
            self._device.reset()

    def close(self) -> None:
        """Give it back."""
        with contextlib.suppress(self._usb.core.USBError):
            self._usb.util.dispose_resources(self._device)

    def _require_all(self, sent: int, data: bytes) -> None:
        if sent != len(data):
            raise UsbTimeoutError(f"{self._name}: it took {sent} of {len(data)} bytes")

    @property
    def _name(self) -> str:
        return f"usb {self.sighting.port}"

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._usb.core.USBError as error:
            raise self._named(error) from error

    def _named(self, error: "usb.core.USBError") -> EdgeError:
        if error.errno in _GONE:
            return UsbGoneError(f"{self._name}: it went away")
        if error.errno == _STALLED:
            return UsbStalledError(f"{self._name}: it refused a transfer")
        if error.errno == _TIMED_OUT:
            return UsbTimeoutError(f"{self._name}: it did not answer in time")
        if error.errno == _DENIED:
            return udev.without_rights(self._name)
        if error.errno == _BUSY:
            return LinkError(
                f"{self._name}: another program has it", hint="is another flashing tool running?"
            )
        return UsbError(f"{self._name}: {error.strerror or error}")


def _sighting(device: "usb.core.Device") -> Sighting | None:
    ports = device.port_numbers
    if not ports:  # a root hub
        return None
    return Sighting(
        f"{device.bus}-{'.'.join(str(number) for number in ports)}",
        device.address,
        device.idVendor,
        device.idProduct,
        device.bcdDevice,
        device.iSerialNumber,
        tuple(
            Interface(
                one.bInterfaceNumber,
                one.bAlternateSetting,
                (one.bInterfaceClass, one.bInterfaceSubClass, one.bInterfaceProtocol),
                one.iInterface,
                tuple(
                    Endpoint(end.bEndpointAddress, end.bmAttributes & 3, end.wMaxPacketSize)
                    for end in one
                ),
                bytes(one.extra_descriptors),
            )
            for configuration in device
            for one in configuration
        ),
    )


def _ms(time_s: float) -> int:
    return max(int(time_s * 1000), 1)
