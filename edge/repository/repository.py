"""A repository of releases: stage, sign elsewhere, publish."""

import fcntl
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from edge.errors import RefusedError, ThingNotFoundError
from edge.keys import request
from edge.keys.request import Request
from edge.keys.ring import Ring
from edge.keys.secrets import Secrets, nobody
from edge.repository import publish, stage, store
from edge.repository.stage import Addition
from edge.repository.store import METADATA, PENDING, TARGET_FILES, Published
from edge_signing.trust import offline
from edge_signing.trust.names import TARGETS
from edge_signing.trust.offline import Target

_LOCK = ".lock"


class Repository:
    """A folder with releases, to be served as it is.

    Attributes:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(
        cls, folder: Path, ring: Ring, *, now: datetime, ask: Secrets = nobody
    ) -> "Repository":
        """Make a repository without releases, which devices of the ring can already follow.

        Raises:
            RefusedError: One is there, or online keys are not here.
            ThingNotFoundError: Root or targets of the ring are not signed yet.
        """
        if (folder / METADATA).exists():
            raise RefusedError(f"{folder}: a repository is here already")
        (folder / METADATA).mkdir(parents=True)
        (folder / TARGET_FILES).mkdir(exist_ok=True)
        made = cls(folder)
        made.publish(ring, now=now, ask=ask)
        return made

    @classmethod
    def open(cls, folder: Path) -> "Repository":
        """Return the repository of a folder.

        Raises:
            ThingNotFoundError: There is none.
        """
        if not (folder / METADATA).is_dir():
            raise ThingNotFoundError(f"{folder}: no repository is here")
        return cls(folder)

    @property
    def pending(self) -> Path:
        """The folder of what is to be signed: for `edge sign`."""
        return self.folder / PENDING

    def waiting(self) -> Request | None:
        """Return what waits for signatures, if anything does."""
        return stage.pending_request(self.folder)

    def stage(
        self,
        ring: Ring,
        product: str,
        add: Mapping[str, Addition] | None = None,
        remove: Collection[str] = (),
        *,
        now: datetime,
    ) -> Request:
        """Add to what is to be signed; stages before a publication accumulate.

        Without additions and removals the releases of the product are signed anew: after a rotation
        of its keys, or to renew them before they expire.

        Args:
            ring: The keys.
            product: Whose releases.
            add: By path `<product>/<version>/<name>`: the bytes, and what to say of them besides.
            remove: Paths that are offered no longer.
            now: The time in UTC.

        Raises:
            InputError: A path is not one of the product, or was released with other bytes.
            ThingNotFoundError: What is to be removed is not there.
            UntrustedError: Somebody else wrote into the repository.
        """
        with self._locked():
            return stage.stage(self.folder, ring, product, add or {}, remove, now=now)

    def discard(self) -> None:
        """Forget what waits for signatures."""
        (self.pending / request.FILE).unlink(missing_ok=True)
        shutil.rmtree(self.pending, ignore_errors=True)

    def publish(
        self, ring: Ring, signed: Iterable[Path] = (), *, now: datetime, ask: Secrets = nobody
    ) -> Published:
        """Publish what waits and what the ring changed; may be repeated after a power cut.

        Args:
            ring: The keys; those of snapshot and timestamp must be here.
            signed: Copies of the pending request that were signed elsewhere.
            now: The time in UTC.
            ask: Gets passphrases and PINs.

        Raises:
            TrustError: A threshold is not reached, something is expired or of a wrong version.
            RefusedError: Releases must be signed anew, or online keys are not here.
            UntrustedError: Somebody else wrote here, or a copy is of another request.
        """
        with self._locked():
            waiting = self.waiting()
            copies = [request.read(path) for path in signed]
            if copies and waiting is None:
                raise ThingNotFoundError(f"{self.pending}: nothing waits for signatures")
            if waiting is not None:
                waiting = request.merge(waiting, copies)
                request.write(waiting, self.pending / request.FILE)
            found = publish.publish(self.folder, ring, waiting, now=now, ask=ask)
            self.discard()
            return found

    def refresh(self, ring: Ring, *, now: datetime, ask: Secrets = nobody) -> Published:
        """Sign snapshot and timestamp anew; what waits goes on waiting.

        Raises:
            EdgeError: As `publish`.
        """
        with self._locked():
            return publish.publish(self.folder, ring, None, now=now, ask=ask)

    def published(self) -> Published:
        """Return what is published; signatures are not checked.

        Raises:
            ThingNotFoundError: Nothing is.
        """
        found = store.published(self.folder)
        if found.snapshot is None:
            raise ThingNotFoundError(f"{self.folder}: nothing is published yet")
        return found

    def targets(self, product: str) -> dict[str, Target]:
        """Return the published targets of a product by path; signatures are not checked.

        Raises:
            TrustError: No role signs for the product.
        """
        found = self.published()
        delegator = found.role(TARGETS)
        if delegator is None:
            return {}
        role = offline.role_for(delegator.signed, product)
        metadata = found.role(role.name)
        named = offline.targets_of(role, metadata.signed) if metadata else {}
        return {path: one for path, one in named.items() if path.startswith(f"{product}/")}

    def read(self, target: Target) -> bytes:
        """Return the bytes of a published target.

        Raises:
            ThingNotFoundError: It is not there.
            UntrustedError: It is other bytes than were signed for.
        """
        return store.read_target(self.folder / TARGET_FILES, target)

    def offline_metadata(self, product: str) -> dict[str, bytes]:
        """Return the metadata that a bundle of a product carries, by file name.

        Raises:
            ThingNotFoundError: No release of the product is published.
            TrustError: No role signs for the product.
        """
        found = self.published()
        delegator = found.role(TARGETS)
        role = offline.role_for(delegator.signed, product).name if delegator else product
        if role not in found.roles:
            raise ThingNotFoundError(f"{self.folder}: no release of {product} is published")
        own = {f"{name}.json": found.roles[name] for name in (TARGETS, role)}
        return {**found.roots, **own}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
