"""What shows that the console's own page sends an act, and not the page of somebody else."""

import hmac
from typing import Final

from aiohttp import web

OWN_PAGE: Final = "X-Edge-Page"


def require_own_page(request: web.Request, wanted: str) -> None:
    """Refuse what a browser sends for the page of somebody else.

    Raises:
        HTTPForbidden: The header is not what the page of this session sends.
    """
    said = request.headers.get(OWN_PAGE, "").encode(errors="surrogateescape")
    if not hmac.compare_digest(said, wanted.encode()):
        raise web.HTTPForbidden(text=f"{OWN_PAGE}: not what the page of this session sends")
