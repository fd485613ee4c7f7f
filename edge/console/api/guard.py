"""What holds for every request and answer of the server for people: whose page, what a page may.

Sources: Fetch Metadata Request Headers (W3C), Content Security Policy Level 3, RFC 6797.
"""

from types import MappingProxyType
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

SAFE: Final = ("GET", "HEAD", "OPTIONS")
_OURS: Final = ("same-origin", "none")
_HEADERS: Final = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
            "base-uri 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)
_TLS_ONLY: Final = "max-age=31536000"


@web.middleware
async def guarding(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what the page of somebody else makes a browser send."""
    if request.method not in SAFE and not _is_ours(request):
        raise web.HTTPForbidden(text="sent by the page of somebody else")
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say to browsers what a page of this server may do, which is little."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    # It would hold for all ports, and so for whatever else somebody runs on his machine.
    if request.host.partition(":")[0] != "localhost":
        response.headers.setdefault("Strict-Transport-Security", _TLS_ONLY)


def require_origin(request: web.Request) -> None:
    """Refuse a request that does not say that it is of a page of this server.

    Raises:
        HTTPForbidden: It does not: a browser says it with each POST.
    """
    if request.headers.get("Origin") != _origin(request):
        raise web.HTTPForbidden(text="Origin: not this server")


def _is_ours(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "none") not in _OURS:
        return False
    return request.headers.get("Origin", _origin(request)) == _origin(request)


def _origin(request: web.Request) -> str:
    return f"https://{request.host}"
