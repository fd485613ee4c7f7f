"""Which grants were used, on the disk before anything is answered: none opens a second session.

Ids are let go only when there are too many, those first that ended earliest; what ends as early
as one of them is refused from then on, whatever a clock says.
"""

from typing import Final

from edge_agent.errors import StoreError
from edge_agent.store import Files
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.terminal.grant import SESSION, Grant

FILE: Final = "grants"
MOST: Final = 256
_FORMAT: Final = 1


class Used:
    """The grants that were used.

    Args:
        files: Where they are kept.

    Raises:
        StoreError: They can not be read: then nobody knows, and no grant may be taken.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self.forgotten_s, self._ends_s = _read(files)

    def has(self, session: str) -> bool:
        """Return whether a grant was used, as far as its id was not let go."""
        return session in self._ends_s

    def add(self, grant: Grant) -> None:
        """Note that a grant is used; when this returns it is on the disk.

        Raises:
            StoreError: It can not be written; then the grant may not be taken.
        """
        ends_s = {**self._ends_s, grant.session: grant.not_after_s}
        forgotten_s = self.forgotten_s
        while len(ends_s) > MOST:
            first = min(ends_s, key=lambda one: ends_s[one])
            forgotten_s = max(forgotten_s, ends_s.pop(first))
        said = [{"not_after_s": end_s, "session": one} for one, end_s in sorted(ends_s.items())]
        document = {"forgotten_s": forgotten_s, "format": _FORMAT, "grants": said}
        self._files.write_atomic(FILE, canonical.encode(document))
        self.forgotten_s, self._ends_s = forgotten_s, ends_s


def _read(files: Files) -> tuple[int, dict[str, int]]:
    data = files.read(FILE)
    if data is None:
        return 0, {}
    try:
        fields = Fields(canonical.decode(data), FILE)
        fields.one_of("format", (_FORMAT,))
        forgotten_s = fields.integer("forgotten_s")
        found = fields.each("grants", _grant)
        fields.end()
    except FormatError as error:
        raise StoreError(f"{FILE}: {error}") from error
    return forgotten_s, dict(found)


def _grant(fields: Fields) -> tuple[str, int]:
    return fields.text("session", SESSION), fields.integer("not_after_s")
