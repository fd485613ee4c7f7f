"""Whether the certificates in the ledgers of a line are those that its stations were allowed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from edge.errors import UntrustedError
from edge.factory.entry import Entry, Kind
from edge.factory.identity import chain, prints
from edge.factory.identity.chain import Chain


class CertificateAudit:
    """Takes the entries of all stations.

    Args:
        root: The certificate of the factory.
    """

    def __init__(self, root: x509.Certificate) -> None:
        self._root = root
        self._signed: dict[str, set[str]] = {}
        self._told: set[str] = set()

    def look(self, entry: Entry) -> Iterator[str]:
        """Give what is wrong with the certificate that an entry tells of."""
        details = entry.said.details
        pem = details.get("certificate")
        if entry.said.kind is not Kind.STEP or not isinstance(pem, str):
            return
        try:
            # An entry is written after its certificate was made, never before.
            found = chain.verified(
                pem, [self._root], now=datetime.fromtimestamp(entry.at_s + 1, UTC)
            )
        except UntrustedError as error:
            yield f"the certificate of {entry.said.device}: {error}"
            return
        yield from _differing(entry, details, found)
        yield from self._counted(found)

    def _counted(self, found: Chain) -> Iterator[str]:
        authority = prints.serial(found.station)
        signed = self._signed.setdefault(authority, set())
        signed.add(found.serial_hex)
        if len(signed) > found.grant.devices and authority not in self._told:
            self._told.add(authority)
            yield (
                f"station {found.grant.station} has signed more than the"
                f" {found.grant.devices} certificates that it might"
            )


def _differing(entry: Entry, details: dict[str, Any], found: Chain) -> Iterator[str]:
    pairs = (
        ("device", entry.said.device, found.device),
        ("station", entry.station, found.grant.station),
        ("key", details.get("key"), found.key_sha256),
        ("serial number", details.get("certificate_serial"), found.serial_hex),
    )
    for what, written, is_so in pairs:
        if written != is_so:
            yield f"the certificate says the {what} {is_so}, and the entry {written}"
