"""What this device is at the moment, for an inventory; what can not be read is left empty."""

import fcntl
import ipaddress
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from construct import Bytes, Int16ub, Int16un, Struct

from edge_signing.commands import SERVICE
from edge_signing.inventory import STATES, Service

# linux/sockios.h
_SIOCGIFADDR: Final = 0x8915
_IFREQ_BYTES: Final = 256
# linux/if.h, struct ifreq with a struct sockaddr_in (linux/in.h)
_IFREQ: Final = Struct(
    "name" / Bytes(16), "family" / Int16un, "port" / Int16ub, "address" / Bytes(4)
)
_ADDRESSES_MOST: Final = 64
_SERVICES_MOST: Final = 256


@dataclass(frozen=True, slots=True)
class Facts:
    """Where the kernel and the image say it.

    Attributes:
        proc: Of the kernel.
        data: A folder on the data partition.
        versions: Of the image: a line `service version` for each.
        running: Returns the versions of services that are updated in place.
    """

    proc: Path = Path("/proc")
    data: Path = Path("/var/lib/edge")
    versions: Path = Path("/etc/edge/versions")
    running: Callable[[], Mapping[str, str]] = dict

    def uptime_s(self) -> int:
        """Return seconds since the start of the system."""
        words = _text(self.proc / "uptime").split()
        return int(float(words[0])) if words else 0

    def memory(self) -> tuple[int, int]:
        """Return bytes of memory, and how many of them can be had."""
        lines = (line.split() for line in _text(self.proc / "meminfo").splitlines())
        found = {words[0]: int(words[1]) << 10 for words in lines if len(words) > 1}
        return found.get("MemTotal:", 0), found.get("MemAvailable:", 0)

    def disk(self) -> tuple[int, int]:
        """Return bytes of the data partition, and how many of them can be had."""
        try:
            found = os.statvfs(self.data)
        except OSError:
            return 0, 0
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def kernel(self) -> str:
        """Return the release of the kernel."""
        return os.uname().release

    def addresses(self) -> tuple[str, ...]:
        """Return `interface address` for each address that others may reach."""
        found = {*_addresses_4(), *_addresses_6(_text(self.proc / "net/if_inet6"))}
        return tuple(sorted(found)[:_ADDRESSES_MOST])

    def services(self, told: list[dict[str, object]]) -> tuple[Service, ...]:
        """Return services as init tells them, with the versions that run."""
        lines = (line.split() for line in _text(self.versions).splitlines())
        versions = {words[0]: words[1] for words in lines if len(words) == 2}
        versions |= self.running()
        found = (_service(one, versions) for one in told[:_SERVICES_MOST])
        return tuple(one for one in found if one is not None)


def _service(said: Mapping[str, object], versions: Mapping[str, str]) -> Service | None:
    name = said.get("name")
    state = next((one for one in STATES if one == said.get("state")), None)
    if not isinstance(name, str) or not SERVICE.fullmatch(name) or state is None:
        return None
    pid, age_s, restarts = (_number(said.get(one)) for one in ("pid", "age_s", "restarts"))
    return Service(name, state, versions.get(name, ""), pid, age_s, restarts)


def _number(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0


def _addresses_4() -> list[str]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for _index, name in socket.if_nameindex():
            asked = name.encode().ljust(_IFREQ_BYTES, b"\0")
            try:
                said = fcntl.ioctl(one, _SIOCGIFADDR, asked)
            except OSError:
                continue
            address = ipaddress.IPv4Address(_IFREQ.parse(said).address)
            if not address.is_loopback:
                found.append(f"{name} {address}")
    return found


def _addresses_6(table: str) -> list[str]:
    """Return those of `/proc/net/if_inet6` (Linux, net/ipv6/addrconf.c)."""
    found = []
    for words in (line.split() for line in table.splitlines()):
        address = ipaddress.IPv6Address(bytes.fromhex(words[0]))
        if not address.is_loopback and not address.is_link_local:
            found.append(f"{words[5]} {address}")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
