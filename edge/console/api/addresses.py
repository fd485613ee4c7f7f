"""From where a request comes: who is connected, or whom a proxy of ours names."""

import ipaddress
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from edge.console.hooks.addresses import Network

PROXIES: Final = web.AppKey("proxies", tuple[Network, ...])
_HEADER: Final = "X-Forwarded-For"


def address(request: web.Request) -> str:
    """Return the address that a request comes from.

    What stands in the header counts only as far as proxies of ours have written it: from its end
    on, and up to the first address that is none of theirs.
    """
    found, proxies = request.remote or "", request.app.get(PROXIES, ())
    lines = request.headers.getall(_HEADER, ())
    said = [one.strip() for line in lines for one in line.split(",")]
    while said and _is_in(found, proxies):
        following = said.pop()
        if not _is_address(following):
            break
        found = following
    return found


def _is_in(text: str, networks: Sequence[Network]) -> bool:
    return _is_address(text) and any(ipaddress.ip_address(text) in one for one in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
