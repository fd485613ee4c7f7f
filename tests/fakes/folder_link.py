"""A link to a server whose repository is a folder."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.link import RefusedByServerError, RepositoryFiles
from tests.fakes.agent_parts import FakeLink


@dataclass
class FolderFiles:
    """A repository in a folder, as a link gives it."""

    folder: Path

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        return self._data(name)[offset_bytes : offset_bytes + length_bytes]

    def pieces(self, name: str) -> Iterator[bytes]:
        yield self._data(name)

    def _data(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise RefusedByServerError(name, status=404) from error


@dataclass
class FolderLink(FakeLink):
    """A link to a server whose repository is a folder."""

    folder: Path = field(default_factory=Path)

    def repository(self, url: str) -> RepositoryFiles:
        assert url == ""
        return FolderFiles(self.folder)
