"""Where the files of a console lie, and those that it makes at its first start.

console.db             the database, unless another one is named
tls/                   an authority of its own and the server's certificate
admin.token            the first token, for who may read this folder
tenants/<name>/        repository
incoming/              uploads that are not verified yet
"""

import fcntl
import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge import atomic
from edge.certificates import issuing
from edge.errors import RefusedError

DEFAULT_TENANT: Final = "default"
# Devices are given the authority, so that it outlives them; the server's can be renewed.
_AUTHORITY: Final = timedelta(days=20 * 365)
_SERVER: Final = timedelta(days=397)
_SECRET: Final = 0o600


@dataclass(frozen=True, slots=True)
class Site:
    """The folder of a console."""

    folder: Path

    @property
    def database_url(self) -> str:
        """The database of a console that is told of no other."""
        return f"sqlite:///{self.folder / 'console.db'}"

    @property
    def authority(self) -> Path:
        """The certificate of the authority that clients and devices trust."""
        return self.folder / "tls" / "server-ca.crt"

    @property
    def certificate(self) -> Path:
        """The server's certificate."""
        return self.folder / "tls" / "server.crt"

    @property
    def key(self) -> Path:
        """The server's key."""
        return self.folder / "tls" / "server.key"

    @property
    def admin_token(self) -> Path:
        """The first token."""
        return self.folder / "admin.token"

    @property
    def tenants(self) -> Path:
        """The folder of what tenants have."""
        return self.folder / "tenants"

    @property
    def incoming(self) -> Path:
        """The folder of uploads."""
        return self.folder / "incoming"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder, and have it for one console until the block ends, or the process.

        Raises:
            RefusedError: Another console runs in it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._lock(handle)
            yield
        finally:
            os.close(handle)

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(
                f"{self.folder}: another console runs there",
                hint="end it first, or name another folder: --dir",
            ) from error

    def prepare(self, hosts: Sequence[str], *, now: datetime) -> None:
        """Make the folders, and certificates for these names if there are none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for folder in (self.tenants, self.incoming):
            folder.mkdir(exist_ok=True)
        for left in self.incoming.iterdir():
            left.unlink()
        if not self.certificate.is_file():
            self._make_certificates(hosts, now)

    def _make_certificates(self, hosts: Sequence[str], now: datetime) -> None:
        authority_key, key = (issuing.new_key() for _key in range(2))
        authority = issuing.authority("Edge console authority", authority_key, now, _AUTHORITY)
        names = x509.SubjectAlternativeName([_general(host) for host in hosts])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        certificate = (
            issuing.builder(
                issuing.common_name("Edge console"), authority.subject, key, now, _SERVER
            )
            .add_extension(names, critical=False)
            .add_extension(usage, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        _write(self.authority, authority.public_bytes(serialization.Encoding.PEM))
        _write(self.authority.with_suffix(".key"), issuing.pem_of_key(authority_key), mode=_SECRET)
        _write(self.key, issuing.pem_of_key(key), mode=_SECRET)
        # Last: what is there is whole.
        _write(self.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    _write(path, text.encode(), mode=_SECRET)


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    with atomic.file(path, mode=mode) as stream:
        stream.write(data)
