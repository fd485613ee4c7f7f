"""A line with an authority, a station and devices."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.factory.identity import authority, station
from edge.factory.identity.authority import FactoryAuthority
from edge.factory.identity.station import StationAuthority
from edge.keys.secrets import nobody
from edge_agent import est

# What OpenSSL and TLS look at is the clock of this machine.
NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Line:
    """A line whose station S1 may make 3 devices gw-*."""

    factory: FactoryAuthority

    @property
    def folder(self) -> Path:
        return self.factory.folder

    @property
    def root(self) -> Path:
        return self.folder / "ca/factory.crt"

    def station(
        self, name: str = "S1", *, devices: int = 3, prefix: str = "gw-"
    ) -> StationAuthority:
        folder = self.folder / "stations" / name
        if not (folder / "station.pem").exists():
            station.issue(
                self.factory, name, prefix=prefix, devices=devices, lifetime=YEAR, now=NOW
            )
        return station.open_station(folder, nobody)

    def device(self, name: str, *, of: str = "S1") -> "Device":
        """Return a device with a key of its own, and what its station gave it."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self.station(of).issue_device(est.request(key, name), name, now=NOW)
        folder = self.folder.parent / "devices" / name
        folder.mkdir(parents=True, exist_ok=True)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / "device.key").write_bytes(pem)
        (folder / "device.crt").write_text(made.chain_pem)
        return Device(name, folder, key, made)


@dataclass(frozen=True)
class Device:
    name: str
    folder: Path
    key: ec.EllipticCurvePrivateKey
    made: station.Certificates

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.made.chain_pem.encode())


def new_request(name: str) -> bytes:
    return est.request(ec.generate_private_key(ec.SECP256R1()), name)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    uri = f"file:{tmp_path}/safe/factory.pem"
    return Line(authority.create(tmp_path / "line", uri, product="gateway", now=NOW))


Openssl = Callable[..., str]


@pytest.fixture
def openssl() -> Openssl:
    """Run OpenSSL and return both its outputs, whatever its status."""

    def run(*words: object) -> str:
        done = subprocess.run(
            ["openssl", *(str(word) for word in words)], capture_output=True, text=True, check=False
        )
        return f"{done.stdout}{done.stderr}"

    return run
