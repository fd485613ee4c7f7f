"""The record and the journal, kept on the data partition, and in memory alone where that fails.

A device whose data partition is full, read-only or damaged has to be updated all the same. What is
not stored is lost with the next start; `trouble` says so, and the trust state keeps what was armed.
"""

import logging

from edge_agent import journal
from edge_agent.errors import StoreError
from edge_agent.journal import Journal
from edge_agent.record import Record
from edge_agent.store import Files
from edge_signing.errors import FormatError

logger = logging.getLogger(__name__)

RECORD = "record"


class Memory:
    """What the agent remembers.

    Attributes:
        trouble: Why something is not stored, empty when all is.
        loss: Why there was no record to go on from; empty if there was one.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._journal: Journal | None = None
        self.trouble = ""
        self.loss = ""

    def load(self, *, is_new: bool = False) -> Record:
        """Return the record; a new one if there is none that can be read, and say so in `loss`.

        Args:
            is_new: The device was never started before: that there is no record is no loss.
        """
        try:
            data = self._files.read(RECORD)
        except StoreError as error:
            self.loss = self.trouble = error.reason
            return Record()
        if data is None:
            self.loss = "" if is_new else "there is no record"
            return Record()
        try:
            return Record.unpack(data)
        except FormatError as error:
            self.loss = str(error)
            return Record()

    def save(self, record: Record) -> None:
        """Store the record, or keep on without."""
        self._store(RECORD, record.pack())

    def journal(self, mark: bytes) -> Journal:
        """Return how far the action of a mark came."""
        if self._journal is not None and self._journal.mark == mark:
            return self._journal
        try:
            return journal.read(self._files.read(journal.FILE), mark)
        except StoreError:
            return Journal(mark)

    def save_journal(self, reached: Journal) -> None:
        """Store how far an action came, or keep on without."""
        self._journal = reached
        self._store(journal.FILE, reached.pack())

    def drop_journal(self) -> None:
        """Forget how far any action came."""
        self._journal = None
        try:
            self._files.remove(journal.FILE)
        except StoreError as error:
            self._complain(error.reason)

    def _store(self, name: str, data: bytes) -> None:
        try:
            self._files.write_atomic(name, data)
        except StoreError as error:
            self._complain(error.reason)
        else:
            self.trouble = ""

    def _complain(self, reason: str) -> None:
        if reason != self.trouble:
            logger.warning("kept in memory only: %s", reason)
        self.trouble = reason
