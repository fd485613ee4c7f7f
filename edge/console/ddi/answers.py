"""Answers over DDI: JSON with an ETag, and errors as hawkBit tells them."""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from edge.console.ddi.reporting import GoneError, NotCancellingError, QuotaError
from edge.console.store.database import StoreError
from edge.errors import EdgeError, RefusedError, ThingNotFoundError
from edge_signing.errors import FormatError

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HAL: Final = "application/hal+json"
_JSON: Final = "application/json"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_RETRY_S: Final = "5"
# The first that fits.
_STATUSES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (FormatError, 400),
    (ThingNotFoundError, 404),
    (NotCancellingError, 405),
    (GoneError, 410),
    (QuotaError, 429),
    (RefusedError, 409),
    (StoreError, 503),
    (EdgeError, 500),
)

logger = logging.getLogger(__name__)


def said(request: web.Request, value: Any) -> web.Response:
    """Return a value as an answer; nothing of it if the client has it already."""
    body = json.dumps(value, separators=(",", ":")).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": etag}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    accepted = request.headers.get("Accept", "")
    is_plain = _JSON in accepted and _HAL not in accepted
    return web.Response(body=body, headers=headers, content_type=_JSON if is_plain else _HAL)


def done() -> web.Response:
    """Return the answer to what was stored: 200, for clients take nothing else for good."""
    return web.Response(status=200, headers=_HEADERS)


def answering(handle: Handle) -> Handle:
    """Return a handler that tells errors."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handle(request)
        except web.HTTPException as error:
            return _told(error.status, error.text or "")
        except (EdgeError, FormatError) as error:
            status = next(code for kind, code in _STATUSES if isinstance(error, kind))
            if status >= 500:
                logger.warning("%s %s: %s", request.method, request.path, error)
            return _told(status, str(error) if status < 500 else "")

    return answer


def _told(status: int, message: str) -> web.Response:
    headers = {**_HEADERS, "Retry-After": _RETRY_S} if status in (429, 503) else _HEADERS
    if not message:
        return web.Response(status=status, headers=headers)
    body = json.dumps({"errorCode": f"edge.console.{status}", "message": message})
    return web.Response(status=status, text=body, content_type=_JSON, headers=headers)
