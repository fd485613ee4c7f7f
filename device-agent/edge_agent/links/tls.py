"""TLS as every link uses it: one authority for servers, the device's own certificate for itself."""

import ssl
from typing import Final

from edge_agent.identity import Identity, IdentityError
from edge_agent.link import LinkError, RefusedByServerError, ServerUntrustedError

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h; Python hands flags on that it does not name.
_NO_CHECK_TIME: Final = 0x200000
# What servers say of a client certificate that they do not take (alerts of RFC 8446 §6.2).
_REFUSALS: Final = (
    "CERTIFICATE_REQUIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
)
_FORBIDDEN: Final = 403


def context(
    identity: Identity, *, is_clock_known: bool = True, with_certificate: bool = True
) -> ssl.SSLContext:
    """Return how to talk to a server.

    Args:
        identity: The files of the device.
        is_clock_known: The clock is not before what is known to have passed. If it is, no
            certificate would be valid yet, so its dates are not looked at; what is installed
            does not rest on them.
        with_certificate: Show the device's own certificate: only to its own server.

    Raises:
        IdentityError: The files can not be used.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    look_at_dates(made, is_wanted=is_clock_known)
    try:
        made.load_verify_locations(cafile=identity.server_ca)
        if with_certificate:
            made.load_cert_chain(identity.certificate, identity.key)
    except (OSError, ValueError) as error:
        raise IdentityError(f"{identity.certificate.parent}: {error}") from error
    return made


def look_at_dates(made: ssl.SSLContext, *, is_wanted: bool) -> None:
    """Let the next handshakes look at the dates of certificates, or not."""
    flag = ssl.VerifyFlags(_NO_CHECK_TIME)
    made.verify_flags = made.verify_flags & ~flag if is_wanted else made.verify_flags | flag


def as_ours(error: OSError, place: str) -> LinkError | RefusedByServerError:
    """Return our error for one of a socket.

    Args:
        error: What the socket raised.
        place: The server, for the reason.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return ServerUntrustedError(f"{place}: its certificate: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        reason = error.reason or str(error)
        if "ALERT" in reason and any(one in reason for one in _REFUSALS):
            return RefusedByServerError(
                f"{place}: refuses our certificate: {reason}", status=_FORBIDDEN
            )
        return LinkError(f"{place}: TLS: {reason}")
    return LinkError(f"{place}: {error.strerror or str(error) or type(error).__name__}")
