"""Where a private key is: `file:PATH` or a PKCS#11 URI.

Source: RFC 7512 (pkcs11), of which the attributes below are known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from edge.errors import InputError

FILE = "file"
PKCS11 = "pkcs11"
_FILE_QUERY = frozenset(("passphrase-file",))
_TOKEN_PATH = frozenset(("token", "object", "serial", "id", "type"))
_TOKEN_QUERY = frozenset(("module-path", "pin-source"))


@dataclass(frozen=True, slots=True)
class FileUri:
    """A private key in a PEM file."""

    path: Path
    passphrase_file: Path | None = None


@dataclass(frozen=True, slots=True)
class TokenUri:
    """A private key in a PKCS#11 token."""

    token: str
    object: str
    serial: str | None = None
    id: bytes | None = None
    module: str | None = None
    pin_source: Path | None = None


KeyUri = FileUri | TokenUri


def parse(text: str, folder: Path | None = None) -> KeyUri:
    """Return where a private key is.

    Args:
        text: A URI; a bare path stands for `file:PATH`.
        folder: What relative paths start from; the working folder when None.

    Raises:
        InputError: It is of another scheme, or an attribute is unknown, missing or a secret.
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme == PKCS11:
        return _token(text, rest, folder)
    if colon and scheme == FILE:
        path, _mark, query = rest.partition("?")
        found = _attributes(text, query, "&", _FILE_QUERY)
        if not path:
            raise InputError(f"the key URI {text!r} names no file")
        return FileUri(_below(folder, unquote(path)), _optional(folder, found, "passphrase-file"))
    if colon and "/" not in scheme and not Path(text).exists():
        raise InputError(
            f"the key URI {text!r} has an unknown scheme", hint="use file:PATH or pkcs11:…"
        )
    return FileUri(_below(folder, text))


def _token(text: str, rest: str, folder: Path | None) -> TokenUri:
    path, _mark, query = rest.partition("?")
    found = _attributes(text, path, ";", _TOKEN_PATH)
    asked = _attributes(text, query, "&", _TOKEN_QUERY)
    if "token" not in found or "object" not in found:
        raise InputError(
            f"the key URI {text!r} does not name token and object",
            hint="such as pkcs11:token=release;object=root-1?module-path=/usr/lib/module.so",
        )
    return TokenUri(
        token=found["token"],
        object=found["object"],
        serial=found.get("serial"),
        id=found["id"].encode("latin-1") if "id" in found else None,
        module=asked.get("module-path"),
        pin_source=_optional(folder, asked, "pin-source"),
    )


def _attributes(text: str, part: str, mark: str, known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for attribute in filter(None, part.split(mark)):
        name, _equals, value = attribute.partition("=")
        if name == "pin-value":
            raise InputError(
                "a PIN on the command line is seen by everybody on this machine",
                hint="write it to a file of mode 0600 and say pin-source=FILE",
            )
        if name not in known or name in found or not value:
            hint = f"known are {', '.join(sorted(known))}"
            raise InputError(f"the key URI {text!r}: the attribute {name!r} is wrong", hint=hint)
        found[name] = unquote(value, encoding="latin-1" if name == "id" else "utf-8")
    return found


def _optional(folder: Path | None, found: Mapping[str, str], name: str) -> Path | None:
    value = found.get(name)
    return None if value is None else _below(folder, value.removeprefix("file:"))


def _below(folder: Path | None, path: str) -> Path:
    return Path(path) if folder is None else folder / path
