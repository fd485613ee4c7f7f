"""Enrolment over secure transport: what devices ask to get a certificate.

The key of enrolment is sent as `Authorization: Bearer`, or as the password of `Basic`, which
clients of EST know. Who renews shows the certificate that it has. Server-side keys and attributes
are not there. Who asks for `application/pem-certificate-chain` (RFC 8555, section 9.1) gets that
in place of PKCS #7.

Source: RFC 7030, sections 3.2.2, 3.3.2, 4.1 and 4.2.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from edge.certificates import requests
from edge.certificates.requests import Wanted
from edge.console.enrolment.enrol import Enrolled
from edge.console.enrolment.registrar import Registrar
from edge.console.enrolment.renewal import TooSoonError
from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError

PATH: Final = "/.well-known/est"
EPOCH: Final = "Edge-Epoch"
_REALM: Final = {"WWW-Authenticate": 'Basic realm="enrolment"'}
_LINE: Final = 64
_PEM: Final = "application/pem-certificate-chain"
_PKCS7: Final = "application/pkcs7-mime; smime-type=certs-only"


class Est:
    """The requests for certificates.

    Args:
        registrar: Makes them.
        shown: Returns the certificate of a request that TLS has verified, in DER.
    """

    def __init__(self, registrar: Registrar, shown: Callable[[web.Request], bytes | None]) -> None:
        self._registrar, self._shown = registrar, shown

    def add_to(self, app: web.Application) -> None:
        """Add its routes to the application of the devices."""
        app.router.add_post(f"{PATH}/simpleenroll", self._enrol)
        app.router.add_post(f"{PATH}/simplereenroll", self._renew)

    async def _enrol(self, request: web.Request) -> web.Response:
        key = _key(request)
        return await _answer(request, lambda wanted: self._registrar.enrol(key, wanted))

    async def _renew(self, request: web.Request) -> web.Response:
        shown = self._shown(request)
        if not shown:
            raise web.HTTPForbidden(text="no certificate of a device was shown")
        return await _answer(request, lambda wanted: self._registrar.renew(shown, wanted))


async def _answer(
    request: web.Request, make: Callable[[Wanted], Awaitable[Enrolled]]
) -> web.Response:
    try:
        made = await make(requests.read(await request.read(), requests.ANYONES))
    except (InputError, UntrustedError) as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    except TooSoonError as error:
        wait = {"Retry-After": str(error.wait_s)}
        raise web.HTTPTooManyRequests(text=str(error), headers=wait) from error
    except (RefusedError, ThingNotFoundError) as error:
        raise web.HTTPForbidden(text=str(error)) from error
    headers = {EPOCH: str(made.epoch), "Cache-Control": "no-store"}
    if _PEM in request.headers.get("Accept", ""):
        body = made.certificate.public_bytes(serialization.Encoding.PEM)
        return web.Response(body=body, headers={**headers, "Content-Type": _PEM})
    headers |= {"Content-Type": _PKCS7, "Content-Transfer-Encoding": "base64"}
    return web.Response(body=_packed([made.certificate]), headers=headers)


def _key(request: web.Request) -> str:
    kind, _blank, text = request.headers.get("Authorization", "").partition(" ")
    match kind.lower():
        case "bearer":
            return text.strip()
        case "basic":
            try:
                return base64.b64decode(text, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError) as error:
                raise web.HTTPBadRequest(text="Authorization: no Base64") from error
        case _:
            raise web.HTTPUnauthorized(text="no key of enrolment was sent", headers=_REALM)


def _packed(chain: list[x509.Certificate]) -> bytes:
    der = pkcs7.serialize_certificates(chain, serialization.Encoding.DER)
    text = base64.b64encode(der)
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return b"\n".join(lines) + b"\n"
