"""A signer for any URI."""

from pathlib import Path
from typing import assert_never

from securesystemslib.signer import Signer, SSlibKey

from edge.errors import UntrustedError
from edge.keys import file_key, token_key
from edge.keys.secrets import Secrets
from edge.keys.uri import FileUri, TokenUri, parse


def open_signer(text: str, ask: Secrets, *, folder: Path | None = None) -> Signer:
    """Return the signer of the private key at a URI.

    Args:
        text: `file:PATH` or `pkcs11:…`.
        ask: Gets a passphrase or a PIN when no file with it is named.
        folder: What relative paths start from.

    Raises:
        EdgeError: The key can not be had.
    """
    uri = parse(text, folder)
    match uri:
        case FileUri():
            return file_key.load(uri, ask)
        case TokenUri():
            return token_key.load(uri, ask)
        case _:
            assert_never(uri)


def open_as(text: str, public: SSlibKey, ask: Secrets, *, folder: Path | None = None) -> Signer:
    """Return the signer at a URI, if its key is the one that is expected.

    Raises:
        UntrustedError: It is another key.
        EdgeError: The key can not be had.
    """
    signer = open_signer(text, ask, folder=folder)
    if signer.public_key.keyval != public.keyval:
        raise UntrustedError(f"{text}: holds another key than the key ring says")
    return signer
