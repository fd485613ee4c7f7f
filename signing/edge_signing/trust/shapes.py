"""The shape of TUF metadata as JSON: which fields there are, and of which type.

python-tuf takes what it finds and falls over the rest later; here all types are checked first, so
that no bytes from outside make anything fall.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from edge_signing.errors import FormatError

# Refuses a value; the text says where in the document it is.
Shape = Callable[[Any, str], None]


def check(content: Any) -> None:
    """Refuse what has not the shape of a metadata file.

    Raises:
        FormatError: A field is missing, unknown or of another type, with its place.
    """
    _FILE(content, "metadata")
    kind = content["signed"].get("_type")
    shape = _KINDS.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise FormatError(f"signed._type: {kind!r} is no role")
    shape(content["signed"], "signed")


def text(pattern: str) -> Shape:
    """Return the shape of a string that matches as a whole."""
    compiled = re.compile(pattern, re.DOTALL)

    def shape(value: Any, place: str) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise FormatError(f"{place}: {value!r} is not in the form {pattern}")

    return shape


def whole(least: int) -> Shape:
    """Return the shape of an integer that is not below `least`."""

    def shape(value: Any, place: str) -> None:
        if type(value) is not int or value < least:
            raise FormatError(f"{place}: {value!r} is no integer from {least}")

    return shape


def exactly(wanted: object) -> Shape:
    """Return the shape of one value."""

    def shape(value: Any, place: str) -> None:
        if type(value) is not type(wanted) or value != wanted:
            raise FormatError(f"{place}: {value!r} is not {wanted!r}")

    return shape


def truth(value: Any, place: str) -> None:
    """Take true or false."""
    if not isinstance(value, bool):
        raise FormatError(f"{place}: {value!r} is neither true nor false")


def anything(value: Any, place: str) -> None:
    """Take any value."""
    del value, place


def listed(inner: Shape) -> Shape:
    """Return the shape of a list."""

    def shape(value: Any, place: str) -> None:
        if not isinstance(value, list):
            raise FormatError(f"{place}: no list")
        for index, one in enumerate(value):
            inner(one, f"{place}[{index}]")

    return shape


def mapped(key: Shape, inner: Shape) -> Shape:
    """Return the shape of an object whose keys are data."""

    def shape(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise FormatError(f"{place}: no object")
        for name, one in value.items():
            key(name, place)
            inner(one, f"{place}.{name}")

    return shape


def record(
    needed: Mapping[str, Shape], maybe: Mapping[str, Shape] | None = None, *, more: bool = False
) -> Shape:
    """Return the shape of an object with fields.

    Args:
        needed: Fields that have to be there.
        maybe: Fields that may be there.
        more: Other fields may be there, of any type.
    """
    known = {**needed, **(maybe or {})}

    def shape(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise FormatError(f"{place}: no object")
        if missing := set(needed) - set(value):
            raise FormatError(f"{place}: {min(missing)} is not there")
        for name, one in value.items():
            if name not in known and not more:
                raise FormatError(f"{place}: the field {name!r} is unknown")
            known.get(name, anything)(one, f"{place}.{name}")

    return shape


_SHA256: Final = text(r"[0-9a-f]{64}")
_NAME: Final = text(r".{1,255}")
_HASHES: Final = record({"sha256": _SHA256})
_SIGNATURE: Final = record({"keyid": _SHA256, "sig": text(r"(?:[0-9a-f]{2}){8,80}")})
_FILE: Final = record({"signatures": listed(_SIGNATURE), "signed": mapped(_NAME, anything)})

_KEY: Final = record(
    {"keytype": _NAME, "scheme": _NAME, "keyval": record({"public": text(r".{1,1000}")})}
)
_KEYS: Final = mapped(_SHA256, _KEY)
_ROLE: Final = {"keyids": listed(_SHA256), "threshold": whole(1)}
_DELEGATED: Final = {
    **_ROLE,
    "name": _NAME,
    "terminating": truth,
    "paths": listed(_NAME),
}
_FILE_META: Final = record({"hashes": _HASHES, "length": whole(0), "version": whole(1)})
_CUSTOM: Final = mapped(_NAME, anything)
_TARGET: Final = record({"hashes": _HASHES, "length": whole(0)}, {"custom": _CUSTOM})
_COMMON: Final[Mapping[str, Shape]] = {
    "_type": _NAME,
    "expires": text(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
    "spec_version": text(r"1\.0\.[0-9]{1,4}"),
    "version": whole(1),
}
# Fields of later versions may stand beside those of today: they are signed.
_KINDS: Final[Mapping[str, Shape]] = {
    "root": record(
        {
            **_COMMON,
            "consistent_snapshot": exactly(True),
            "keys": _KEYS,
            "roles": mapped(_NAME, record(_ROLE, more=True)),
        },
        more=True,
    ),
    "targets": record(
        {**_COMMON, "targets": mapped(_NAME, _TARGET)},
        {"delegations": record({"keys": _KEYS, "roles": listed(record(_DELEGATED, more=True))})},
        more=True,
    ),
    "snapshot": record({**_COMMON, "meta": mapped(_NAME, _FILE_META)}, more=True),
    "timestamp": record({**_COMMON, "meta": record({"snapshot.json": _FILE_META})}, more=True),
}
