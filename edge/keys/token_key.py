"""Keys in PKCS#11 tokens: the private part never leaves the token.

python-pkcs11 is imported only when a token is used. Ed25519 by CKM_EDDSA, P-256 by CKM_ECDSA over a
SHA-256 made here, which every token has.

Source: PKCS #11 3.0, §2.3.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from edge.errors import EdgeError, InputError, ThingNotFoundError, UntrustedError
from edge.keys import secrets
from edge.keys.public import Algorithm, algorithm_of, from_crypto
from edge.keys.secrets import Secrets
from edge.keys.uri import TokenUri, parse

if TYPE_CHECKING:
    import pkcs11

MODULE_VARIABLE = "EDGE_PKCS11_MODULE"
# DER of the curve's names: PrintableString "edwards25519" (PKCS #11 3.0) or OID 1.3.101.112.
_EDWARDS = (b"\x13\x0cedwards25519", b"\x06\x03\x2b\x65\x70")


class KeyMissingError(ThingNotFoundError):
    """The token is there, the key is not."""


class TokenSigner(Signer):
    """Signs with a private key in a token; a session is open only while it signs."""

    def __init__(self, uri: TokenUri, public: SSlibKey, ask: Secrets) -> None:
        self._uri = uri
        self._public = public
        self._ask = ask

    @property
    def public_key(self) -> SSlibKey:
        """The public part."""
        return self._public

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> "TokenSigner":
        """Return the signer for a URI."""
        uri = parse(priv_key_uri)
        if not isinstance(uri, TokenUri):
            raise InputError(f"the key URI {priv_key_uri!r} names no token")
        signer = load(uri, secrets_handler or secrets.nobody)
        if signer.public_key != public_key:
            raise UntrustedError(f"{uri.token}: {uri.object} is another key")
        return signer

    def sign(self, payload: bytes) -> Signature:
        """Return the signature of some bytes."""
        import pkcs11

        with session(self._uri, pin=pin(self._uri, self._ask)) as opened:
            private = one(opened, self._uri, pkcs11.ObjectClass.PRIVATE_KEY)
            if algorithm_of(self._public) is Algorithm.ED25519:
                signature = private.sign(payload, mechanism=pkcs11.Mechanism.EDDSA)
            else:
                digest = hashlib.sha256(payload).digest()
                raw = private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
                signature = pkcs11.util.ec.encode_ecdsa_signature(raw)
        return Signature(self._public.keyid, bytes(signature).hex())


def load(uri: TokenUri, ask: Secrets) -> TokenSigner:
    """Return the signer of a key in a token.

    Raises:
        ThingNotFoundError: Token or key are not there.
        EdgeError: python-pkcs11 or the token's module can not be used.
    """
    return TokenSigner(uri, public_part(uri), ask)


def public_part(uri: TokenUri) -> SSlibKey:
    """Return the public part of a key in a token; needs no PIN.

    Raises:
        ThingNotFoundError: Token or key are not there.
        EdgeError: python-pkcs11 or the token's module can not be used.
    """
    with session(uri) as opened:
        import pkcs11

        return _public(one(opened, uri, pkcs11.ObjectClass.PUBLIC_KEY))


def public_or_new(uri: TokenUri, algorithm: Algorithm, ask: Secrets) -> SSlibKey:
    """Return the public part of a key in a token, which is made when it is not there.

    Raises:
        EdgeError: As `public_part` and `make`.
    """
    try:
        return public_part(uri)
    except KeyMissingError:
        return make(uri, algorithm, ask)


def make(uri: TokenUri, algorithm: Algorithm, ask: Secrets) -> SSlibKey:
    """Make a key in a token and return its public part.

    Raises:
        ThingNotFoundError: The token is not there.
        InputError: A key of this name is in it.
        EdgeError: The token can not make such a key.
    """
    import pkcs11

    curve = "1.3.101.112" if algorithm is Algorithm.ED25519 else "secp256r1"
    parameters = (
        _EDWARDS[1]
        if algorithm is Algorithm.ED25519
        else pkcs11.util.ec.encode_named_curve_parameters(curve)
    )
    kind = pkcs11.KeyType.EC_EDWARDS if algorithm is Algorithm.ED25519 else pkcs11.KeyType.EC
    with session(uri, pin=pin(uri, ask)) as opened:
        label = {pkcs11.Attribute.LABEL: uri.object}
        if next(iter(opened.get_objects(label)), None) is not None:
            raise InputError(f"{uri.token}: holds a key {uri.object!r} already")
        domain = opened.create_domain_parameters(
            kind, {pkcs11.Attribute.EC_PARAMS: parameters}, local=True
        )
        public, _private = domain.generate_keypair(label=uri.object, store=True)
        return _public(public)


def _public(found: Any) -> SSlibKey:
    import pkcs11
    from pkcs11.util.ec import encode_ec_public_key

    if found[pkcs11.Attribute.EC_PARAMS] in _EDWARDS:
        # The point is an OCTET STRING: two bytes ahead of the 32 of the key.
        point = bytes(found[pkcs11.Attribute.EC_POINT])[-32:]
        return from_crypto(ed25519.Ed25519PublicKey.from_public_bytes(point))
    return from_crypto(serialization.load_der_public_key(encode_ec_public_key(found)))


def one(opened: "pkcs11.Session", uri: TokenUri, kind: Any) -> Any:
    """Return the object of a URI.

    Raises:
        ThingNotFoundError: The token has none.
        InputError: It has several.
    """
    import pkcs11

    wanted = {pkcs11.Attribute.LABEL: uri.object, pkcs11.Attribute.CLASS: kind}
    if uri.id is not None:
        wanted[pkcs11.Attribute.ID] = uri.id
    found = list(opened.get_objects(wanted))
    if not found:
        raise KeyMissingError(f"{uri.token}: holds no key {uri.object!r}")
    if len(found) > 1:
        raise InputError(f"{uri.token}: holds {len(found)} keys {uri.object!r}", hint="add id=…")
    return found[0]


def pin(uri: TokenUri, ask: Secrets) -> str:
    """Return the PIN of a token, from the file that the URI names or from who can be asked."""
    return secrets.read(uri.pin_source) if uri.pin_source else ask(f"PIN of {uri.token}")


@contextmanager
def session(uri: TokenUri, pin: str | None = None) -> Iterator["pkcs11.Session"]:
    """Open a token until the block ends; with its PIN, what is private too.

    Raises:
        ThingNotFoundError: The token is not there.
        EdgeError: python-pkcs11 or the token's module can not be used, or the PIN is wrong.
    """
    try:
        import pkcs11
    except ImportError as error:
        raise EdgeError(
            "keys in tokens need python-pkcs11", hint="pip install 'edge-os[hsm]'"
        ) from error
    module = uri.module or os.environ.get(MODULE_VARIABLE)
    if not module:
        raise InputError(
            f"{uri.token}: which PKCS#11 module?",
            hint=f"add ?module-path=/path/to/module.so, or set {MODULE_VARIABLE}",
        )
    try:
        token = _token(pkcs11.lib(module), uri)
        with token.open(rw=pin is not None, user_pin=pin) as opened:
            yield opened
    except pkcs11.PinIncorrect as error:
        raise InputError(f"{uri.token}: the PIN is wrong") from error
    except pkcs11.PKCS11Error as error:
        said = str(error) or type(error).__name__
        raise EdgeError(f"{uri.token}: {uri.object}: {said}") from error
    except RuntimeError as error:
        raise EdgeError(f"{module}: {error}") from error


def _token(library: Any, uri: TokenUri) -> Any:
    found = [
        slot.get_token()
        for slot in library.get_slots(token_present=True)
        if _is(slot.get_token(), uri)
    ]
    if not found:
        raise ThingNotFoundError(f"no token {uri.token!r} is plugged in")
    if len(found) > 1:
        raise InputError(f"{len(found)} tokens are called {uri.token!r}", hint="add serial=…")
    return found[0]


def _is(token: Any, uri: TokenUri) -> bool:
    serial = bytes(token.serial).decode(errors="replace").strip()
    return str(token.label).strip() == uri.token and uri.serial in (None, serial)
