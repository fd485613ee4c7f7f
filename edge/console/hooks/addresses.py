"""Where webhooks may go: to public addresses, and to networks that the operator named.

A name is resolved once for each connection, and what was resolved is what is connected to: so a
name that changes between the look and the connection gains nothing.

Source: OWASP, "Server-Side Request Forgery Prevention"; RFC 6890.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from edge.errors import InputError, RefusedError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], list[str]]
URL_MOST: Final = 2000
# Addresses of version 4 within those of version 6, as gateways translate them.
_TRANSLATED: Final = tuple(
    ipaddress.IPv6Network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")
)
_IPV4_MASK: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Allowed:
    """The addresses that webhooks may go to.

    Attributes:
        networks: Private ones that are allowed besides the public ones, without TLS too.
    """

    networks: tuple[Network, ...] = ()

    def __contains__(self, address: Address) -> bool:
        return self.is_named(address) or _is_public(address)

    def is_named(self, address: Address) -> bool:
        """Whether the operator named its network."""
        return any(
            address in network for network in self.networks if network.version == address.version
        )

    def require(self, host: str) -> None:
        """Refuse a host that is written as an address and may not be reached.

        Raises:
            RefusedError: It may not.
            InputError: It is an address in a form that programs read in different ways.
        """
        bare = host.strip("[]").partition("%")[0]
        try:
            address = ipaddress.ip_address(bare)
        except ValueError:
            # The client takes such a host for an address and resolves nothing: 127.1, 2130706433.
            if ":" in bare or bare.replace(".", "").isdigit():
                raise InputError(f"{host}: no address as people write it") from None
            return
        if address not in self:
            raise RefusedError(f"{host}: webhooks do not go to private addresses", hint=_HINT)


_HINT: Final = "edge console serve --webhook-network 10.1.0.0/16 allows a network"


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return networks as people write them.

    Raises:
        InputError: One is none.
    """
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise InputError(f"{text!r}: no network: {error}", hint="10.1.0.0/16") from error
    return tuple(found)


def check_url(url: str, allowed: Allowed) -> None:
    """Check where a webhook is to go, as far as that can be known before.

    Raises:
        InputError: It is no URL of a web server.
        RefusedError: It may not go there.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"{url!r}: no URL: {error}") from error
    del port
    if len(url) > URL_MOST or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(f"webhook: a URL is at most {URL_MOST} printed letters of ASCII")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise InputError(f"{url!r}: no URL of a web server", hint="https://example.com/hook")
    if parts.username or parts.password or parts.fragment:
        raise InputError(f"{parts.hostname}: no names, passwords or fragments in the URL of a hook")
    allowed.require(parts.hostname)
    if parts.scheme == "http" and not allowed.networks:
        raise RefusedError(f"{url}: without TLS anybody could read it", hint="https://")


class Resolver(AbstractResolver):
    """Resolves names to the addresses that are allowed.

    Args:
        allowed: Where webhooks may go.
        resolve: Returns the addresses of a host as text; asks the system when None.
    """

    def __init__(self, allowed: Allowed, resolve: Resolve | None = None) -> None:
        self._allowed = allowed
        self._resolve = resolve or _of_system

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return where a host is.

        Raises:
            OSError: It is nowhere, or only where webhooks may not go.
        """
        del family
        texts = await asyncio.to_thread(self._resolve, host, port)
        found = [_result(host, one, port) for one in self._of(texts)]
        if not found:
            raise OSError(errno.EACCES, f"{host} is at no address that webhooks may go to")
        return found

    async def close(self) -> None:
        """Nothing is kept."""

    def _of(self, texts: Sequence[str]) -> list[Address]:
        known = [ipaddress.ip_address(one.partition("%")[0]) for one in texts]
        return [one for one in known if one in self._allowed]


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if address.sixtofour is not None:
            return _is_public(address.sixtofour)
        if any(address in network for network in _TRANSLATED):
            return _is_public(IPv4Address(int(address) & _IPV4_MASK))
    return address.is_global and not address.is_multicast


def _result(host: str, address: Address, port: int) -> ResolveResult:
    is_4 = isinstance(address, IPv4Address)
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if is_4 else socket.AF_INET6,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


def _of_system(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))
