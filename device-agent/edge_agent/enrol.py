"""Get a certificate for a device that was given a key of enrolment and has none.

The key of the certificate is made here, is on the disk before it is sent for, and leaves the device
never: so an answer that is lost costs nothing, for the same key gets the same certificate.

Source: RFC 7030, section 4.2.1 (simpleenroll); RFC 8555, section 9.1 (the chain as PEM).
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.backoff import Backoff
from edge_agent.errors import AgentError
from edge_agent.identity import OWN as FOLDER
from edge_agent.identity import IdentityError
from edge_agent.link import LinkError
from edge_agent.links.guarded import Pace
from edge_agent.server import Server

if TYPE_CHECKING:
    import ssl

logger = logging.getLogger(__name__)

PREFIX: Final = "edge-enrol_"
NEW: Final = "identity.new"
_PATH: Final = ".well-known/est/simpleenroll"


def is_due(server: Server, data: Path) -> bool:
    """Whether this device has a key of enrolment, and no certificate."""
    has_key = server.token.startswith(PREFIX) and server.identity is not None
    return has_key and not (data / FOLDER).exists()


def keep_trying(
    server: Server,
    data: Path,
    stop: threading.Event,
    *,
    backoff: Backoff,
    is_clock_known: Callable[[], bool] = lambda: True,
) -> bool:
    """Enrol, again and again until it is done or somebody stops it; whether it is done."""
    while not stop.is_set():
        wait_s = 0.0
        try:
            enrol(server, data, is_clock_known=is_clock_known)
        except LinkError as error:
            logger.info("enrolment: %s", error)
            wait_s = error.wait_s
        except (AgentError, OSError) as error:
            logger.warning("enrolment: %s", error)
        else:
            logger.info("enrolled as %s", server.identity.device if server.identity else "")
            return True
        stop.wait(backoff.next_s(wait_s))
    return False


def enrol(
    server: Server,
    data: Path,
    *,
    is_clock_known: Callable[[], bool] = lambda: True,
    pace: Pace | None = None,
) -> None:
    """Get a certificate and keep it as the identity of this device.

    After a power cut the identity is there as a whole, or is not and is asked for again.

    Raises:
        LinkError: It may work later.
        RefusedByServerError: The server says no.
        IdentityError: What it sent is no certificate of our key.
        OSError: It can not be stored.
    """
    from edge_agent import est
    from edge_agent.links import tls

    identity = server.identity
    if identity is None:
        raise IdentityError("no key of enrolment was given")
    folder = data / NEW
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = est.key_in(folder / "device.key")

    def context() -> "ssl.SSLContext":
        return tls.context(identity, is_clock_known=is_clock_known(), with_certificate=False)

    made = est.asked(
        server.http,
        context,
        _PATH,
        est.request(key, identity.device),
        token=server.token,
        pace=pace,
    )
    est.require_ours(made.certificate, key, identity.device)
    est.keep(made, folder, identity.server_ca)
    folder.rename(data / FOLDER)
    est.flush(data)
