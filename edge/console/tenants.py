"""Tenants, and the authorities whose certificates are those of their devices."""

import re
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from sqlalchemy import Connection, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import certificates
from edge.console.devices.certificates import Certificate
from edge.console.store.tables import AUTHORITIES, TENANTS
from edge.errors import InputError, RefusedError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody who has devices, releases and keys of their own."""

    tenant: str
    keys_folder: str


def ensure(connection: Connection, actor: Actor, *, keys_folder: str) -> None:
    """Make a tenant if it is not there; its key ring is the one of that folder from now on.

    Raises:
        InputError: It can not be called that.
    """
    name = actor.tenant
    check(name)
    row = connection.execute(select(TENANTS).where(TENANTS.c.tenant == name)).first()
    if row is None:
        values = {"tenant": name, "keys_folder": keys_folder, "created_at_s": actor.now_s}
        connection.execute(insert(TENANTS).values(values))
    elif row.keys_folder != keys_folder:
        known = TENANTS.c.tenant == name
        connection.execute(update(TENANTS).where(known).values(keys_folder=keys_folder))
    else:
        return
    audit.record(connection, actor, "tenant.set", f"tenant:{name}", {"keys": keys_folder})


def check(name: str) -> None:
    """Check the name of a tenant.

    Raises:
        InputError: It can not be one.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"tenant {name!r}: not 1 to 32 small letters, digits or '-'")


def all_of(connection: Connection) -> list[Tenant]:
    """Return all tenants: for the console itself, never for a request."""
    found = connection.execute(select(TENANTS).order_by(TENANTS.c.tenant))
    return [Tenant(row.tenant, row.keys_folder) for row in found]


def add_authority(connection: Connection, actor: Actor, certificate: x509.Certificate) -> bool:
    """Let certificates of an authority be those of a tenant's devices; whether it is new.

    Raises:
        RefusedError: It is that of another tenant, or TLS could not tell it from a known one.
    """
    der = certificates.der_of(certificate)
    print_ = certificates.fingerprint(der)
    asked = select(AUTHORITIES.c.tenant).where(AUTHORITIES.c.fingerprint == print_)
    row = connection.execute(asked).first()
    if row is not None and row.tenant != actor.tenant:
        raise RefusedError(f"authority {print_[:16]}: it is that of another tenant")
    if row is not None:
        return False
    for tenant, known in authorities(connection):
        if not _are_told_apart(certificate, known, is_same_tenant=tenant == actor.tenant):
            raise RefusedError(
                f"authority {print_[:16]}: another one is called {known.subject.rfc4514_string()!r}"
                " too, so TLS could take one for the other",
                hint="make it with a name of its own",
            )
    connection.execute(
        insert(AUTHORITIES).values(
            tenant=actor.tenant, fingerprint=print_, certificate=der, added_at_s=actor.now_s
        )
    )
    audit.record(connection, actor, "authority.add", f"authority:{print_}")
    return True


def _are_told_apart(
    one: x509.Certificate, other: x509.Certificate, *, is_same_tenant: bool
) -> bool:
    """Whether TLS, which finds an authority by its name, takes neither for the other.

    Within a tenant one with the same key does no harm, and key identifiers tell them apart; those
    of another tenant could be copied.
    """
    if one.subject != other.subject:
        return True
    if not is_same_tenant:
        return False
    prints = [_key_identifier(each) for each in (one, other)]
    return one.public_key() == other.public_key() or (None not in prints and len(set(prints)) > 1)


def _key_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    return found.value.digest


def authorities(connection: Connection) -> list[tuple[str, x509.Certificate]]:
    """Return all authorities with their tenants: what TLS asks, before a tenant is known."""
    found = connection.execute(select(AUTHORITIES).order_by(AUTHORITIES.c.fingerprint))
    return [(row.tenant, x509.load_der_x509_certificate(row.certificate)) for row in found]


def of_certificate(
    connection: Connection, certificate: Certificate
) -> tuple[str, x509.Certificate] | None:
    """Return the tenant whose authority made the certificate of a device, and that authority."""
    known = authorities(connection)
    by_number = {str(number): one for number, (_tenant, one) in enumerate(known)}
    name = certificates.issuer(certificate, by_number)
    return None if name is None else known[int(name)]
