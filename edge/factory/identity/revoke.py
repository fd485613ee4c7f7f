"""Lists of revoked certificates: of stations, by the factory, and of devices, by their station.

A list is its own memory: the next one has all that is on the one before, each with its time, so
nothing ever comes off it. `edge console serve --device-crl` takes both.

Source: RFC 5280, section 5.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import Signer

from edge import atomic
from edge.certificates import issuing
from edge.errors import InputError, ThingNotFoundError, UntrustedError
from edge.factory.identity import authority as factory
from edge.factory.identity import prints, sealing
from edge.factory.identity.authority import FactoryAuthority
from edge.factory.identity.issued import Issued
from edge.factory.identity.station import StationAuthority

STATIONS: Final = Path("ca/factory.crl")
LIFETIME: Final = timedelta(days=90)


def stations(
    authority: FactoryAuthority,
    serials: Iterable[str],
    *,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> Path:
    """Revoke stations with all devices that they made, and return the file of the list.

    Args:
        authority: Of the factory.
        serials: Of their certificates, in hex; none for a list that is only newer.
        now: The time in UTC.
        lifetime: When the next list is due; who is late stops being told of new ones.

    Raises:
        InputError: A serial number is none.
        UntrustedError: The list that is there is not of this authority.
    """
    file = authority.folder / STATIONS
    _write(file, authority.certificate, authority.signer, serials, now, lifetime)
    return file


def devices(
    station: StationAuthority,
    serials: Iterable[str],
    *,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> Path:
    """Revoke certificates of devices, and return the file of the list.

    Args:
        station: That has signed them; one that was renewed since is opened by its serial number.
        serials: Of their certificates, in hex; none for a list that is only newer.
        now: The time in UTC.
        lifetime: When the next list is due.

    Raises:
        InputError: A serial number is none.
        UntrustedError: The list that is there is not of this station.
    """
    file = station.folder / f"devices.{prints.serial(station.certificate)}.crl"
    _write(file, station.certificate, station.signer, serials, now, lifetime)
    return file


def given_to(folder: Path, devices: Collection[str]) -> dict[str, list[str]]:
    """Return the serial numbers of all certificates of devices, by that of who signed them.

    Args:
        folder: Of the station.
        devices: Ids.

    Raises:
        ThingNotFoundError: The station gave one of them nothing.
        InputError: The record of what it has signed is damaged.
    """
    found: dict[str, list[str]] = {}
    missing = set(devices)
    for file in sorted(folder.glob("issued.*.jsonl")):
        own = [one for one in Issued(file).given if one.device in devices]
        missing -= {one.device for one in own}
        if own:
            found[file.name.split(".")[1]] = [one.serial for one in own]
    if missing:
        raise ThingNotFoundError(f"{folder}: no certificate of {', '.join(sorted(missing))}")
    return found


def _write(
    file: Path,
    authority: x509.Certificate,
    signer: Signer,
    serials: Iterable[str],
    now: datetime,
    lifetime: timedelta,
) -> None:
    before, number = _before(file, authority)
    listed = {one.serial_number: one for one in before}
    for serial in serials:
        listed.setdefault(_number(serial), issuing.revoked(_number(serial), now))
    made = (
        issuing.revocation_list(authority.subject, listed.values(), now, lifetime)
        .add_extension(factory.issued_by(authority), critical=False)
        .add_extension(x509.CRLNumber(number + 1), critical=False)
    )
    content = sealing.revocation_list(made, signer).public_bytes(serialization.Encoding.PEM)
    with atomic.file(file) as stream:
        stream.write(content)


def _before(file: Path, authority: x509.Certificate) -> tuple[list[x509.RevokedCertificate], int]:
    """Return what is on the list that is there, and its number."""
    if not file.exists():
        return [], 0
    try:
        found = x509.load_pem_x509_crl(file.read_bytes())
        number = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        key = authority.public_key()
        is_ours = isinstance(key, ec.EllipticCurvePublicKey) and found.is_signature_valid(key)
    except (ValueError, x509.ExtensionNotFound, InvalidSignature) as error:
        raise InputError(f"{file}: no list of revoked certificates: {error}") from error
    if not is_ours:
        raise UntrustedError(f"{file}: not signed by {authority.subject.rfc4514_string()}")
    return list(found), number


def _number(serial: str) -> int:
    try:
        found = int(serial, 16)
    except ValueError as error:
        raise InputError(f"{serial!r} is no serial number in hex") from error
    if found <= 0:
        raise InputError(f"{serial!r} is no serial number of a certificate")
    return found
