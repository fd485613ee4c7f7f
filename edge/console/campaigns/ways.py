"""What devices have to fetch for a release: by a patch from what they run, or whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from edge.console import foreign
from edge.console.releases import FOREIGN, Release
from edge.console.repository.vault import Vault
from edge_signing.release import PatchSet, Payload
from edge_signing.release import Release as Document


@dataclass(frozen=True, slots=True)
class Ways:
    """How many bytes a release costs a device.

    Attributes:
        full: Without a patch.
        patched: With one, by the version that runs.
        by_board: Of a foreign release: its file for each board.
    """

    full: int
    patched: Mapping[str, int] = field(default_factory=dict)
    by_board: Mapping[str, int] = field(default_factory=dict)

    def from_(self, version: str, board: str = "") -> int:
        """Return the bytes that a device has to fetch.

        Args:
            version: What it runs; empty if not known.
            board: Which it is; empty if not known.
        """
        if board in self.by_board:
            return self.by_board[board]
        return self.patched.get(version, self.full)


def of_edge(vault: Vault, release: Release) -> Ways:
    """Return what a release costs, as its documents say it."""
    known = vault.documents()
    document = next(
        (one for one in known if isinstance(one, Document) and one.path == release.path), None
    )
    if document is None:
        return Ways(0)
    whole = _least(document.payloads)
    patched = {
        one.base_version: min(_sum({**whole, **_least(one.payloads)}), _sum(whole))
        for one in known
        if isinstance(one, PatchSet)
        and (one.product, one.version) == (release.product, release.version)
    }
    return Ways(_sum(whole), patched)


def of_foreign(connection: Connection, tenant: str, release: Release) -> Ways:
    """Return what a foreign release costs: its file for each board."""
    assert release.kind == FOREIGN
    found = {
        board: one.length_bytes
        for one in foreign.files(connection, tenant, release.path)
        for board in one.boards
    }
    return Ways(max(found.values(), default=0), by_board=found)


def _least(payloads: Iterable[Payload]) -> dict[str, int]:
    """Return the smallest payload of each partition; of chunks only a part is fetched: left out."""
    found: dict[str, int] = {}
    for one in payloads:
        if one.kind != "chunks":
            length = one.blob.length_bytes + one.table.length_bytes
            found[one.partition] = min(found.get(one.partition, length), length)
    return found


def _sum(by_partition: Mapping[str, int]) -> int:
    return sum(by_partition.values())
