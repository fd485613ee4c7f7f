"""Devices and cgroup resources of a container, in LinuxKit's words (OCI runtime spec)."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from edge.strict.formats import Text, matching
from edge.strict.model import StrictModel, wrong
from edge.strict.wording import shown


def _device_path(text: str) -> str:
    if text == "all" or (text.startswith("/dev/") and ".." not in text):
        return text
    raise wrong(f"{shown(text)} is not a device", "write its path, like '/dev/ttyS1', or 'all'")


class Device(StrictModel):
    """A device node that the container may use."""

    path: Annotated[str, AfterValidator(_device_path)]
    type: Literal["b", "c", "u", "p"] | None = None
    major: int | None = Field(default=None, ge=0, le=4095)
    minor: int | None = Field(default=None, ge=0, le=(1 << 20) - 1)
    mode: Annotated[
        str | None, matching(r"(?=.)r?w?m?", "an access mode", "of r, w and m, in this order")
    ] = None


class DeviceRule(StrictModel):
    """A rule of the device cgroup."""

    allow: bool
    type: Literal["a", "b", "c"] | None = None
    major: int | None = Field(default=None, ge=0, le=4095)
    minor: int | None = Field(default=None, ge=0, le=(1 << 20) - 1)
    access: Text | None = None


class Memory(StrictModel):
    """Limits of memory, in bytes."""

    not_yet: ClassVar[frozenset[str]] = frozenset(
        {"kernel", "kernelTCP", "swappiness", "disableOOMKiller"}
    )

    limit: int | None = Field(default=None, ge=0)
    reservation: int | None = Field(default=None, ge=0)
    swap: int | None = Field(default=None, ge=-1)


class Cpu(StrictModel):
    """Shares of the processors; quota and period in microseconds."""

    not_yet: ClassVar[frozenset[str]] = frozenset({"realtimeRuntime", "realtimePeriod"})

    shares: int | None = Field(default=None, ge=2, le=262144)
    quota: int | None = Field(default=None, ge=-1)
    period: int | None = Field(default=None, ge=1000, le=1_000_000)
    cpus: Text | None = None
    mems: Text | None = None


class Pids(StrictModel):
    """The number of processes."""

    limit: int = Field(ge=-1)


class Resources(StrictModel):
    """Limits in the words of the OCI runtime spec; `limits` is the short form."""

    not_yet: ClassVar[frozenset[str]] = frozenset({"blockio", "hugepageLimits", "network"})

    devices: tuple[DeviceRule, ...] = ()
    memory: Memory | None = None
    cpu: Cpu | None = None
    pids: Pids | None = None
