"""What went wrong as an answer: one form, and a status for each kind of error."""

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from edge.console.api.views import ErrorView
from edge.console.people.errors import NotLetInError, TooOftenError
from edge.console.store.database import StoreError
from edge.errors import EdgeError, InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge_signing.errors import SigningError

_STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (InputError, HTTPStatus.BAD_REQUEST),
    (ThingNotFoundError, HTTPStatus.NOT_FOUND),
    (RefusedError, HTTPStatus.CONFLICT),
    (UntrustedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (SigningError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotLetInError, HTTPStatus.UNAUTHORIZED),
    (TooOftenError, HTTPStatus.TOO_MANY_REQUESTS),
    (EdgeError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_RETRY_S = "5"

logger = logging.getLogger(__name__)


class WrongWordsError(InputError):
    """A body or a query is not as the document says.

    Attributes:
        place: Where in it.
    """

    def __init__(self, message: str, place: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or "see /api/v1/openapi.json")
        self.place = place


def wrong_words(error: ValidationError, part: str) -> WrongWordsError:
    """Return the first of what is wrong with a body or a query."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join([part, *(str(step) for step in first["loc"])])
    return WrongWordsError(f"{place}: {first['msg']}", place)


@web.middleware
async def answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into answers."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return said(error.status, f"{request.method} {request.path}: there is no such thing")
        return said(error.status, error.text or error.reason, headers=_kept(error))
    except (EdgeError, SigningError) as error:
        status = next(code for kind, code in _STATUSES if isinstance(error, kind))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("%s %s: %s", request.method, request.path, error)
        place = error.place if isinstance(error, WrongWordsError) else ""
        headers = _retry(error)
        return said(status, str(error), hint=error.hint or "", place=place, headers=headers)


def said(
    status: int,
    error: str,
    *,
    hint: str = "",
    place: str = "",
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Return an error as an answer."""
    body = ErrorView(error=error, place=place, hint=hint).model_dump_json()
    return web.Response(
        status=status, text=body, content_type="application/json", headers=headers or {}
    )


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}


def _retry(error: Exception) -> dict[str, str]:
    match error:
        case StoreError():
            return {"Retry-After": _RETRY_S}
        case TooOftenError():
            return {"Retry-After": str(error.wait_s)}
        case _:
            return {}
