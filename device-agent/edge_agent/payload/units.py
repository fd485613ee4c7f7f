"""Stored units of a payload: fetched one at a time, and checked before anybody looks into them."""

import hashlib
from collections.abc import Callable
from itertools import accumulate

from edge_signing.errors import TrustError
from edge_signing.formats.payload_table import PayloadTable

Fetch = Callable[[int, int], bytes]  # (offset, length) of the blob -> its bytes


class Units:
    """The units of one payload; called with an index it returns the stored bytes.

    Args:
        table: The rows, from a table whose digest was signed.
        fetch: Gives bytes of the blob.
        name: What the payload is called in errors.
    """

    def __init__(self, table: PayloadTable, fetch: Fetch, name: str) -> None:
        self.table = table
        self._fetch = fetch
        self._name = name
        self._offsets = [0, *accumulate(row.stored_bytes for row in table.rows)]

    def __len__(self) -> int:
        return len(self.table.rows)

    def __call__(self, index: int) -> bytes:
        """Return the stored bytes of a unit.

        Raises:
            TrustError: They are not those that were signed, or end early.
        """
        return self.checked(index, self.fetched(index))

    def fetched(self, index: int) -> bytes:
        """Return what comes as the stored bytes of a unit; nobody has looked at them yet."""
        stored_bytes = self.table.rows[index].stored_bytes
        return self._fetch(self._offsets[index], stored_bytes) if stored_bytes else b""

    def checked(self, index: int, stored: bytes) -> bytes:
        """Return `stored`, which are the stored bytes of a unit.

        Raises:
            TrustError: They are not those that were signed, or end early.
        """
        row = self.table.rows[index]
        if len(stored) != row.stored_bytes:
            raise TrustError(f"{self.name(index)}: ends after {len(stored)} bytes")
        if row.stored_bytes and hashlib.sha256(stored).digest() != row.stored_sha256:
            raise TrustError(f"{self.name(index)}: not the bytes that were signed")
        return stored

    def name(self, index: int) -> str:
        """Return what a unit is called in errors."""
        return f"{self._name}: unit {index} of {len(self)}"
