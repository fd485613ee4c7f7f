"""The factory's authority of one line: it signs for stations, each of which signs for devices.

Its key is used when a station begins, and to revoke one; it need not be on any station. In the
folder of the line, which a station may have a copy of, there is nothing secret of it:

    ca/factory.crt       its certificate
    ca/authority.json    product, and where the key is
    ca/factory.crl       stations that were revoked, once one is
    ca/stations/*.crt    each certificate of a station
"""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from securesystemslib.signer import Signer

from edge import atomic
from edge.certificates import issuing
from edge.certificates.requests import Key
from edge.errors import InputError, RefusedError, ThingNotFoundError, UntrustedError
from edge.factory.identity import naming, sealing
from edge.keys import file_key, token_key
from edge.keys.public import Algorithm
from edge.keys.secrets import Secrets, nobody
from edge.keys.signers import open_signer
from edge.keys.uri import FileUri, parse
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.trust.names import check_product

CERTIFICATE: Final = Path("ca/factory.crt")
FACTS: Final = Path("ca/authority.json")
STATIONS: Final = Path("ca/stations")
_LIFETIME: Final = timedelta(days=40 * 365)
_MOST_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class FactoryAuthority:
    """Signs the certificates of stations.

    Attributes:
        folder: Of the line.
        product: What the line makes.
        certificate: Its own.
        signer: Has its key.
    """

    folder: Path
    product: str
    certificate: x509.Certificate
    signer: Signer

    def stations(self, name: str = "") -> tuple[x509.Certificate, ...]:
        """Return all certificates that stations ever got, or one of that name."""
        files = sorted((self.folder / STATIONS).glob(f"{glob.escape(name) or '*'}.*.crt"))
        return tuple(x509.load_pem_x509_certificate(file.read_bytes()) for file in files)


def create(
    folder: Path, uri: str, *, product: str, now: datetime, ask: Secrets = nobody
) -> FactoryAuthority:
    """Make the authority of a line; its key too, if it is not there.

    After a power cut it is there as a whole, or can be made again with the same key.

    Args:
        folder: Of the line.
        uri: Where the key is, or will be: `file:PATH` or `pkcs11:…`.
        product: What the line makes.
        now: The time in UTC.
        ask: Gets a passphrase or a PIN.

    Raises:
        RefusedError: The line has an authority, or its key would be in the folder of the line.
        EdgeError: The key can not be made or used, or is not P-256.
    """
    _check(folder, product)
    text, signer = _key(folder, uri, ask)
    key = sealing.public_key(signer, uri)
    name = naming.authority(product, key)
    made = draft(name, name, key, now=now, end=now + _LIFETIME).add_extension(
        x509.BasicConstraints(ca=True, path_length=1), critical=True
    )
    certificate = sealing.certificate(made.add_extension(naming.SIGNS, critical=True), signer)
    with atomic.file(folder / FACTS) as stream:
        stream.write(canonical.encode({"format": 1, "key": text, "product": product}) + b"\n")
    # Last: what is there is whole.
    write(folder / CERTIFICATE, [certificate])
    return FactoryAuthority(folder, product, certificate, signer)


def missing_file(uri: str) -> Path | None:
    """Return the file in which `create` would make a key; None if there is one, or in a token."""
    found = parse(uri)
    return found.path if isinstance(found, FileUri) and not found.path.exists() else None


def open(folder: Path, ask: Secrets) -> FactoryAuthority:
    """Return the authority of a line.

    Raises:
        ThingNotFoundError: The line has none.
        UntrustedError: Its key is another one than that of its certificate.
        EdgeError: The key can not be had, or what is in the folder is wrong.
    """
    certificate = trusted(folder)
    try:
        facts = (folder / FACTS).read_bytes().rstrip(b"\n")
        fields = Fields(canonical.decode(facts, limit_bytes=_MOST_BYTES), FACTS.name)
        fields.integer("format", least=1, most=1)
        uri, product = str(fields.anything("key")), str(fields.anything("product"))
        fields.end()
    except (OSError, FormatError) as error:
        raise InputError(f"{folder / FACTS}: {error}") from error
    signer = open_signer(uri, ask)
    if sealing.public_key(signer, uri) != certificate.public_key():
        raise UntrustedError(f"{uri}: not the key of {folder / CERTIFICATE}")
    return FactoryAuthority(folder, product, certificate, signer)


def trusted(folder: Path) -> x509.Certificate:
    """Return the certificate of a line's authority, without its key.

    Raises:
        ThingNotFoundError: The line has none.
        InputError: It is no certificate.
    """
    return certificates(folder / CERTIFICATE)[0]


def draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    *,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    """Return what every certificate of a line says, to be extended."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    made = issuing.builder(subject, issuer, key, now, end - now)
    return made.add_extension(identifier, critical=False)


def issued_by(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Return the extension that tells who has signed."""
    found = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)


def certificates(file: Path) -> list[x509.Certificate]:
    """Return the certificates in a file, of which there is one.

    Raises:
        ThingNotFoundError: It is not there.
        InputError: There is no certificate in it.
    """
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except FileNotFoundError as error:
        raise ThingNotFoundError(f"{file}: no such file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: no certificate in PEM: {error}") from error


def write(file: Path, chain: Sequence[x509.Certificate]) -> None:
    """Write certificates to a file, whole or not at all."""
    with atomic.file(file) as stream:
        stream.write(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))


def _check(folder: Path, product: str) -> None:
    try:
        check_product(product)
    except FormatError as error:
        raise InputError(str(error)) from error
    if (folder / CERTIFICATE).exists():
        raise RefusedError(f"{folder / CERTIFICATE}: the line has an authority already")


def _key(folder: Path, text: str, ask: Secrets) -> tuple[str, Signer]:
    """Return where the key is from now on, and what signs with it."""
    uri = parse(text)
    if not isinstance(uri, FileUri):
        token_key.public_or_new(uri, Algorithm.P256, ask)
        return text, token_key.load(uri, ask)
    path = uri.path.absolute()
    if path.resolve().is_relative_to(folder.resolve()):
        raise RefusedError(
            f"{path}: the key of the authority would be in the folder of the line",
            hint="stations have copies of that folder: name a place that they do not see",
        )
    if not path.exists():
        file_key.make(path, Algorithm.P256)
    locked = uri.passphrase_file
    query = f"?passphrase-file={quote(str(locked.absolute()))}" if locked else ""
    return f"file:{quote(str(path))}{query}", file_key.load(uri, ask)
