"""How a device shows that it has the key of its certificate: it signs a challenge of the factory.

What is signed begins with words that nothing else begins with, so a signature made here is good for
nothing else: neither TLS, nor a request, nor an update has this form.
"""

import re
from typing import Final

from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

NONCE_BYTES: Final = 32
_PREFIX: Final = b"Edge: proof of the key of a device, version 1\0"
_NONCE: Final = re.compile(r"[0-9a-f]{64}")


def message(device: str, nonce: bytes) -> bytes:
    """Return what is signed.

    Args:
        device: Its id.
        nonce: Of the factory, used once.

    Raises:
        FormatError: One of them can not be one.
    """
    check_device(device)
    if len(nonce) != NONCE_BYTES:
        raise FormatError(f"a challenge of {len(nonce)} bytes, not {NONCE_BYTES}")
    return _PREFIX + device.encode() + b"\0" + nonce


def nonce_of(text: str) -> bytes:
    """Return a challenge from its hex digits.

    Raises:
        FormatError: It is none.
    """
    if not _NONCE.fullmatch(text):
        raise FormatError(f"{text[:80]!r} is no challenge: {2 * NONCE_BYTES} hex digits")
    return bytes.fromhex(text)
