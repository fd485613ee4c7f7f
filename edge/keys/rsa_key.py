"""RSA-2048 keys for boot ROMs and boot loaders that know nothing else, in files and tokens.

PKCS#1 v1.5 over SHA-256: the same bytes give the same signature.

Source: RFC 8017, 8.2; PKCS #11 3.0, 2.1 (CKM_SHA256_RSA_PKCS).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from edge.errors import InputError, ThingNotFoundError, UntrustedError
from edge.keys import file_key, token_key
from edge.keys.secrets import Secrets
from edge.keys.uri import FileUri, TokenUri, parse

BITS = 2048
SIGNATURE_BYTES = BITS // 8


@dataclass(frozen=True, slots=True)
class RsaSigner:
    """Signs with a private key.

    Attributes:
        public: The public part.
        sign: Returns the 256 bytes of a signature.
    """

    public: rsa.RSAPublicKey
    sign: Callable[[bytes], bytes]


def open_signer(text: str, ask: Secrets) -> RsaSigner:
    """Return the signer of the private key at a URI: `file:PATH` or `pkcs11:…`.

    Raises:
        EdgeError: The key can not be had, or is no RSA key of 2048 bits.
    """
    uri = parse(text)
    match uri:
        case FileUri():
            return _of_file(uri, ask)
        case TokenUri():
            return _of_token(uri, ask)
        case _:
            assert_never(uri)


def read_public(path: Path) -> rsa.RSAPublicKey:
    """Return the public key in a PEM file.

    Raises:
        ThingNotFoundError: The file is not there.
        InputError: It holds no public RSA key of 2048 bits.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ThingNotFoundError(f"{path}: {error.strerror}") from error
    try:
        found: object = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path}: no public key: {error}") from error
    return _checked(found, str(path))


def verify(public: rsa.RSAPublicKey, signature: bytes, data: bytes, *, what: str) -> None:
    """Check a signature.

    Raises:
        UntrustedError: It is not of this key, or not of this data.
    """
    try:
        public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise UntrustedError(f"{what}: the signature is not of this key") from error


def _of_file(uri: FileUri, ask: Secrets) -> RsaSigner:
    private = file_key.private_part(uri, ask)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise InputError(f"{uri.path}: the key is not RSA", hint="openssl genrsa 2048 makes one")
    key = private
    public = _checked(key.public_key(), str(uri.path))
    return RsaSigner(public, lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256()))


def _of_token(uri: TokenUri, ask: Secrets) -> RsaSigner:
    def signed(data: bytes) -> bytes:
        import pkcs11

        with token_key.session(uri, pin=token_key.pin(uri, ask)) as session:
            private = token_key.one(session, uri, pkcs11.ObjectClass.PRIVATE_KEY)
            return bytes(private.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))

    return RsaSigner(_public_of_token(uri), signed)


def _public_of_token(uri: TokenUri) -> rsa.RSAPublicKey:
    with token_key.session(uri) as session:
        import pkcs11

        found = token_key.one(session, uri, pkcs11.ObjectClass.PUBLIC_KEY)
        if found.key_type != pkcs11.KeyType.RSA:
            raise InputError(f"{uri.token}: {uri.object} is no RSA key")
        modulus = int.from_bytes(found[pkcs11.Attribute.MODULUS], "big")
        exponent = int.from_bytes(found[pkcs11.Attribute.PUBLIC_EXPONENT], "big")
    return _checked(rsa.RSAPublicNumbers(exponent, modulus).public_key(), uri.object)


def _checked(found: object, where: str) -> rsa.RSAPublicKey:
    if not isinstance(found, rsa.RSAPublicKey) or found.key_size != BITS:
        raise InputError(f"{where}: the key is no RSA key of {BITS} bits")
    return found
