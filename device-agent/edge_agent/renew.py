"""Renew the certificate of this device in time, at the server that has made it.

The new key and its certificate are kept beside the old ones until the server has answered to them;
only then they take their place. The server takes both until it has seen the new one, and gives the
same certificate for the same key: so neither a power cut nor a lost answer costs anything.

Source: RFC 7030, section 4.2.2 (simplereenroll).
"""

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edge_agent import est, identity
from edge_agent.backoff import Backoff
from edge_agent.errors import AgentError
from edge_agent.identity import Identity, IdentityError
from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.links import tls
from edge_agent.links.guarded import Pace
from edge_agent.links.http import HttpLink
from edge_signing.errors import SigningError

logger = logging.getLogger(__name__)

NEXT: Final = "identity.next"
_PATH: Final = ".well-known/est/simplereenroll"
# Of its life: when it is time, and when nothing is waited for any more.
_DUE_SHARE: Final = 3
_SPREAD_SHARE: Final = 12
_HURRY_SHARE: Final = 20
_SPREAD_STEPS: Final = 1 << 32
_LOOK_MOST_S: Final = 86_400.0
_REFUSED_S: Final = 3600.0
_REST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Term:
    """When a certificate is renewed, seconds since 1970.

    Attributes:
        due_s: From then on, when nothing else is under way.
        late_s: From then on, whatever is under way.
    """

    due_s: float
    late_s: float

    @classmethod
    def of(cls, pem: bytes) -> "Term":
        """Return that of a certificate: a third of its life is left, or up to a twelfth less.

        That part is another one for each certificate, so that a fleet does not come at once.

        Raises:
            IdentityError: It is no certificate.
        """
        try:
            found = x509.load_pem_x509_certificate(pem)
        except ValueError as error:
            raise IdentityError(f"no certificate: {error}") from error
        begin, end = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
        life_s = end - begin
        digest = hashlib.sha256(found.public_bytes(serialization.Encoding.DER)).digest()
        part = int.from_bytes(digest[:4], "big") / _SPREAD_STEPS
        due_s = end - life_s / _DUE_SHARE + part * life_s / _SPREAD_SHARE
        return cls(due_s, end - life_s / _HURRY_SHARE)


@dataclass(slots=True)
class Renewal:
    """Keeps the certificate of a device from ending.

    Attributes:
        data: The folder of the agent.
        url: Returns that of the server, empty for none.
        now_s: The time, seconds since 1970; None while it is not known.
        is_at_rest: Whether nothing else is under way.
        renewed: Told when the device has another certificate.
        backoff: How long to wait after an attempt that went wrong.
        pace: How slow the server may be.
    """

    data: Path
    url: Callable[[], str]
    now_s: Callable[[], float | None]
    is_at_rest: Callable[[], bool]
    renewed: Callable[[], None]
    backoff: Backoff
    pace: Pace | None = None

    def run(self, stop: threading.Event, first_s: float = _REST_S) -> None:
        """Look again and again until somebody stops it.

        Args:
            stop: Ends it.
            first_s: How long to wait before the first look.
        """
        wait_s = first_s
        while not stop.wait(wait_s):
            wait_s = self.look()

    def look(self) -> float:
        """Renew the certificate if it is time; return after how many seconds to look again."""
        try:
            wait_s = self._wait_s()
            if wait_s > 0:
                return wait_s
            renew(self.url(), self.data, identity.own(self.data), pace=self.pace)
        except LinkError as error:
            logger.info("renewal of the certificate: %s", error)
            return self.backoff.next_s(error.wait_s)
        except (AgentError, OSError) as error:
            logger.warning("renewal of the certificate: %s", error)
            return self.backoff.next_s(_REFUSED_S)
        logger.info("the certificate was renewed")
        self.backoff.reset()
        self.renewed()
        return _REST_S

    def _wait_s(self) -> float:
        """Return how long to wait yet; 0 when it is time."""
        if not self.url().startswith("https:"):
            return _LOOK_MOST_S
        term, now_s = Term.of(identity.own(self.data).certificate.read_bytes()), self.now_s()
        if now_s is None:
            return _REST_S
        is_begun = (self.data / NEXT / "device.crt").exists()
        if now_s < term.due_s and not is_begun:
            return min(term.due_s - now_s + 1, _LOOK_MOST_S)
        return _REST_S if now_s < term.late_s and not self.is_at_rest() else 0


def renew(url: str, data: Path, ours: Identity, *, pace: Pace | None = None) -> None:
    """Get a certificate for a new key, and let it take the place of ours once it is proven.

    Args:
        url: Of the server.
        data: The folder of the agent.
        ours: The identity that the device has.
        pace: How slow the server may be.

    Raises:
        LinkError: It may work later.
        RefusedByServerError: The server says no to the one and the other.
        IdentityError: What it sent is no certificate of our key.
        OSError: It can not be stored.
    """
    folder = data / NEXT
    _discard_foreign(folder, ours)
    folder.mkdir(mode=0o700, exist_ok=True)
    key = est.key_in(folder / "device.key")
    if not _is_taken(url, folder, pace):
        # Asked again with the same key, never with another one: the server may have seen it.
        made = est.asked(
            url, lambda: tls.context(ours), _PATH, est.request(key, ours.device), pace=pace
        )
        est.require_ours(made.certificate, key, ours.device)
        est.keep(made, folder, ours.server_ca)
        if not _is_taken(url, folder, pace):
            raise IdentityError("the server does not take the certificate that it has made")
    identity.change(data, folder)


def _is_taken(url: str, folder: Path, pace: Pace | None) -> bool:
    """Whether the server lets in who shows the certificate in a folder, if it is whole.

    Raises:
        LinkError: There was no answer.
    """
    try:
        link = HttpLink(url, Identity.read(folder), pace=pace)
    except IdentityError:
        return False
    try:
        link.desired()
    except (RefusedByServerError, IdentityError):
        return False
    except SigningError:
        # An order that can not be read was given to us all the same.
        return True
    finally:
        link.close()
    return True


def _discard_foreign(folder: Path, ours: Identity) -> None:
    """Remove what was begun for another identity than the one that the device has now."""
    try:
        begun = Identity.read(folder)
    except IdentityError:
        return
    if (begun.device, begun.epoch) != (ours.device, ours.epoch):
        identity.discard(folder)
