"""Find out what an order comes to: signatures, both repositories, and whether it is allowed here.

A message only points; what is installed is what the director orders and the product's role vouches
for. A bundle has no director: it is what a person brings to the device.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.errors import AgentError
from edge_agent.identity import Identity
from edge_agent.in_place import signed
from edge_agent.known_roots import KnownRoots
from edge_agent.link import Link
from edge_agent.links import file as bundle_file
from edge_agent.links.file import BundleBlobs, BundleSource
from edge_agent.parts import Checked, Known
from edge_agent.payload.acquire import Blobs
from edge_agent.payload.bundle import Anchor, require_allowed
from edge_agent.record import Action
from edge_agent.standing import Standing
from edge_agent.store import files_in
from edge_signing.approval import Approvers
from edge_signing.errors import SigningError, TrustError
from edge_signing.formats.bundle import METADATA, TARGETS
from edge_signing.messages import Desired
from edge_signing.release import PatchSet, Payload, Release, patches_path
from edge_signing.trust.sighting import UNSEEN

if TYPE_CHECKING:
    from edge_signing.trust.offline import Target

logger = logging.getLogger(__name__)

_TARGETS_FILE = "targets.json"


@dataclass(slots=True)
class DeviceSource:
    """`edge_agent.parts.Source` of a real device.

    Attributes:
        standing: What runs.
        root: File with the root metadata of the image.
        folder: Where verified metadata is kept from one look to the next.
        spare: In memory, for when `folder` takes nothing; it is gone after a restart.
        approvers: Who has to approve what a server orders; None for nobody.
        link: To the server, if there is one.
        identity: Of the device, if it has one.
        version_of: Returns what runs of a service that is updated in place, empty for the system's.
    """

    standing: Standing
    root: Path
    folder: Path
    link: Link | None = None
    identity: Identity | None = None
    spare: Path | None = None
    approvers: Approvers | None = None
    version_of: Callable[[str], str] = lambda _service: ""
    _bundle: tuple[str, BundleSource] | None = field(default=None, init=False)

    def check(self, action: Action, known: Known) -> Checked:
        """See `edge_agent.parts.Source`."""
        if action.bundle:
            return self._check_bundle(action.bundle, known)
        if action.desired is None:
            raise AgentError(f"action {action.id}: neither an order nor a bundle")
        return self._check_order(action.desired, known)

    def blobs(self, action: Action) -> Blobs:
        """See `edge_agent.parts.Source`."""
        if action.bundle:
            return _blobs_of(self._opened(action.bundle))
        if self.link is None or action.desired is None:
            raise AgentError("there is no server to fetch from")
        from edge_agent.links.fetchers import LinkBlobs

        return LinkBlobs(self.link.repository(action.desired.repository))

    def _check_order(self, desired: Desired, known: Known) -> Checked:
        """Look where metadata is kept, or in memory if that can not be written."""
        try:
            return self._look(desired, known, self.folder)
        except OSError as error:
            if self.spare is None:
                raise AgentError(f"{self.folder}: {error.strerror}") from error
            logger.warning("%s: %s", self.folder, error.strerror)
        try:
            return self._look(desired, known, self.spare)
        except OSError as error:
            raise AgentError(f"{self.spare}: {error.strerror}") from error

    def _look(self, desired: Desired, known: Known, folder: Path) -> Checked:
        from edge_agent.links.fetchers import LinkFetcher
        from edge_signing.trust import director
        from edge_signing.trust.client import RepositoryClient

        if self.link is None or self.identity is None:
            raise AgentError("the device has no identity for a server")
        now = datetime.fromtimestamp(known.now_s, UTC)
        fetcher = LinkFetcher(self.link.repository(desired.repository))
        root = self._roots.newest()
        client = RepositoryClient(folder, fetcher, trusted_root=root, now=now)
        client.refresh()
        self._roots.keep(client.chain)
        seen = client.seen
        for floor in (known.floor.targets, known.seen):
            floor.check(seen, _TARGETS_FILE)
        same_enrolment = known.epoch == self.identity.epoch
        order = director.verify(
            desired.director,
            targets=client.delegator,
            device=self.identity.device,
            epoch=self.identity.epoch,
            root_version=seen.root_version,
            floor=known.director if same_enrolment else UNSEEN,
            now=now,
        )
        checked = Checked(None, (), seen, self.identity.epoch, order.seen)
        if not order.targets or desired.release is None:
            return checked
        vouched = client.targets(self.standing.product)
        agreed = director.agreed(order, vouched)
        if desired.release not in agreed:
            raise TrustError(f"{desired.release}: the director does not order it")
        release = Release.unpack(client.read(desired.release))
        _require_place(release.path, desired.release)
        self._require_allowed(release, root, known)
        base = self.version_of(release.service) if release.service else self.standing.version
        path = patches_path(release.product, release.version, base)
        patches = []
        if path in vouched:
            patches.append(PatchSet.unpack(client.read(path)))
            _require_place(patches[0].path, path)
        refusal = self._refusal(desired, agreed[desired.release], known.now_s)
        found = replace(checked, release=release, patches=tuple(patches), refusal=refusal)
        if not release.service:
            return found
        kept = signed.pack(client.offline(self.standing.product), release, release.pack())
        return replace(found, signed=kept)

    def _refusal(self, desired: Desired, ordered: "Target", now_s: int) -> str:
        """Return why people of this device's image did not approve an order, empty if they did."""
        if self.approvers is None:
            return ""
        from edge_signing.trust import approvals

        try:
            approvals.require(desired.approval, self.approvers, ordered, now_s=now_s)
        except SigningError as error:
            return str(error)
        return ""

    def _check_bundle(self, path: str, known: Known) -> Checked:
        verified = self._opened(path).verified(self._anchor(self._roots.newest(), known))
        self._roots.keep(verified.trust.chain)
        _release, brought = bundle_file.payloads(verified)
        contents = verified.contents
        self._require_allowed(contents.release, b"", known)
        patches = [
            replace(one, payloads=_those_of(one.payloads, brought)) for one in contents.patches
        ]
        return Checked(
            replace(contents.release, payloads=_those_of(contents.release.payloads, brought)),
            tuple(patches),
            verified.trust.seen,
            signed=_kept(self._opened(path), contents.release),
        )

    def vouched(self, documents: bytes, known: Known) -> Release:
        """See `edge_agent.parts.Source`."""
        anchor = self._anchor(self._roots.newest(), known)
        release = signed.release_of(documents, replace(anchor, now=signed.BEFORE_ANY_EXPIRY))
        self._require_allowed(release, b"", known)
        return release

    def _require_allowed(self, release: Release, root: bytes, known: Known) -> None:
        require_allowed(release, self._anchor(root, known))
        if release.product != self.standing.product:
            raise TrustError(
                f"{release.path} is of another product than this device: {self.standing.product}"
            )

    def _anchor(self, root: bytes, known: Known) -> Anchor:
        return Anchor(
            root,
            datetime.fromtimestamp(known.now_s, UTC),
            board=self.standing.board,
            counter=known.floor.counter,
            running_counter=self.standing.counter,
            targets=known.floor.targets,
        )

    @property
    def _roots(self) -> KnownRoots:
        return KnownRoots(self.root, files_in(self.folder))

    def close(self) -> None:
        """Close the bundle that is open, if there is one."""
        if self._bundle is not None:
            self._bundle[1].close()
            self._bundle = None

    def _opened(self, path: str) -> BundleSource:
        if self._bundle is None or self._bundle[0] != path:
            self.close()
            self._bundle = path, BundleSource.open(Path(path))
        return self._bundle[1]


def _blobs_of(source: BundleSource) -> BundleBlobs:
    """Return what a bundle brings; all of it is compared with what was signed when it is used."""
    offers = source.bundle.contents().offers
    return BundleBlobs(
        source.bundle,
        {offer.payload.table.sha256: offer.table for offer in offers},
        {offer.payload.blob.sha256: offer for offer in offers},
    )


def _kept(source: BundleSource, release: Release) -> bytes:
    """Return what is kept of a bundle of one service; of a system, nothing."""
    if not release.service:
        return b""
    files = source.bundle.files
    start = len(METADATA)
    metadata = {name[start:]: data for name, data in files.items() if name.startswith(METADATA)}
    return signed.pack(metadata, release, files[f"{TARGETS}{release.path}"])


def _those_of(payloads: Iterable[Payload], brought: Iterable[Payload]) -> tuple[Payload, ...]:
    there = list(brought)
    return tuple(one for one in payloads if one in there)


def _require_place(due: str, found: str) -> None:
    if due != found:
        raise TrustError(f"{found}: the document says that it is {due}")
