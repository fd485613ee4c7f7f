"""Devices and cgroup resources of a container, in LinuxKit's words (OCI runtime spec)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from edge.strict.formats import Text, absolute_path, matching
from edge.strict.model import StrictModel, wrong
from edge.strict.wording import shown

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30
_UNITS = {_GIB: "GB", _MIB: "MB", _KIB: "KB"}


def _device_path(text: str) -> str:
    if text == "all" or absolute_path(text).startswith("/dev/"):
        return text
    raise wrong(f"{shown(text)} is not a device", "write its path, like '/dev/ttyS1', or 'all'")


def _page_size(value: object) -> str:
    """Return a page size as the OCI runtime spec names it: `2MB`, `1GB`."""
    if isinstance(value, str) and value[:-2].isdecimal() and value[-2:] in _UNITS.values():
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        for unit, name in _UNITS.items():
            if value % unit == 0:
                return f"{value // unit}{name}"
    raise wrong(f"{shown(value)} is not a page size", 'bytes, like 2097152, or "2MB"')


PageSize = Annotated[
    str,
    PlainValidator(_page_size),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
]
Number = Annotated[int, Field(ge=0, lt=2**64)]
Major = Annotated[int, Field(ge=0, le=4095)]
Minor = Annotated[int, Field(ge=0, le=(1 << 20) - 1)]
Weight = Annotated[int, Field(ge=0, le=1000)]


class Device(StrictModel):
    """A device node that the container may use.

    `mode` is what the container may do (of r, w, m) or, in LinuxKit's octal digits, the mode of
    the node.
    """

    path: Annotated[str, AfterValidator(_device_path)]
    type: Literal["a", "b", "c", "u", "p"] | None = None
    major: Major | None = None
    minor: Minor | None = None
    mode: Annotated[
        str | None,
        matching(
            r"(?=.)r?w?m?|0*[0-7]{1,4}",
            "an access mode",
            "of r, w and m, in this order; or octal digits like '0660'",
        ),
    ] = None

    @property
    def access(self) -> str | None:
        """What the container may do, if that is written."""
        return self.mode if self.mode and not self.mode.isdecimal() else None

    @property
    def node_mode(self) -> int | None:
        """The mode of the node, if that is written."""
        return int(self.mode, 8) if self.mode and self.mode.isdecimal() else None


class DeviceRule(StrictModel):
    """A rule of the device cgroup."""

    allow: bool = False
    type: Literal["a", "b", "c"] | None = None
    major: Annotated[int, Field(ge=-1, le=4095)] | None = None
    minor: Annotated[int, Field(ge=-1, le=(1 << 20) - 1)] | None = None
    access: Text | None = None


class Memory(StrictModel):
    """Limits of memory, in bytes; -1 is no limit."""

    limit: int | None = Field(default=None, ge=-1)
    reservation: int | None = Field(default=None, ge=-1)
    swap: int | None = Field(default=None, ge=-1)
    kernel: int | None = Field(default=None, ge=-1)
    kernel_tcp: int | None = Field(default=None, ge=-1, alias="kernelTCP")
    swappiness: int | None = Field(default=None, ge=0, le=100)
    disable_oom_killer: bool | None = Field(default=None, alias="disableOOMKiller")


class Cpu(StrictModel):
    """Shares of the processors; quota, period and real time in microseconds."""

    shares: int | None = Field(default=None, ge=0, le=262144)
    quota: int | None = Field(default=None, ge=-1)
    period: int | None = Field(default=None, ge=0, le=1_000_000)
    realtime_runtime: int | None = Field(default=None, ge=-1, alias="realtimeRuntime")
    realtime_period: Number | None = Field(default=None, alias="realtimePeriod")
    cpus: str | None = None
    mems: str | None = None


class Pids(StrictModel):
    """The number of processes."""

    limit: int = Field(default=0, ge=-1)


class WeightDevice(StrictModel):
    """The share of one disk."""

    major: Major
    minor: Minor
    weight: Weight | None = None
    leaf_weight: Weight | None = Field(default=None, alias="leafWeight")


class ThrottleDevice(StrictModel):
    """The most of one disk: bytes or operations a second."""

    major: Major
    minor: Minor
    rate: Number


class BlockIo(StrictModel):
    """Shares and limits of disks."""

    weight: Weight | None = None
    leaf_weight: Weight | None = Field(default=None, alias="leafWeight")
    weight_device: tuple[WeightDevice, ...] = Field(default=(), alias="weightDevice")
    read_bps: tuple[ThrottleDevice, ...] = Field(default=(), alias="throttleReadBpsDevice")
    write_bps: tuple[ThrottleDevice, ...] = Field(default=(), alias="throttleWriteBpsDevice")
    read_iops: tuple[ThrottleDevice, ...] = Field(default=(), alias="throttleReadIOPSDevice")
    write_iops: tuple[ThrottleDevice, ...] = Field(default=(), alias="throttleWriteIOPSDevice")


class HugepageLimit(StrictModel):
    """The most of huge pages of one size, in bytes."""

    page_size: PageSize = Field(alias="pageSize")
    limit: Number


class Priority(StrictModel):
    """The priority of traffic through one interface."""

    name: Text
    priority: int = Field(ge=0, lt=2**32)


class Network(StrictModel):
    """How the traffic of the container is marked."""

    class_id: int | None = Field(default=None, ge=0, lt=2**32, alias="classID")
    priorities: tuple[Priority, ...] = ()


class Resources(StrictModel):
    """Limits in the words of the OCI runtime spec; `limits` is the short form."""

    devices: tuple[DeviceRule, ...] = ()
    memory: Memory | None = None
    cpu: Cpu | None = None
    pids: Pids | None = None
    blockio: BlockIo | None = None
    hugepage_limits: tuple[HugepageLimit, ...] = Field(default=(), alias="hugepageLimits")
    network: Network | None = None
