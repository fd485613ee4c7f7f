"""Who releases: a key ring, a repository elsewhere, and the bundles that go to a console."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from edge.keys import ring
from edge.keys.ring import Ring
from edge.keys.secrets import nobody
from edge.release import blobs, catalogue, export
from edge.release.signing import sign_here
from edge.repository.repository import Repository
from edge_signing.release import Content
from edge_signing.sbom import sbom_path
from tests.agent.power.system import System


@dataclass
class Operator:
    """A person with all keys.

    Attributes:
        folder: For the repository and bundles; what is there already is taken as it is.
        keys: Folder of the ring.
    """

    folder: Path
    keys: Path
    repository: Repository = field(init=False)

    def __post_init__(self) -> None:
        if (self.folder / "repo").exists():
            self.repository = Repository.open(self.folder / "repo")
            return
        self.folder.mkdir(parents=True)
        self.repository = Repository.create(self.folder / "repo", self.ring, now=self.now)

    @property
    def ring(self) -> Ring:
        return ring.read(self.keys)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def release(self, system: System, sbom: bytes | None = None) -> None:
        """Release a system, signed by all keys, with an SBOM or without."""
        known = catalogue.entries(self.repository)
        serial = catalogue.next_serial(known)
        documents = {system.release.path: (system.release.pack(), {catalogue.SERIAL: serial})}
        documents |= {one.path: (one.pack(), {}) for one in system.patches}
        if sbom is not None:
            documents[sbom_path(system.release.product, system.release.version)] = (sbom, {})
        for digest, data in system.blobs.items():
            path = blobs.path_of(self.repository.folder, Content(len(data), digest))
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        product = system.release.product
        self.repository.stage(self.ring, product, documents, now=self.now)
        sign_here(self.repository, self.ring, nobody)
        self.repository.publish(self.ring, now=self.now)

    def bundle(self, version: str, base: str | None = None, *, with_sbom: bool = False) -> bytes:
        """Return a bundle of a release, of the newest metadata."""
        path = self.folder / "update.edge"
        entry = catalogue.find(self.repository, version)
        export.write(self.repository, entry, path, base_version=base, with_sbom=with_sbom)
        return path.read_bytes()
