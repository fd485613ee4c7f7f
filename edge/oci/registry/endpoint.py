"""Where a reference is asked for: mirrors first, then its own registry. Pure.

Plain HTTP is for this machine, and for hosts that were named as insecure.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.errors import InputError
from edge.system.reference import DOCKER_HUB, RegistryReference

_HUB_HOST = f"registry-1.{DOCKER_HUB}"
_MIRROR = re.compile(
    r"(?P<prefix>[^\s=]+)=(?:(?P<scheme>https?)://)?(?P<host>[\w.:\[\]-]+)(?P<path>(?:/[\w.-]+)*)/?"
)
_HINT = "write it like docker.io=https://mirror.example.com/hub"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A repository of one server."""

    scheme: str
    host: str
    repository: str

    def url(self, path: str) -> str:
        """Return where something of the repository is."""
        return f"{self.scheme}://{self.host}/v2/{self.repository}/{path}"


@dataclass(frozen=True, slots=True)
class Mirror:
    """A server that has what another one has: `prefix` is a host, or a host and a path."""

    prefix: str
    scheme: str
    host: str
    path: str

    def endpoint(self, reference: RegistryReference) -> Endpoint | None:
        """Return where a reference is on the mirror; None if it is not meant."""
        rest = f"{reference.name}/".removeprefix(f"{self.prefix}/")
        if len(rest) == len(reference.name) + 1:
            return None
        return Endpoint(self.scheme, self.host, f"{self.path}/{rest}".strip("/"))


@dataclass(frozen=True, slots=True)
class Registries:
    """What the user said of registries: mirrors in the order of trial, and insecure hosts."""

    mirrors: tuple[Mirror, ...] = ()
    insecure: frozenset[str] = field(default_factory=frozenset)

    def endpoints(self, reference: RegistryReference) -> tuple[Endpoint, ...]:
        """Return where to ask for a reference, the best place first."""
        found = [mirror.endpoint(reference) for mirror in self.mirrors]
        return (*(one for one in found if one), self.own(reference))

    def own(self, reference: RegistryReference) -> Endpoint:
        """Return the reference's own registry, which is the one to push to."""
        host = _HUB_HOST if reference.host == DOCKER_HUB else reference.host
        return Endpoint(self._scheme(host), host, reference.repository)

    def allows_plain(self, host: str) -> bool:
        """Say whether a server may be spoken to without TLS."""
        return host in self.insecure or is_loopback(host)

    def _scheme(self, host: str) -> str:
        return "http" if self.allows_plain(host) else "https"


def registries(mirrors: Sequence[str] = (), insecure: Sequence[str] = ()) -> Registries:
    """Return the settings of words `PREFIX=[http[s]://]HOST[/PATH]`, and of insecure hosts.

    Raises:
        InputError: A word is neither, or names plain HTTP for a host that is not insecure.
    """
    plain = Registries(insecure=frozenset(insecure))
    return Registries(tuple(_mirror(word, plain) for word in mirrors), plain.insecure)


def _mirror(word: str, plain: Registries) -> Mirror:
    found = _MIRROR.fullmatch(word)
    if found is None:
        raise InputError(f"registry mirror {word!r} is not PREFIX=HOST[/PATH]", hint=_HINT)
    host = found["host"]
    scheme = found["scheme"] or plain._scheme(host)
    if scheme == "http" and not plain.allows_plain(host):
        raise InputError(
            f"registry mirror {word!r} is plain HTTP", hint=f"allow it: --insecure-registry {host}"
        )
    return Mirror(found["prefix"].rstrip("/"), scheme, host, found["path"].strip("/"))


def is_loopback(host: str) -> bool:
    """Say whether a host, perhaps with a port, is this machine."""
    name = re.sub(r":\d+$", "", host).strip("[]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
