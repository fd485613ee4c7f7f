"""The certificates of a fleet: an authority for servers, one for devices, and what they signed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge_agent.identity import Identity

# A dot is in no device id, so no device can be given this name.
CONSOLE = "console.server"
_BEFORE = timedelta(days=1)
_AFTER = timedelta(days=30)


@dataclass(frozen=True)
class Authority:
    """A certificate that signs others, in `<name>.crt` and `<name>.key`."""

    folder: Path
    name: str

    @classmethod
    def make(cls, folder: Path, name: str) -> "Authority":
        made = cls(folder, name)
        if not made.file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            key = ec.generate_private_key(ec.SECP256R1())
            # Two factories have two names: TLS finds an authority by that.
            whole = f"{name} of {folder.name}"
            builder = _builder(whole, key, whole).add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            )
            _write(made.file, made.key_file, builder.sign(key, hashes.SHA256()), key)
        return made

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.crt"

    @property
    def key_file(self) -> Path:
        return self.folder / f"{self.name}.key"

    def sign(
        self,
        name: str,
        folder: Path,
        *,
        file: str,
        is_server: bool = False,
        hosts: tuple[str, ...] = (),
        valid_days: int = 30,
    ) -> x509.Certificate:
        """Write `<file>.crt` and `<file>.key` for a name."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _builder(name, key, self._certificate().subject, valid_days=valid_days)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_general(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key(), hashes.SHA256())
        _write(folder / f"{file}.crt", folder / f"{file}.key", certificate, key)
        return certificate

    def revoke(self, *certificates: x509.Certificate) -> Path:
        """Write the list of revoked certificates and return its file."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate().subject)
            .last_update(now - _BEFORE)
            .next_update(now + _AFTER)
        )
        for one in certificates:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(one.serial_number)
                .revocation_date(now - _BEFORE)
                .build()
            )
        file = self.folder / f"{self.name}.crl"
        signed = builder.sign(self._key(), hashes.SHA256())
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return file

    def _certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.file.read_bytes())

    def _key(self) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key(self.key_file.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key


@dataclass(frozen=True)
class Pki:
    """All certificates of a fleet, in one folder; made when missing.

    server-ca.{crt,key}, server.{crt,key}; factory-ca.{crt,key}, factory-ca.crl;
    console.{crt,key} (the server towards the broker); devices/<id>/{device.crt,device.key,
    server-ca.crt,epoch}.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path, *, hosts: tuple[str, ...] = ("127.0.0.1", "localhost")) -> "Pki":
        pki = cls(folder)
        if not (folder / "server.crt").exists():
            pki.servers.sign("server", folder, file="server", is_server=True, hosts=hosts)
            pki.factory.sign(CONSOLE, folder, file="console")
            pki.factory.revoke()
        return pki

    @property
    def servers(self) -> Authority:
        return Authority.make(self.folder, "server-ca")

    @property
    def factory(self) -> Authority:
        return Authority.make(self.folder, "factory-ca")

    @property
    def revoked(self) -> Path:
        return self.folder / "factory-ca.crl"

    def device(self, name: str, *, epoch: int = 1, authority: Authority | None = None) -> Path:
        """Return the identity folder of a device, as it is on its data partition."""
        folder = self.folder / "devices" / name.replace("/", "%")
        if not (folder / "device.crt").exists():
            (authority or self.factory).sign(name, folder, file="device")
            (folder / "epoch").write_text(f"{epoch}\n")
            (folder / "server-ca.crt").write_bytes(self.servers.file.read_bytes())
        return folder

    def identity(self, name: str, *, authority: Authority | None = None) -> Identity:
        """Return the identity of a device, also of one whose name is not allowed."""
        folder = self.device(name, authority=authority)
        crt, key = folder / "device.crt", folder / "device.key"
        return Identity(name, 1, crt, key, folder / "server-ca.crt")

    def revoke(self, *names: str) -> None:
        """Revoke devices; servers read the list when they start."""
        files = [self.device(name) / "device.crt" for name in names]
        self.factory.revoke(*(x509.load_pem_x509_certificate(file.read_bytes()) for file in files))


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str | x509.Name, *, valid_days: int = 30
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    end = now + timedelta(days=valid_days)
    issued_by = issuer if isinstance(issuer, x509.Name) else _name(issuer)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, end) - _BEFORE)
        .not_valid_after(end)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)


def _write(
    crt: Path, key_file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    crt.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    key_file.chmod(0o600)
