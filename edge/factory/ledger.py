"""The ledger of a station: an entry that was added is on the disk before anything follows it.

After a power cut at any byte the next opening finds every entry that `append` returned. What the
cut left half written is the last line at most: it is kept in a file beside, and that is recorded.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from edge.errors import EdgeError, InputError, UntrustedError
from edge.factory import entry as entry_forms
from edge.factory.chain import Chain
from edge.factory.entry import MOST_BYTES, Entry, Kind, Said

FILE: Final = "ledger.jsonl"
HEAD: Final = "head.json"
TORN: Final = "torn-"
# After these the end of the chain is noted beside it, so that cutting off whole lines is found.
_SEALED: Final = frozenset((Kind.END, Kind.SCRAP, Kind.REWORK, Kind.VOID))
_HINT: Final = "look at it with edge factory verify; a copy may be whole: edge factory merge"

Visit = Callable[[Entry], None]


class Storage(Protocol):
    """The files of a station; whatever a call did is durable when it returns."""

    def lines(self) -> Iterable[bytes]:
        """Give the lines of the ledger with their ends; none if there is no ledger."""

    def append(self, data: bytes) -> None:
        """Add a line by one write."""

    def shorten(self, length_bytes: int) -> None:
        """Cut the ledger off behind so many bytes."""

    def read(self, name: str) -> bytes | None:
        """Return a small file; None if it is not there."""

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whole or not at all."""

    def names(self) -> list[str]:
        """Return the names of the small files."""

    def close(self) -> None:
        """Let others open it."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a ledger is known to go."""

    n: int = 0
    digest: str = ""

    def document(self) -> bytes:
        """Return it as a file."""
        return json.dumps({"digest": self.digest, "n": self.n}).encode() + b"\n"


def head(storage: Storage) -> Head:
    """Return the noted end of a ledger.

    Raises:
        UntrustedError: The note is damaged.
    """
    data = storage.read(HEAD)
    if data is None:
        return Head()
    try:
        found = json.loads(data)
        known = Head(found["n"], found["digest"])
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedError(f"{HEAD}: damaged", hint=_HINT) from error
    if known.document() != data or type(known.n) is not int or known.n < 1:
        raise UntrustedError(f"{HEAD}: damaged", hint=_HINT)
    return known


def entries(storage: Storage, line: str, station: str) -> Iterator[Entry]:
    """Give all entries of a ledger that has to be whole; nothing is written.

    Raises:
        UntrustedError: It is not what it was.
    """
    chain = Chain.begun(line, station)
    known = head(storage)
    for text in storage.lines():
        found = chain.take(text)
        _require_head(found, known)
        yield found
    _require_length(chain, known)


def _require_head(found: Entry, known: Head) -> None:
    if found.n == known.n and found.digest != known.digest:
        raise UntrustedError(f"entry {found.n}: it is another one than was noted", hint=_HINT)


def _require_length(chain: Chain, known: Head) -> None:
    if chain.n < known.n:
        raise UntrustedError(
            f"it ends with entry {chain.n}, and there were {known.n}: lines are missing", hint=_HINT
        )


class Ledger:
    """A ledger that is open to be written, by one thread at a time.

    Args:
        storage: Its files, locked for us.
        line: Name of the line.
        station: Whose it is.
        now_ms: Returns the time, milliseconds since 1970.
        visit: Gets every entry that is there, and every one that is added.

    Raises:
        UntrustedError: It is damaged, not by a power cut.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        line: str,
        station: str,
        now_ms: Callable[[], int],
        visit: Visit = lambda _entry: None,
    ) -> None:
        self._storage, self._now_ms, self._visit = storage, now_ms, visit
        self._chain = Chain.begun(line, station)
        self._lock = threading.Lock()
        self._failure: EdgeError | None = None
        self._told: set[str] = set()
        torn = self._read(head(storage))
        if torn:
            self._put_aside(torn)
        self._record_torn()

    @property
    def station(self) -> str:
        """Whose it is."""
        return self._chain.station

    @property
    def count(self) -> int:
        """How many entries it has."""
        return self._chain.n

    def append(self, said: Said) -> Entry:
        """Add an entry, and return it when it is on the disk.

        Raises:
            EdgeError: It could not be written: the ledger takes no more.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            try:
                return self._append(said)
            except OSError as error:
                self._failure = EdgeError(
                    f"{FILE}: {error.strerror or error}",
                    hint="nothing is recorded any more: free the disk, then start again",
                )
                raise self._failure from error

    def close(self) -> None:
        """Let others open it."""
        with self._lock:
            self._failure = EdgeError(f"{FILE}: it is closed")
            self._storage.close()

    def _append(self, said: Said) -> Entry:
        entry = self._chain.add(self._now_ms(), said)
        data = entry.line()
        if len(data) > MOST_BYTES:
            raise InputError(f"an entry of {len(data)} bytes is too long for the ledger")
        self._storage.append(data)
        self._chain.took(entry, len(data))
        if said.kind in _SEALED:
            self._storage.write(HEAD, Head(entry.n, entry.digest).document())
        self._visit(entry)
        return entry

    def _read(self, known: Head) -> bytes:
        """Follow what is there; return the torn last line, empty when there is none."""
        torn = b""
        for text in self._storage.lines():
            if torn:
                raise UntrustedError(f"{FILE}: entry {self._chain.n + 1} is damaged", hint=_HINT)
            try:
                found = self._chain.take(text)
            except UntrustedError as error:
                if self._chain.n < known.n or _is_whole(text):
                    raise UntrustedError(f"{FILE}: {error}", hint=_HINT) from error
                torn = text
                continue
            _require_head(found, known)
            self._told.add(str(found.said.details.get("torn", "")))
            self._visit(found)
        _require_length(self._chain, known)
        return torn

    def _put_aside(self, torn: bytes) -> None:
        name = f"{TORN}{self._chain.n + 1}-{hashlib.sha256(torn).hexdigest()[:16]}"
        self._storage.write(name, torn)
        self._storage.shorten(self._chain.length_bytes)

    def _record_torn(self) -> None:
        """Write down what was put aside and is not told of yet, by an earlier opening too."""
        for name in self._storage.names():
            if name.startswith(TORN) and name not in self._told:
                data = self._storage.read(name) or b""
                details = {"torn": name, "sha256": hashlib.sha256(data).hexdigest()}
                self.append(Said(Kind.VOID, details=details))


def _is_whole(text: bytes) -> bool:
    """Return whether a line that does not belong is a whole entry: no power cut writes one."""
    try:
        entry_forms.parse(text.removesuffix(b"\n"))
    except UntrustedError:
        return False
    return text.endswith(b"\n")
