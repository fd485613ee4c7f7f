"""Signatures as the boot loader of Raspberry Pi reads them: `boot.sig`, `pieeprom.sig`.

Text: the SHA-256 of the file, the time, and RSA over the bytes of the file, for what has to be
signed.

Source: raspberrypi/rpi-eeprom, rpi-eeprom-digest, and usbboot, docs/secure-boot.md, as facts.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from construct import Bytes, Int32ul, Struct
from cryptography.hazmat.primitives.asymmetric import rsa

from edge.errors import InputError, UntrustedError
from edge.keys import rsa_key
from edge.keys.rsa_key import SIGNATURE_BYTES, RsaSigner

EXPONENT_BYTES: Final = 8
MODULUS_BYTES: Final = 256
CUSTOMER_KEY: Final = 16
MOST_VERSION: Final = 32
MOST_SIGNED_BYTES: Final = 110 << 10
# What is appended to a second stage of BCM2712.
COUNTER: Final = Struct(
    "length_bytes" / Int32ul,
    "key" / Int32ul,
    "version" / Int32ul,
    "signature" / Bytes(SIGNATURE_BYTES),
    "public" / Bytes(MODULUS_BYTES + EXPONENT_BYTES),
)
_SIGNED_WORDS_BYTES: Final = 12
_LINE: Final = re.compile(r"([a-z0-9-]+): *(\S+)")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature file says.

    Attributes:
        sha256: Of the file, in hex.
        time_s: When it was made, in seconds since 1970; None if it does not say.
        chip: The only one that it is for, if it says so.
        rsa: The signature; None when the file is only hashed.
    """

    sha256: str
    time_s: int | None = None
    chip: str | None = None
    rsa: bytes | None = None

    def text(self) -> str:
        """Return the file."""
        lines = [self.sha256]
        if self.time_s is not None:
            lines.append(f"ts: {self.time_s}")
        if self.chip is not None:
            lines.append(f"target-soc: {self.chip}")
        if self.rsa is not None:
            lines.append(f"rsa2048: {self.rsa.hex()}")
        return "".join(f"{line}\n" for line in lines)


def signed(
    data: bytes, time_s: int, signer: RsaSigner | None = None, chip: str | None = None
) -> Signature:
    """Return the signature of a file; without a signer only its hash."""
    return Signature(
        hashlib.sha256(data).hexdigest(), time_s, chip, signer.sign(data) if signer else None
    )


def parse(text: str, name: str) -> Signature:
    """Read a signature file.

    Args:
        text: The file.
        name: What to call it in errors.

    Raises:
        InputError: It is none.
    """
    first, *lines = text.splitlines() or [""]
    if not re.fullmatch(r"[0-9a-f]{64}", first):
        raise InputError(f"{name}:1: no SHA-256 in hex")
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        match = _LINE.fullmatch(line.rstrip())
        if line.strip() and (match is None or match[1] in found):
            raise InputError(f"{name}:{number}: not a line of a signature")
        if match:
            found[match[1]] = match[2]
    try:
        rsa_bytes = bytes.fromhex(found["rsa2048"]) if "rsa2048" in found else None
        time_s = int(found["ts"]) if "ts" in found else None
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error
    if rsa_bytes is not None and len(rsa_bytes) != SIGNATURE_BYTES:
        raise InputError(f"{name}: the signature has {len(rsa_bytes)} bytes, not {SIGNATURE_BYTES}")
    return Signature(first, time_s, found.get("target-soc"), rsa_bytes)


def verify(data: bytes, made: Signature, public: rsa.RSAPublicKey, *, what: str) -> None:
    """Check a signature.

    Raises:
        UntrustedError: It is of another file or key, or none.
    """
    if hashlib.sha256(data).hexdigest() != made.sha256:
        raise UntrustedError(f"{what}: the signature is of another file")
    if made.rsa is None:
        raise UntrustedError(f"{what}: it is hashed, and not signed")
    rsa_key.verify(public, made.rsa, data, what=what)


def public_blob(public: rsa.RSAPublicKey) -> bytes:
    """Return a public key as it stands in the EEPROM: `pubkey.bin`."""
    numbers = public.public_numbers()
    return numbers.n.to_bytes(MODULUS_BYTES, "little") + numbers.e.to_bytes(
        EXPONENT_BYTES, "little"
    )


def key_hash(public: rsa.RSAPublicKey) -> str:
    """Return what is burnt into the chip: the SHA-256 of the public key, in hex."""
    return hashlib.sha256(public_blob(public)).hexdigest()


def counter_signed(code: bytes, signer: RsaSigner, version: int = 0) -> bytes:
    """Return a second stage of BCM2712, signed by Raspberry Pi, with a signature of one's own.

    Args:
        code: As Raspberry Pi publishes it.
        signer: Of the key whose hash is burnt into the chip.
        version: Against older ones, 0 to 32.

    Raises:
        InputError: It is too long, or such a version there is not.
    """
    if not 0 <= version <= MOST_VERSION:
        raise InputError(f"version {version}: not 0 to {MOST_VERSION}")
    words = (len(code), CUSTOMER_KEY, version)
    body = code + b"".join(word.to_bytes(4, "little") for word in words)
    made = body + signer.sign(body) + public_blob(signer.public)
    if len(made) > MOST_SIGNED_BYTES:
        raise InputError(f"with its signature it has {len(made)} bytes, not {MOST_SIGNED_BYTES}")
    return made


def verify_counter_signed(data: bytes, public: rsa.RSAPublicKey, *, what: str) -> int:
    """Check a second stage of BCM2712 that was counter-signed; return its version.

    Raises:
        UntrustedError: It is not, or by another key.
    """
    length = len(data) - COUNTER.sizeof()
    tail = COUNTER.parse(data[length:]) if length >= 0 else None
    if tail is None or (tail.length_bytes, tail.key) != (length, CUSTOMER_KEY):
        raise UntrustedError(f"{what}: it has no signature of a customer")
    if tail.public != public_blob(public):
        raise UntrustedError(f"{what}: it is signed with another key")
    rsa_key.verify(public, tail.signature, data[: length + _SIGNED_WORDS_BYTES], what=what)
    return int(tail.version)
