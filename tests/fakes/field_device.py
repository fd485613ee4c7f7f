"""A device in the field and its owner: real metadata, real bundles, the device's own memory."""

import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.bundle import container
from edge.keys import change
from edge.progress import SILENT
from edge.release import payloads, source
from edge.release.payloads import Terms
from edge.repository.order import sign_order
from edge_agent.check import DeviceSource
from edge_agent.counters import Floor, StoredCounters
from edge_agent.identity import Identity
from edge_agent.parts import Checked, Known
from edge_agent.record import Action
from edge_agent.standing import Standing
from edge_signing.messages import Desired
from edge_signing.release import Release
from edge_signing.trust.sighting import UNSEEN, Sighting
from tests.fakes.agent_parts import FakeClock
from tests.fakes.block_device import BlockDevice
from tests.fakes.folder_link import FolderLink
from tests.fakes.forge import PRODUCT, Yard

DEVICE, BOARD, EPOCH = "unit-7", "rpi4", 2


@dataclass
class Party:
    """Who has keys and a repository: the owner, or a thief with a copy of both."""

    yard: Yard
    releases: dict[str, tuple[Release, Any]] = field(default_factory=dict)
    orders: int = 0

    def stolen(self, folder: Path) -> "Party":
        """Return a thief who has all that the party has now."""
        shutil.copytree(self.yard.folder, folder)
        return Party(Yard(folder, production=self.yard.production), dict(self.releases))

    def release(self, version: str, counter: int) -> str:
        """Release a tiny image, signed by all keys, and return its path."""
        folder = self.yard.folder / version
        folder.mkdir()
        for name in ("boot", "rootfs"):
            (folder / name).write_bytes(f"{name} {version}".encode().ljust(4096, b"\0"))
        files = {name: folder / name for name in ("boot", "rootfs")}
        given = source.of_files(
            files,  # type: ignore[arg-type]
            product=PRODUCT,
            version=version,
            boards=(BOARD,),
        )
        terms = Terms(counter=counter)
        made = payloads.make(given, terms, folder, level="fast", progress=SILENT)
        path = self.yard.release(version, made.release.pack())
        self.releases[path] = made.release, made.payloads
        return path

    def rotate(self, *roles: str) -> None:
        """Give roles new keys and publish, with the releases signed anew."""
        for role in roles:
            assert not change.rotate(self.yard.ring, role, now=self.yard.now).missing
        self.publish(resign=PRODUCT in roles)

    def publish(self, *, resign: bool = False) -> None:
        if resign:
            self.yard.repository.stage(self.yard.ring, PRODUCT, now=self.yard.now)
            self.yard.sign_pending()
        self.yard.repository.publish(self.yard.ring, now=self.yard.now)

    def metadata(self) -> dict[str, bytes]:
        """Return what a bundle carries now."""
        return self.yard.repository.offline_metadata(PRODUCT)

    def bundle(self, path: str, metadata: dict[str, bytes] | None = None) -> Path:
        """Write a full bundle of a release."""
        release, made = self.releases[path]
        file = self.yard.folder / "update.edge"
        container.write(
            file,
            metadata=self.metadata() if metadata is None else metadata,
            documents={path: release.pack()},
            payloads=made,
        )
        return file

    def order(self, path: str, version: int | None = None) -> bytes:
        """Return a document of the director, with the next version or another."""
        self.orders += 1
        found = self.yard.repository.targets(PRODUCT)
        return sign_order(
            self.yard.ring,
            {path: found[path]},
            device=DEVICE,
            epoch=EPOCH,
            version=version or self.orders,
            now=self.yard.now,
        )


@dataclass
class FieldDevice:
    """A device: what it stores outlives what it looks at.

    Attributes:
        folder: For its image and its data.
        root: What its image trusts.
    """

    folder: Path
    root: bytes
    storage: BlockDevice = field(default_factory=lambda: BlockDevice(bytearray(4 << 20)))
    director: Sighting = UNSEEN
    seen: Sighting = UNSEEN
    now_s: int = 1_793_534_400

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "root.json").write_bytes(self.root)

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    @property
    def counters(self) -> StoredCounters:
        return StoredCounters(self.storage, running=Floor())

    def source(self, repository: Path) -> DeviceSource:
        nowhere = self.folder / "identity"
        return DeviceSource(
            Standing(BOARD, PRODUCT, "0"),
            self.folder / "root.json",
            self.trust,
            FolderLink(FakeClock(), folder=repository),
            Identity(DEVICE, EPOCH, nowhere, nowhere, nowhere),
            self.folder / "memory",
        )

    def look(self, action: Action, repository: Path) -> Checked:
        """Check what is offered, remember what a device would, and commit nothing."""
        known = Known(self.counters.floor(), self.now_s, EPOCH, self.director, self.seen)
        with closing(self.source(repository)) as found:
            checked = found.check(action, known)
        if checked.director.version:
            self.director, self.seen = checked.director, checked.seen
        return checked

    def take_order(self, party: Party, path: str, version: int | None = None) -> Checked:
        """Check an order of a party, from its repository."""
        desired = Desired(1, "a-1", path, party.order(path, version))
        return self.look(Action("a-1", "install", "b", desired), party.yard.folder / "repo")

    def take_bundle(self, bundle: Path) -> Checked:
        """Check a bundle."""
        return self.look(Action("a-1", "install", "b", bundle=str(bundle)), self.folder)

    def take(self, party: Party, path: str, way: str) -> Checked:
        """Check a release of a party as an order or as a bundle."""
        if way == "order":
            return self.take_order(party, path)
        return self.take_bundle(party.bundle(path))

    def commit(self, checked: Checked) -> None:
        """Do what is done once the release runs and is healthy."""
        assert checked.release is not None
        self.counters.raise_to(Floor(checked.release.counter, checked.seen))

    def lose_data(self) -> None:
        """Lose the data partition, but for the identity."""
        shutil.rmtree(self.trust, ignore_errors=True)
        self.director = self.seen = UNSEEN
