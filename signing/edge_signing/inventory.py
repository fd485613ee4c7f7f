"""What a device says of itself when it is asked: its services, slots, memory, disk, addresses."""

import re
from dataclasses import asdict, dataclass
from typing import Final, Literal

from edge_signing import canonical
from edge_signing.commands import SERVICE
from edge_signing.errors import FormatError
from edge_signing.fields import Fields

FORMAT: Final = 1
MOST_BYTES: Final = 256 << 10
ServiceState = Literal["ready", "starting", "restarting", "stopped"]
STATES: Final[tuple[ServiceState, ...]] = ("ready", "starting", "restarting", "stopped")
_SLOT: Final = re.compile(r"[ab]?")
_VERSION: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._+:~-]{0,127})?")
_KERNEL: Final = re.compile(r"[!-~]{0,128}")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:-]{0,31} [0-9a-f.:]{2,45}")
_PROGRAM_MOST: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a device.

    Attributes:
        version: Of its image; empty if nobody knows.
        pid: 0 while it does not run.
        age_s: Since its state changed last.
        restarts: How often it ended by itself since the start of the system.
    """

    name: str
    state: ServiceState
    version: str = ""
    pid: int = 0
    age_s: int = 0
    restarts: int = 0

    @classmethod
    def take(cls, fields: Fields) -> "Service":
        """Return the service whose fields these are.

        Raises:
            FormatError: They are others.
        """
        return cls(
            name=fields.text("name", SERVICE),
            state=fields.one_of("state", STATES),
            version=fields.text("version", _VERSION),
            pid=fields.integer("pid", most=_PROGRAM_MOST),
            age_s=fields.integer("age_s"),
            restarts=fields.integer("restarts"),
        )


@dataclass(frozen=True, slots=True)
class Inventory:
    """How a device is, at one time.

    Attributes:
        slot: The one that runs.
        order: The slots in the order in which they are tried.
        version: Of the system that runs.
        data_bytes: Of the file system on the data partition.
        addresses: `interface address`, in order.
    """

    services: tuple[Service, ...] = ()
    slot: str = ""
    order: str = ""
    board: str = ""
    product: str = ""
    version: str = ""
    kernel: str = ""
    uptime_s: int = 0
    memory_bytes: int = 0
    memory_free_bytes: int = 0
    data_bytes: int = 0
    data_free_bytes: int = 0
    addresses: tuple[str, ...] = ()

    def pack(self) -> bytes:
        """Return it as canonical JSON."""
        return canonical.encode({**asdict(self), "format": FORMAT})

    @classmethod
    def unpack(cls, data: bytes) -> "Inventory":
        """Return what an answer says.

        Raises:
            FormatError: It is no such answer.
        """
        fields = Fields(canonical.decode(data, limit_bytes=MOST_BYTES), "inventory")
        fields.one_of("format", (FORMAT,))
        found = cls(
            services=fields.each("services", Service.take),
            slot=fields.text("slot", _SLOT),
            order=fields.text("order", re.compile(r"[ab]{0,2}")),
            board=fields.text("board", _VERSION),
            product=fields.text("product", _VERSION),
            version=fields.text("version", _VERSION),
            kernel=fields.text("kernel", _KERNEL),
            uptime_s=fields.integer("uptime_s"),
            memory_bytes=fields.integer("memory_bytes"),
            memory_free_bytes=fields.integer("memory_free_bytes"),
            data_bytes=fields.integer("data_bytes"),
            data_free_bytes=fields.integer("data_free_bytes"),
            addresses=fields.texts("addresses", _ADDRESS),
        )
        fields.end()
        names = [one.name for one in found.services]
        if len(set(names)) != len(names):
            raise FormatError("inventory: a service is there twice")
        return found
