"""The authority of one station: it signs for a bounded number of devices, in a bounded time.

In the folder of a station:

    station.pem               its certificate, with the grant, and its key; mode 0600
    station.SERIAL.pem        one that was renewed, for its list of revoked devices
    factory.crt               who has signed that certificate
    issued.SERIAL.jsonl       what it has signed, by the serial number of its own certificate
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import Signer

from edge import atomic
from edge.certificates import issuing, requests
from edge.certificates.requests import Key
from edge.errors import InputError, RefusedError, UntrustedError
from edge.factory.identity import authority as factory
from edge.factory.identity import chain, naming, prints, sealing
from edge.factory.identity.authority import FactoryAuthority
from edge.factory.identity.grant import DEVICES_MOST, PREFIX, STATION, Grant
from edge.factory.identity.issued import Given, Issued
from edge.factory.identity.sealing import PublicKey
from edge.keys import file_key
from edge.keys.secrets import Secrets
from edge.keys.uri import FileUri
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

FOLDER: Final = Path("stations")
FILE: Final = "station.pem"
EARLIER: Final = "station.{serial}.pem"
ROOT: Final = "factory.crt"
LIFETIME_MOST: Final = timedelta(days=400)
_SECRET: Final = 0o600


@dataclass(frozen=True, slots=True)
class Certificates:
    """What a device got.

    Attributes:
        chain_pem: Its certificate and that of the station.
        serial_hex: Serial number of its certificate.
        key_sha256: Of its public key (SubjectPublicKeyInfo, DER), in hex.
        retired: Serial numbers of what this station gave it before, to be taken no more.
    """

    chain_pem: str
    serial_hex: str
    key_sha256: str
    retired: tuple[str, ...] = ()


def issue(
    authority: FactoryAuthority,
    station_name: str,
    *,
    prefix: str,
    devices: int,
    lifetime: timedelta,
    now: datetime,
    renew: bool = False,
) -> x509.Certificate:
    """Make the authority of a station, with a key of its own, in the folder of the station.

    After a power cut the station is as it was before, or as it is after.

    Args:
        authority: Of the factory.
        station_name: What it is called.
        prefix: What the ids of its devices begin with.
        devices: How many it may make.
        lifetime: How long it may make them.
        now: The time in UTC.
        renew: It has an authority, which a new one is to follow.

    Raises:
        InputError: A name, a count or a time can not be one.
        RefusedError: The station has an authority.
    """
    ends = now + lifetime
    grant = Grant(station_name, authority.product, prefix, devices, int(ends.timestamp()))
    _check(grant, lifetime)
    folder = authority.folder / FOLDER / station_name
    if (folder / FILE).exists() and not renew:
        raise RefusedError(f"{folder}: the station has an authority", hint="a new one: --renew")
    key = issuing.new_key()
    made = sealing.certificate(
        _of_station(authority, grant, key.public_key(), now), authority.signer
    )
    listed = authority.folder / factory.STATIONS / f"{station_name}.{prints.serial(made)}.crt"
    factory.write(listed, [made])
    factory.write(folder / ROOT, [authority.certificate])
    _keep_earlier(folder)
    # One file, and last: key and certificate change together.
    with atomic.file(folder / FILE, mode=_SECRET) as stream:
        stream.write(made.public_bytes(serialization.Encoding.PEM) + issuing.pem_of_key(key))
    return made


def open_station(folder: Path, ask: Secrets, *, serial: str = "") -> "StationAuthority":
    """Return the authority of a station.

    Args:
        folder: Of the station.
        ask: Gets the passphrase of its key, if somebody has given it one.
        serial: Serial number of its certificate in hex, for one that was renewed since: it may go
            on revoking what it has signed.

    Raises:
        ThingNotFoundError: The station has no authority.
        UntrustedError: Its certificate is not of its factory, or not of its key.
        RefusedError: Others may read its key.
        EdgeError: What is in the folder is wrong.
    """
    file = folder / FILE
    if serial and prints.serial(factory.certificates(file)[0]) != serial:
        file = folder / EARLIER.format(serial=serial)
    (certificate,) = factory.certificates(file)
    (root,) = factory.certificates(folder / ROOT)
    chain.require_station(certificate, root)
    signer = file_key.load(FileUri(file), ask)
    if sealing.public_key(signer, str(file)) != certificate.public_key():
        raise UntrustedError(f"{file}: the key is not that of the certificate")
    return StationAuthority(folder, certificate, root, signer)


class StationAuthority:
    """Signs the certificates of devices, within its grant; for several threads.

    Attributes:
        folder: Of the station.
        certificate: Its own.
        root: Of the factory.
        grant: What it may do.
        signer: Has its key.

    Args:
        folder: Of the station.
        certificate: Its own.
        root: Of the factory.
        signer: Has its key.
    """

    def __init__(
        self, folder: Path, certificate: x509.Certificate, root: x509.Certificate, signer: Signer
    ) -> None:
        self.folder, self.certificate, self.root, self.signer = folder, certificate, root, signer
        self.grant = Grant.of(certificate)
        own = folder / f"issued.{prints.serial(certificate)}.jsonl"
        self._issued = Issued(own)
        self._earlier = [Issued(one) for one in sorted(folder.glob("issued.*.jsonl")) if one != own]
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """For how many certificates its key may yet be used."""
        return max(0, self.grant.devices - len(self._issued.given))

    def require_free(self, now: datetime) -> None:
        """Refuse when the station may sign no more.

        Raises:
            RefusedError: Its number is used up, or its time has not come or is over.
        """
        station, until = self.grant.station, datetime.fromtimestamp(self.grant.until_s, UTC)
        hint = f"a new authority for it: edge factory station renew {station}"
        if self.left <= 0:
            said = f"station {station}: all {self.grant.devices} certificates are used"
            raise RefusedError(said, hint=hint)
        if not self.certificate.not_valid_before_utc <= now <= until:
            raise RefusedError(f"station {station}: its time ended at {until:%Y-%m-%d}", hint=hint)

    def issue_device(
        self,
        csr_or_public_key: bytes | PublicKey,
        device_id: str,
        *,
        now: datetime,
        again: bool = False,
    ) -> Certificates:
        """Return the certificate of a device; the same one for the same device and key.

        It is on the disk before it is returned, so that none is ever given beyond the count.

        Args:
            csr_or_public_key: A request of the device, in PEM or DER, or its key.
            device_id: Its id.
            now: The time in UTC.
            again: The device has a certificate of another key, which is retired by this one.

        Raises:
            RefusedError: The grant does not allow it, the device has a certificate, or another
                device has the key.
            UntrustedError: The request is of another device, or not signed with its own key.
            InputError: It is no request, or no id of a device.
        """
        key = _key(csr_or_public_key, device_id)
        self._require_name(device_id)
        with self._lock:
            before = [one for each in self._all() for one in each.of_device(device_id)]
            if same := self._same(prints.of_key(key), device_id, before):
                return self._certificates(self._issued.certificate(same), before)
            if before and not again:
                raise RefusedError(
                    f"{device_id}: it has a certificate of another key",
                    hint="a board that was changed is reworked: edge factory rework",
                )
            self.require_free(now)
            made = sealing.certificate(self._of_device(key, device_id, now), self.signer)
            self._issued.add(made)
            return self._certificates(made, before)

    def _all(self) -> list[Issued]:
        return [*self._earlier, self._issued]

    def _same(self, key: str, device: str, before: list[Given]) -> Given | None:
        """Return what this very key got for this device, if it is still the newest."""
        found = [one for each in self._all() for one in each.of_key(key)]
        if not found:
            return None
        if found[-1].device != device:
            raise RefusedError(
                f"{device}: its key is that of {found[-1].device}",
                hint="two boards with one key: was one copied from the other?",
            )
        if found[-1] is not before[-1] or found[-1] not in self._issued.given:
            raise RefusedError(f"{device}: this key of it was retired", hint="make a new key")
        return found[-1]

    def _certificates(self, made: x509.Certificate, before: list[Given]) -> Certificates:
        serial = prints.serial(made)
        pem = serialization.Encoding.PEM
        return Certificates(
            "".join(one.public_bytes(pem).decode() for one in (made, self.certificate)),
            serial,
            prints.of_key(made.public_key()),
            tuple(one.serial for one in before if one.serial != serial),
        )

    def _require_name(self, device: str) -> None:
        try:
            check_device(device)
        except FormatError as error:
            raise InputError(str(error)) from error
        if not device.startswith(self.grant.prefix):
            raise RefusedError(
                f"{device}: station {self.grant.station} makes devices {self.grant.prefix}*"
            )

    def _of_device(self, key: Key, device: str, now: datetime) -> x509.CertificateBuilder:
        name = naming.device(self.grant.product, self.grant.station, device)
        end = min(now + issuing.OF_DEVICE, self.certificate.not_valid_after_utc)
        above = self.certificate
        return (
            factory.draft(name, above.subject, key, now=now, end=end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(naming.IS_DEVICE, critical=True)
            .add_extension(naming.FOR_CLIENTS, critical=False)
            .add_extension(factory.issued_by(above), critical=False)
        )


def _key(asked: bytes | PublicKey, device: str) -> Key:
    if isinstance(asked, bytes):
        return requests.read(asked, device=device).key
    return requests.strong(asked)


def _of_station(
    authority: FactoryAuthority, grant: Grant, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    """Return the certificate of a station: as long as those of its devices, used much shorter."""
    ends = datetime.fromtimestamp(grant.until_s, UTC)
    name = naming.station(grant.product, grant.station, key)
    end = min(ends + issuing.OF_DEVICE, authority.certificate.not_valid_after_utc)
    above = authority.certificate
    return (
        factory.draft(name, above.subject, key, now=now, end=end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(naming.SIGNS, critical=True)
        .add_extension(naming.FOR_CLIENTS, critical=False)
        .add_extension(naming.constraints(grant.product, grant.station), critical=True)
        .add_extension(x509.PrivateKeyUsagePeriod(now - issuing.BEFORE, ends), critical=False)
        .add_extension(factory.issued_by(above), critical=False)
        .add_extension(grant.extension(), critical=False)
    )


def _keep_earlier(folder: Path) -> None:
    file = folder / FILE
    if file.exists():
        kept = folder / EARLIER.format(serial=prints.serial(factory.certificates(file)[0]))
        kept.unlink(missing_ok=True)
        kept.hardlink_to(file)


def _check(grant: Grant, lifetime: timedelta) -> None:
    if not STATION.fullmatch(grant.station):
        raise InputError(f"station {grant.station!r}: not 1 to 32 letters, digits, '_' or '-'")
    if not PREFIX.fullmatch(grant.prefix):
        raise InputError(f"prefix {grant.prefix!r}: not up to 48 letters, digits, '_' or '-'")
    if not 1 <= grant.devices <= DEVICES_MOST:
        raise InputError(f"{grant.devices} devices: not 1 to {DEVICES_MOST}")
    if not timedelta(0) < lifetime <= LIFETIME_MOST:
        raise InputError(f"{lifetime.days} days: a station works 1 to {LIFETIME_MOST.days} days")
