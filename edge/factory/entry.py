"""One line of a ledger: what happened, and a digest that holds it to the line before.

An entry is one line of canonical JSON. Its digest is the SHA-256 of that object less `digest`; it
names the digest of the entry before, the first one that of the line and the station.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from edge.errors import UntrustedError
from edge_signing import canonical
from edge_signing.errors import FormatError

MOST_BYTES: Final = 256 << 10
_GENESIS: Final = b"edge factory ledger 1\0"
_TEXTS: Final = ("previous", "station", "kind", "unit", "device", "port", "operator", "digest")
_KEYS: Final = frozenset((*_TEXTS, "n", "at_ms", "details"))


class Kind(StrEnum):
    """What an entry tells; stored names never change."""

    START = "start"
    STEP = "step"
    END = "end"
    SCRAP = "scrap"
    REWORK = "rework"
    RANGE = "range"
    GOLDEN = "golden"
    SHIFT = "shift"
    SYNC = "sync"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be written down, before it has a place in the chain.

    Attributes:
        kind: What it tells.
        unit: The run of one board; empty where it is about none.
        device: Its id; empty until it has one.
        port: Where it was, may be empty.
        operator: Who stood there, may be empty.
        details: All else, canonical JSON.
    """

    kind: Kind
    unit: str = ""
    device: str = ""
    port: str = ""
    operator: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said, at its place in the chain.

    Attributes:
        n: Its number, counts from 1.
        previous: The digest of the entry before.
        at_ms: When, milliseconds since 1970.
        station: Whose ledger it is.
        said: What it tells.
        digest: Of all this, SHA-256 in hex.
    """

    n: int
    previous: str
    at_ms: int
    station: str
    said: Said
    digest: str

    @property
    def at_s(self) -> int:
        """When, seconds since 1970."""
        return self.at_ms // 1000

    def line(self) -> bytes:
        """Return it as it stands in the file."""
        value = _value(self.n, self.previous, self.at_ms, self.station, self.said)
        return canonical.encode({**value, "digest": self.digest}) + b"\n"


def genesis(line: str, station: str) -> str:
    """Return what the first entry of a station names as the one before."""
    return hashlib.sha256(_GENESIS + canonical.encode([line, station])).hexdigest()


def following(n: int, previous: str, at_ms: int, station: str, said: Said) -> Entry:
    """Return an entry behind another one."""
    value = _value(n, previous, at_ms, station, said)
    digest = hashlib.sha256(canonical.encode(value)).hexdigest()
    return Entry(n, previous, at_ms, station, said, digest)


def parse(line: bytes) -> Entry:
    """Return the entry of a line, without its end.

    Raises:
        UntrustedError: It is none, or not what its digest says.
    """
    try:
        value = canonical.decode(line, limit_bytes=MOST_BYTES)
    except FormatError as error:
        raise UntrustedError(str(error)) from error
    if not isinstance(value, dict) or value.keys() != _KEYS:
        raise UntrustedError("it is no entry of a ledger")
    _require_types(value)
    said = Said(
        Kind(value["kind"]),
        value["unit"],
        value["device"],
        value["port"],
        value["operator"],
        value["details"],
    )
    if _digest(line, value["digest"]) != value["digest"]:
        raise UntrustedError("it is not what its digest says: it was changed")
    return Entry(
        value["n"], value["previous"], value["at_ms"], value["station"], said, value["digest"]
    )


def _digest(line: bytes, written: str) -> str:
    """Return the digest of a line in its canonical form, less what it says itself.

    Behind the key of the object itself there are only numbers and strings, in which no quote stands
    without a backslash: the last place that looks like it is the one.
    """
    own = b'"digest":"' + written.encode() + b'",'
    at = line.rfind(own)
    if at < 0:
        return ""
    return hashlib.sha256(line[:at] + line[at + len(own) :]).hexdigest()


def _require_types(value: dict[str, Any]) -> None:
    fits = all(isinstance(value[key], str) for key in _TEXTS)
    fits &= all(type(value[key]) is int for key in ("n", "at_ms"))
    fits &= isinstance(value["details"], dict) and value["kind"] in set(Kind)
    if not fits:
        raise UntrustedError("it is no entry of a ledger: a value has the wrong type")


def _value(n: int, previous: str, at_ms: int, station: str, said: Said) -> dict[str, Any]:
    return {
        "n": n,
        "previous": previous,
        "at_ms": at_ms,
        "station": station,
        "kind": said.kind.value,
        "unit": said.unit,
        "device": said.device,
        "port": said.port,
        "operator": said.operator,
        "details": said.details,
    }
