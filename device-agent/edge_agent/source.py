"""The source of this device's updates, made only when there is one."""

from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.parts import Checked, Known, Source
from edge_agent.payload.acquire import Blobs
from edge_agent.record import Action
from edge_signing.release import Release


@dataclass(slots=True)
class SourceAtNeed:
    """`edge_agent.parts.Source`, made when there is an order: python-tuf alone takes 12 MiB."""

    make: Callable[[], Source]
    _made: Source | None = None

    def check(self, action: Action, known: Known) -> Checked:
        """See `edge_agent.parts.Source`."""
        return self._source().check(action, known)

    def vouched(self, documents: bytes, known: Known) -> Release:
        """See `edge_agent.parts.Source`."""
        return self._source().vouched(documents, known)

    def blobs(self, action: Action) -> Blobs:
        """See `edge_agent.parts.Source`."""
        return self._source().blobs(action)

    def close(self) -> None:
        """See `edge_agent.parts.Source`."""
        if self._made is not None:
            self._made.close()

    def _source(self) -> Source:
        if self._made is None:
            self._made = self.make()
        return self._made
