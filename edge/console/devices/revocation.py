"""Lists of revoked certificates of devices: read, verified under the authorities, put together.

Source: RFC 5280 §5 (certificate revocation lists), §6.3.3 (what a list has to be to count).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from edge.console.devices import papers
from edge.console.devices.papers import Number
from edge.errors import InputError

_PEM: Final = b"-----BEGIN"
_WRONG: Final = (
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list of one authority.

    Attributes:
        place: Where it came from.
        issuer: SHA-256 of the public key of the authority, in hex.
        begins: When it was made.
        ends: When the next one is due; None for never.
        pem: The list itself.
        numbers: The certificates on it.
    """

    place: str
    issuer: str
    begins: datetime
    ends: datetime | None
    pem: bytes = field(repr=False)
    numbers: frozenset[Number] = field(repr=False)

    def is_current(self, now: datetime) -> bool:
        """Whether a broker that is given the list goes on letting devices in."""
        return self.begins <= now and (self.ends is None or now < self.ends)


@dataclass(frozen=True, slots=True)
class Lists:
    """What the lists say together.

    Attributes:
        known: Certificates on any list, also one that has ended: nobody takes a revocation back
            by being late.
        enforced: Certificates that the broker refuses; empty unless each authority has a list
            that is current, for otherwise the broker would refuse all devices.
        pem: The lists that the broker is to have; empty for none.
    """

    known: frozenset[Number] = frozenset()
    enforced: frozenset[Number] = frozenset()
    pem: bytes = b""

    def tightened(self, other: "Lists") -> "Lists":
        """Return what holds while the broker goes from these lists to others."""
        return Lists(self.known | other.known, self.enforced & other.enforced, other.pem)


def read(data: bytes, place: str, authorities: Sequence[x509.Certificate]) -> RevocationList:
    """Return the list in a file, in PEM or DER.

    Raises:
        InputError: It is none, of no authority that is known, or says of a part only.
    """
    try:
        return _read(data, place, authorities)
    # Parts of it are parsed only when they are asked for.
    except _WRONG as error:
        raise InputError(f"{place}: no list of revoked certificates: {error}") from error


def _read(data: bytes, place: str, authorities: Sequence[x509.Certificate]) -> RevocationList:
    is_pem = data.lstrip().startswith(_PEM)
    found = (x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl)(data)
    critical = [one.oid.dotted_string for one in found.extensions if one.critical]
    if critical:
        raise InputError(
            f"{place}: critical extension {critical[0]}",
            hint="a list is wanted of all revoked certificates of its authority, not of a part",
        )
    if not found.public_bytes(serialization.Encoding.DER).endswith(b"\0" + found.signature):
        # Read so by us, but the broker would refuse it, and with it all devices.
        raise InputError(f"{place}: its signature is not of whole bytes")
    authority = _signer(found, place, authorities)
    return RevocationList(
        place,
        papers.number_of(0, authority).issuer,
        found.last_update_utc,
        found.next_update_utc,
        found.public_bytes(serialization.Encoding.PEM),
        frozenset(papers.number_of(one.serial_number, authority) for one in found),
    )


def together(
    lists: Iterable[RevocationList], authorities: Sequence[x509.Certificate], now: datetime
) -> Lists:
    """Return what lists say together at a time.

    Args:
        lists: At most one of each authority.
        authorities: All whose devices the broker lets in.
        now: The time.
    """
    given = list(lists)
    known = frozenset[Number]().union(*(one.numbers for one in given))
    current = [one for one in given if one.is_current(now)]
    wanted = {papers.number_of(0, one).issuer for one in authorities}
    if not current or wanted - {one.issuer for one in current}:
        return Lists(known)
    enforced = frozenset[Number]().union(*(one.numbers for one in current))
    return Lists(known, enforced, b"".join(one.pem for one in current))


def _signer(
    found: x509.CertificateRevocationList, place: str, authorities: Sequence[x509.Certificate]
) -> x509.Certificate:
    for one in authorities:
        if found.issuer != one.subject:
            continue
        try:
            if found.is_signature_valid(one.public_key()):  # type: ignore[arg-type]
                return one
        except (InvalidSignature, TypeError, ValueError):
            continue
    raise InputError(
        f"{place}: no authority of devices that is known has signed it",
        hint="give the certificate of its authority with --factory-ca",
    )
