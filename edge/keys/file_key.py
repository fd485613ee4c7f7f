"""Keys in PEM files (PKCS#8, mode 0600). The same bytes give the same signature, P-256 too.

Source: RFC 6979 (deterministic ECDSA).
"""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from edge.errors import EdgeError, InputError, RefusedError, UntrustedError
from edge.keys import secrets
from edge.keys.public import Algorithm, from_crypto
from edge.keys.secrets import Secrets
from edge.keys.uri import FileUri, parse

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
_MODE = 0o600


class FileSigner(Signer):
    """Signs with a private key that was read from a file."""

    def __init__(self, private: PrivateKey, public: SSlibKey) -> None:
        self._private = private
        self._public = public

    @property
    def public_key(self) -> SSlibKey:
        """The public part."""
        return self._public

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> "FileSigner":
        """Return the signer for a URI."""
        uri = parse(priv_key_uri)
        if not isinstance(uri, FileUri):
            raise InputError(f"the key URI {priv_key_uri!r} names no file")
        signer = load(uri, secrets_handler or secrets.nobody)
        if signer.public_key != public_key:
            raise UntrustedError(f"{uri.path}: holds another key")
        return signer

    def sign(self, payload: bytes) -> Signature:
        """Return the signature of some bytes."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            signature = self._private.sign(payload)
        else:
            signature = self._private.sign(payload, _deterministic())
        return Signature(self._public.keyid, signature.hex())


def load(uri: FileUri, ask: Secrets) -> FileSigner:
    """Return the signer of a file.

    Raises:
        ThingNotFoundError: The file is not there.
        RefusedError: Others may read it, or there is nobody to ask for its passphrase.
        InputError: It is no private key of ours, or the passphrase is wrong.
    """
    private = private_part(uri, ask)
    if not isinstance(private, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
        raise InputError(f"{uri.path}: the key is neither Ed25519 nor P-256")
    return FileSigner(private, from_crypto(private.public_key()))


def private_part(uri: FileUri, ask: Secrets) -> object:
    """Return the private key in a file, of whatever kind it is.

    Raises:
        EdgeError: As `load`.
    """
    data = secrets.private_bytes(uri.path)
    try:
        return serialization.load_pem_private_key(data, None)
    except TypeError:
        return _unlocked(uri, data, ask)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{uri.path}: no private key: {error}") from error


def make(path: Path, algorithm: Algorithm, passphrase: str | None = None) -> SSlibKey:
    """Make a key, write its private part to a new file, and return the public part.

    Raises:
        RefusedError: The file is there: keys are never written over.
    """
    private: PrivateKey
    if algorithm is Algorithm.ED25519:
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        locked = serialization.BestAvailableEncryption(passphrase.encode())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
    )
    _write_new(path, pem)
    return from_crypto(private.public_key())


def _write_new(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError as error:
        raise RefusedError(f"{path}: a key is there, and is not written over") from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _unlocked(uri: FileUri, data: bytes, ask: Secrets) -> object:
    file = uri.passphrase_file
    found = secrets.read(file) if file else ask(secrets.of_file(uri.path.name))
    try:
        return serialization.load_pem_private_key(data, found.encode())
    except ValueError as error:
        raise InputError(f"{uri.path}: the passphrase is wrong") from error


def _deterministic() -> ec.ECDSA:
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm as error:
        raise EdgeError(
            "this OpenSSL has no deterministic ECDSA", hint="install cryptography 43 or newer"
        ) from error
