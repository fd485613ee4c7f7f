"""What a board on USB is to a host: descriptors, control transfers, endpoints."""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.flash.transports.usb_device import Interface

DEVICE, CONFIGURATION, STRING = 1, 2, 3


@dataclass
class Gadget:
    """A device that answers; boards are made of it.

    Attributes:
        strings: By index.
        waiting: What each endpoint will give, in order.
        plugged: Called with the gadget that takes this one's place; None: the port stays empty.
    """

    vendor: int
    product: int
    interfaces: tuple[Interface, ...]
    release: int = 0
    strings: dict[int, str] = field(default_factory=dict)
    serial_index: int = 0
    waiting: dict[int, deque[bytes]] = field(default_factory=dict)
    plugged: Callable[["Gadget | None"], None] = lambda _next: None

    def control(
        self, kind: int, request: int, value: int, index: int, data: bytes, n: int
    ) -> bytes | None:
        """Answer a control transfer that is not of the bus itself; None stalls."""
        return None

    def take(self, endpoint: int, data: bytes) -> bool:
        """Take one transfer; False stalls."""
        return False

    def give(self, endpoint: int) -> bytes | None:
        """Return what an endpoint has to give; None: not yet."""
        queue = self.waiting.get(endpoint)
        return queue.popleft() if queue else None

    def say(self, endpoint: int, data: bytes) -> None:
        """Have an endpoint give this next."""
        self.waiting.setdefault(endpoint, deque()).append(data)

    def reset(self) -> None:
        """The host resets the port."""

    def device_descriptor(self) -> bytes:
        """Return it (USB 2.0, table 9-8)."""
        return struct.pack(
            "<BBHBBBBHHHBBBB",
            *(18, DEVICE, 0x200, 0, 0, 0, 64, self.vendor, self.product, self.release),
            *(1 if 1 in self.strings else 0, 2 if 2 in self.strings else 0, self.serial_index, 1),
        )

    def configuration(self) -> bytes:
        """Return the configuration with all that is in it (table 9-10)."""
        body = b"".join(_interface(one) for one in self.interfaces)
        count = len({one.number for one in self.interfaces})
        return (
            struct.pack("<BBHBBBBB", 9, CONFIGURATION, 9 + len(body), count, 1, 0, 0x80, 250) + body
        )


def _interface(one: Interface) -> bytes:
    head = bytes([9, 4, one.number, one.setting, len(one.endpoints), *one.triple, one.name_index])
    ends = b"".join(
        struct.pack("<BBBBHB", 7, 5, end.address, end.kind, end.most_bytes, int(end.kind == 3))
        for end in one.endpoints
    )
    return head + one.extra + ends
