"""A factory line for tests: an authority, stations that it signed, and what they made."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.factory.identity import naming
from edge.factory.identity.grant import Grant
from edge.factory.made import Fate, Made
from edge_agent.identity import Identity

NOW = datetime.now(UTC).replace(microsecond=0)
MADE_AT_S = int(NOW.timestamp()) - 7200
_DAYS = timedelta(days=3650)


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def pem_of(*certificates: x509.Certificate) -> str:
    pem = serialization.Encoding.PEM
    return "".join(one.public_bytes(pem).decode() for one in certificates)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


@dataclass
class Signer:
    """A key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return _pem_of_key(self.key)

    def sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *extensions: tuple[x509.ExtensionType, bool],
        begins: datetime = NOW - timedelta(hours=3),
        lasts: timedelta = _DAYS,
    ) -> x509.Certificate:
        return _signed(subject, self.certificate.subject, key, self.key, extensions, begins, lasts)


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...],
    begins: datetime,
    lasts: timedelta,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lasts)
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(signer, hashes.SHA256())


@dataclass
class Device:
    """What a station gave to a device."""

    device: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    made: Made

    def identity(self, folder: Path, server_ca: Path) -> Identity:
        """Write it as it is on the data partition."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "device.crt").write_text(self.made.certificate)
        (folder / "device.key").write_bytes(_pem_of_key(self.key))
        (folder / "server-ca.crt").write_bytes(server_ca.read_bytes())
        files = (folder / name for name in ("device.crt", "device.key", "server-ca.crt"))
        return Identity(self.device, 1, *files)


@dataclass
class Station:
    """A station of a line, which makes devices."""

    line: "Line"
    name: str
    signer: Signer
    number: int = 0

    def make(
        self, device: str, *, private: ec.EllipticCurvePrivateKey | None = None, **facts: Any
    ) -> Device:
        """Return a device with what the station says of it."""
        key = private or ec.generate_private_key(ec.SECP256R1())
        certificate = self.certify(device, key.public_key())
        self.number += 3
        made = Made(
            device=device,
            fate=Fate.GOOD,
            line=self.line.name,
            station=self.name,
            number=self.number,
            digest=hashlib.sha256(f"{self.name}{self.number}".encode()).hexdigest(),
            made_at_s=MADE_AT_S + self.number,
            operator="jo",
            product="gateway",
            board="rpi4",
            board_serial=f"10000000{self.number:08x}",
            order="A-77",
            release="gateway 1.0.0",
            image="1" * 64,
            key=key_of(certificate),
            certificate=pem_of(certificate, self.signer.certificate),
            retired=(),
            tests={"ethernet": "ok", "supply": "5.02 V"},
        )
        return Device(device, key, certificate, replace(made, **facts))

    def certify(self, device: str, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        subject = naming.device("gateway", self.name, device)
        basic = x509.BasicConstraints(ca=False, path_length=None)
        return self.signer.sign(subject, key, (basic, True), (naming.IS_DEVICE, True))

    def again(self, device: Device, **facts: Any) -> Made:
        """Return what the station says of a device next."""
        self.number += 3
        digest = hashlib.sha256(f"{self.name}{self.number}".encode()).hexdigest()
        said = {"number": self.number, "digest": digest, "made_at_s": MADE_AT_S + self.number}
        return replace(device.made, line=self.line.name, station=self.name, **{**said, **facts})


@dataclass
class Line:
    """A line, whose authority a console knows by `--factory-ca`."""

    name: str = "hall-3"
    _stations: dict[str, Station] = field(default_factory=dict)

    @cached_property
    def root(self) -> Signer:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name((NameOID.ORGANIZATION_NAME, "gateway"), (NameOID.COMMON_NAME, self.name))
        basic = x509.BasicConstraints(ca=True, path_length=1)
        made = _signed(
            name, name, key.public_key(), key, ((basic, True),), NOW - timedelta(hours=4), _DAYS
        )
        return Signer(key, made)

    def station(
        self,
        name: str = "S1",
        *,
        path_length: int | None = 0,
        lasts: timedelta = _DAYS,
        constraints: x509.NameConstraints | None = None,
        prefix: str = "gw-",
        devices: int = 1000,
        until: datetime = NOW + _DAYS,
    ) -> Station:
        """Return a station, the same again by its name."""
        if name in self._stations:
            return self._stations[name]
        key = ec.generate_private_key(ec.SECP256R1())
        subject = naming.station("gateway", name, key.public_key())
        grant = Grant(name, "gateway", prefix, devices, int(until.timestamp()))
        made = self.root.sign(
            subject,
            key.public_key(),
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            (naming.SIGNS, True),
            (naming.FOR_CLIENTS, False),
            (constraints or naming.constraints("gateway", name), True),
            (grant.extension(), False),
            lasts=lasts,
        )
        self._stations[name] = Station(self, name, Signer(key, made))
        return self._stations[name]


def key_of(certificate: x509.Certificate) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    key = certificate.public_key().public_bytes(serialization.Encoding.DER, form)
    return hashlib.sha256(key).hexdigest()


def serial_of(device: Device) -> str:
    return f"{device.certificate.serial_number:x}"
