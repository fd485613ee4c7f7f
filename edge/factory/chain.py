"""Follow a ledger from its first byte: every entry right, each behind the one before.

Pure: bytes in, entries out; nothing is repaired here.
"""

from dataclasses import dataclass

from edge.errors import UntrustedError
from edge.factory import entry as entries
from edge.factory.entry import Entry


@dataclass(slots=True)
class Chain:
    """The end of a ledger as far as it was followed.

    Attributes:
        station: Whose it is.
        n: The number of the last entry; 0 before the first.
        digest: That of the last entry.
        at_ms: When that was.
        length_bytes: Where it ends in the file.
    """

    station: str
    n: int
    digest: str
    at_ms: int = 0
    length_bytes: int = 0

    @classmethod
    def begun(cls, line: str, station: str) -> "Chain":
        """Return the chain without any entry."""
        return cls(station, 0, entries.genesis(line, station))

    def take(self, line: bytes) -> Entry:
        """Follow one line, with its end.

        Raises:
            UntrustedError: It does not belong here.
        """
        place = f"entry {self.n + 1}"
        if not line.endswith(b"\n"):
            raise UntrustedError(f"{place}: the line has no end")
        try:
            found = entries.parse(line[:-1])
        except UntrustedError as error:
            raise UntrustedError(f"{place}: {error}") from error
        if found.n != self.n + 1:
            raise UntrustedError(f"{place}: it says that it is number {found.n}")
        if found.previous != self.digest:
            raise UntrustedError(f"{place}: it does not follow the one before")
        if found.station != self.station:
            raise UntrustedError(f"{place}: it is of the station {found.station}")
        self._to(found, len(line))
        return found

    def _to(self, found: Entry, length_bytes: int) -> None:
        self.n, self.digest, self.at_ms = found.n, found.digest, found.at_ms
        self.length_bytes += length_bytes

    def add(self, at_ms: int, said: entries.Said) -> Entry:
        """Return the next entry; the chain ends with it when it is `took`."""
        # A clock that goes back does not make the record do so.
        return entries.following(
            self.n + 1, self.digest, max(at_ms, self.at_ms), self.station, said
        )

    def took(self, entry: Entry, length_bytes: int) -> None:
        """Say that an entry was written."""
        self._to(entry, length_bytes)
