"""A repository made by our code and then spoilt with python-tuf, and a device that looks at it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Timestamp
from tuf.ngclient import FetcherInterface

from edge.keys import create, request
from edge.keys import ring as rings
from edge.keys.ring import Ring
from edge.keys.secrets import nobody
from edge.repository import store
from edge.repository.repository import Repository
from edge_signing.trust import documents
from edge_signing.trust.client import RepositoryClient
from tests.fakes.folder_fetcher import FolderFetcher

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PRODUCT = "gateway"
PATH = "gateway/1.0/release.json"
DATA = b'{"release":1}'
Edit = Callable[[Any], None]


@dataclass
class Yard:
    """A key ring, its repository and a device, at one time.

    Attributes:
        folder: Of all of them; what is there already is taken as it is.
        now: The time of all of them.
    """

    folder: Path
    now: datetime = NOW
    products: tuple[str, ...] = (PRODUCT,)
    production: bool = False
    trusted_root: bytes = field(init=False)

    def __post_init__(self) -> None:
        if (self.folder / "keys").exists():
            self.trusted_root = self.ring.trusted_root()
            self.repository = Repository.open(self.folder / "repo")
            return
        outcome = create.init(
            self.folder / "keys",
            now=self.now,
            products=self.products,
            production=self.production,
        )
        assert not outcome.missing
        self.trusted_root = self.ring.trusted_root()
        self.repository = Repository.create(self.folder / "repo", self.ring, now=self.now)

    @property
    def ring(self) -> Ring:
        return rings.read(self.folder / "keys")

    @property
    def metadata(self) -> Path:
        return self.folder / "repo" / "metadata"

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def release(self, version: str = "1.0", data: bytes = DATA, product: str = PRODUCT) -> str:
        """Release a version, signed by all keys, and return its path."""
        path = f"{product}/{version}/release.json"
        self.repository.stage(self.ring, product, {path: (data, {"n": 1})}, now=self.now)
        self.sign_pending()
        self.repository.publish(self.ring, now=self.now)
        return path

    def sign_pending(self, names: Iterable[str] | None = None) -> None:
        """Sign what waits in the repository with some keys of the ring, or with all."""
        waiting = request.read(self.repository.pending)
        ring = self.ring
        wanted = {one for piece in request.pieces(waiting) for one in piece.key_ids()}
        found = [name for name, one in ring.keys.items() if one.key.keyid in wanted]
        signers = [ring.signer(name, nobody) for name in (found if names is None else names)]
        signed, _made = request.sign(waiting, signers)
        request.write(signed, request.file_of(self.repository.pending))

    def signers(self, *names: str) -> list[Signer]:
        return [self.ring.signer(name, nobody) for name in names]

    # What an attacker, or a careless operator, does with python-tuf.

    def load(self, role: str) -> Metadata[Any]:
        """Return the newest published metadata of a role."""
        if role == "timestamp":
            return documents.read_any((self.metadata / "timestamp.json").read_bytes(), role)
        files = self.metadata.glob(f"*.{role}.json")
        newest = max(files, key=lambda file: int(file.name.partition(".")[0]))
        return documents.read_any(newest.read_bytes(), role)

    def save(
        self,
        role: str,
        metadata: Metadata[Any],
        keys: Iterable[str] | None = None,
        forge: Edit = lambda _metadata: None,
    ) -> bytes:
        """Sign metadata with keys of the ring (by default those of its role) and write it.

        Args:
            role: Whose metadata.
            metadata: It loses the signatures that it has.
            keys: Names in the ring.
            forge: What else is done to what was signed.
        """
        metadata.signatures.clear()
        names = self.ring.roles[role].keys if keys is None else tuple(keys)
        for signer in self.signers(*names):
            metadata.sign(signer, append=True)
        forge(metadata)
        data = documents.to_bytes(metadata)
        name = store.file_name(role, metadata.signed.version)
        (self.metadata / ("timestamp.json" if role == "timestamp" else name)).write_bytes(data)
        return data

    def change(
        self,
        role: str,
        edit: Edit = lambda _signed: None,
        *,
        keys: Iterable[str] | None = None,
        told: bool = True,
        forge: Edit = lambda _metadata: None,
    ) -> None:
        """Publish the next version of a role; `told`: snapshot and timestamp say so, signed."""
        metadata = self.load(role)
        metadata.signed.version += 1
        edit(metadata.signed)
        data = self.save(role, metadata, keys, forge)
        if told and role not in ("timestamp", "root"):
            self.tell(role, metadata.signed.version, data)

    def tell(self, role: str, version: int, data: bytes) -> None:
        """Let snapshot and timestamp name a file."""
        said = MetaFile.from_data(version, data, ["sha256"])
        if role == "snapshot":

            def edit_timestamp(signed: Timestamp) -> None:
                signed.snapshot_meta = said

            self.change("timestamp", edit_timestamp)
            return

        def edit_snapshot(signed: Snapshot) -> None:
            signed.meta[f"{role}.json"] = said

        self.change("snapshot", edit_snapshot)

    # The device.

    def look(self, fetcher: FetcherInterface | None = None) -> RepositoryClient:
        """Let the device look at the repository as it is now."""
        client = RepositoryClient(
            self.folder / "device",
            fetcher or FolderFetcher(self.folder / "repo"),
            trusted_root=self.trusted_root,
            now=self.now,
        )
        client.refresh()
        return client

    def known(self) -> dict[str, bytes]:
        """Return what the device has stored and follows links to."""
        folder = self.folder / "device"
        return {path.name: path.read_bytes() for path in folder.rglob("*.json") if path.is_file()}
