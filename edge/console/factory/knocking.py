"""Who comes with a certificate that no accepted device has, when lines of a factory are known.

A device that a station made is let in by its record alone. Without it the device is in quarantine:
its station may be offline for days, or somebody has a station's key.
"""

from collections.abc import Collection, Sequence

from cryptography import x509
from sqlalchemy import Connection

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.devices import papers, quarantine, registry, renewals
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number
from edge.console.devices.quarantine import Reason
from edge.console.devices.states import State
from edge.console.factory import records, stations
from edge.errors import RefusedError, UntrustedError


def meet(
    connection: Connection,
    certificate: Certificate,
    now_s: int,
    *,
    between: Sequence[x509.Certificate] = (),
    listed: Collection[Number] = (),
) -> State | None:
    """Return how a device stands whose certificate no accepted device has; None for a stranger.

    Args:
        connection: Of the transaction.
        certificate: Verified by TLS.
        now_s: Seconds since 1970.
        between: What the device showed above its own certificate, verified by TLS too.
        listed: Certificates on lists of revoked ones.
    """
    found = tenants.of_certificate(connection, certificate)
    if found is None:
        found = _adopted(connection, certificate, between, listed, now_s)
    if found is None:
        return None
    tenant, authority = found
    if records.is_put_out(connection, tenant, certificate):
        papers.note(connection, tenant, certificate, authority, now_s)
        console = Actor(tenant, f"device:{certificate.device}", now_s)
        renewals.retire(connection, console, certificate.device, certificate.fingerprint.hex())
        return None
    if not stations.is_station(connection, authority):
        return registry.knock(connection, certificate, now_s)
    actor = Actor(tenant, f"device:{certificate.device}", now_s)
    try:
        # TLS does not know what the station was granted.
        chain = stations.verify(connection, actor, certificate, authority, listed)
        stations.require_place(connection, tenant, chain)
    except UntrustedError:
        return None
    return _waits(connection, actor, certificate, authority)


def _waits(
    connection: Connection, actor: Actor, certificate: Certificate, authority: x509.Certificate
) -> State | None:
    before = registry.state_of(connection, actor.tenant, certificate.device)
    state = registry.knock(connection, certificate, actor.now_s, newcomer=State.QUARANTINED)
    if before is None and state is State.QUARANTINED:
        said: dict[str, object] = {"authority": authority.subject.rfc4514_string()}
        quarantine.put(connection, actor, certificate.device, Reason.UNRECORDED, said)
    return state


def _adopted(
    connection: Connection,
    certificate: Certificate,
    between: Sequence[x509.Certificate],
    listed: Collection[Number],
    now_s: int,
) -> tuple[str, x509.Certificate] | None:
    found = stations.tenant_of(connection, between)
    if found is None:
        return None
    actor = Actor(found[0], f"device:{certificate.device}", now_s)
    try:
        stations.verify(connection, actor, certificate, found[1], listed)
        stations.adopt(connection, actor, found[1])
    except (UntrustedError, RefusedError):
        return None
    return found
