"""The repository of a tenant: what comes in is verified first, and goes out as it was signed.

Offline roles sign elsewhere; the console makes snapshot, timestamp and orders alone, with the
online keys of the tenant's ring. Bundles bring the metadata of a product with their documents and
payloads. What that metadata names besides is asked for by its hash (`missing`), and all of it is
published when nothing is missing that a device could ask for: an SBOM may come later, or never.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from tuf.api.metadata import Metadata, Targets

from edge.console.orders import Signed
from edge.console.releases import EDGE, SERVICE, Release
from edge.console.repository import arrivals, leftovers
from edge.console.repository.arrivals import Missing, Taken, file_name
from edge.console.repository.kept import Kept
from edge.console.repository.leftovers import Leftover
from edge.errors import ThingNotFoundError, UntrustedError
from edge.keys import request, ring
from edge.keys.metadata import expiry
from edge.keys.request import Request
from edge.keys.ring import Ring
from edge.progress import SILENT
from edge.release import blobs, check
from edge.repository import store
from edge.repository.order import sign_order
from edge.repository.repository import Repository
from edge.sbom import reading
from edge_agent.payload.bundle import Anchor, Bundle, Verified
from edge_signing import running
from edge_signing.disk import FILE as DISK_FILE
from edge_signing.errors import SigningError
from edge_signing.release import RELEASE_FILE, Content, PatchSet
from edge_signing.release import Release as Document
from edge_signing.sbom import MOST_BYTES as SBOM_MOST_BYTES
from edge_signing.sbom import is_sbom, sbom_path
from edge_signing.trust import documents, offline, signatures
from edge_signing.trust.names import DIRECTOR, TARGETS, TIMESTAMP
from edge_signing.trust.offline import Target

_OfRole = Callable[[str], Metadata[Targets] | None]


class Vault:
    """The repository and the key ring of one tenant; for any thread.

    Args:
        folder: Of the repository; made with the ring when missing.
        keys_folder: Of the key ring, with the private keys of its online roles.

    Raises:
        ThingNotFoundError: There is no ring, or its root is not signed yet.
        RefusedError: The online keys are not there.
    """

    def __init__(self, folder: Path, keys_folder: Path, *, now: datetime) -> None:
        self._keys_folder = keys_folder
        self._lock = threading.Lock()
        # Read for each order else: a campaign makes thousands of them.
        self._ring = Kept(keys_folder, lambda: ring.read(keys_folder))
        self._delegator = Kept(keys_folder, lambda: self.ring.targets().signed)
        self._targets: dict[str, Kept[dict[str, Target]]] = {}
        if (folder / store.METADATA).is_dir():
            self.repository = Repository.open(folder)
        else:
            self.repository = Repository.create(folder, self.ring, now=now)

    @property
    def ring(self) -> Ring:
        """The ring as it lies there: keys may be rotated while the console runs."""
        return self._ring.get()

    def take(self, bundle: Path, *, now: datetime) -> Taken:
        """Verify a bundle, keep what it brings, publish if nothing is missing.

        Raises:
            SigningError: It is no bundle, or a signature or hash does not hold.
            UntrustedError: The keys of the ring did not sign it, or a release is offered no longer.
            InputError: It brings an SBOM that is none.
        """
        with self._lock, bundle.open("rb") as stream:
            opened = Bundle.open(stream)
            found = opened.verified(Anchor(self.ring.trusted_root(), now))
            self._require_ours(opened, found)
            check.blobs(opened, found.contents, progress=SILENT)
            if found.contents.sbom is not None:
                release = found.contents.release
                place = sbom_path(release.product, release.version)
                reading.read(found.contents.sbom, place)
            before = self._sboms()
            self._keep(opened, found)
            self._settle(now)
            return Taken(self.releases(), tuple(sorted(self._sboms() - before)))

    def put(self, sha256: str, stream: BinaryIO, *, now: datetime) -> Taken:
        """Keep a file that is missing, publish if it was the last one.

        Raises:
            ThingNotFoundError: No file with this hash is missing.
            InputError: It is said to be an SBOM, and is none.
            UntrustedError: It has another hash or length.
        """
        with self._lock:
            found = next((one for one in self.missing() if one.sha256 == sha256), None)
            if found is None:
                raise ThingNotFoundError(f"{sha256}: no file with this hash is missing")
            before = self._sboms()
            if found.is_optional:
                arrivals.keep_sbom(stream, self.repository.folder / found.name, found)
            else:
                is_blob = found.name.startswith(f"{blobs.FOLDER}/")
                folder = self.repository.folder if is_blob else self._pending
                arrivals.copy(stream, folder / found.name, found)
            self._settle(now)
            return Taken(self.releases(), tuple(sorted(self._sboms() - before)))

    def missing(self) -> list[Missing]:
        """Return the files that the newest signed metadata names and that are not here."""
        wanted = [
            Missing(file_name(one), one.sha256, one.length_bytes, is_sbom(path))
            for path, one in self.named().items()
            # What is longer than any SBOM may be is never asked for.
            if not is_sbom(path) or one.length_bytes <= SBOM_MOST_BYTES
        ]
        found = [one for one in wanted if self.file(one.name) is None]
        contents: set[Content] = set()
        for document in self.documents():
            contents.update(_contents(document))
        for content in sorted(contents, key=lambda each: each.sha256):
            name = f"{blobs.FOLDER}/{content.sha256.hex()}"
            if not (self.repository.folder / name).is_file():
                found.append(Missing(name, content.sha256.hex(), content.length_bytes))
        return found

    def releases(self) -> list[Release]:
        """Return the releases whose documents are here."""
        published = self._published_paths()
        known = self.documents()
        found = []
        for one in known:
            if isinstance(one, PatchSet):
                continue
            patches = [
                patch
                for patch in known
                if isinstance(patch, PatchSet)
                and (patch.product, patch.version) == (one.product, one.version)
            ]
            parts: list[Document | PatchSet] = [one, *patches]
            contents = [content for each in parts for content in _contents(each)]
            is_whole = all(
                blobs.path_of(self.repository.folder, each).is_file() for each in contents
            )
            found.append(
                Release(
                    path=one.path,
                    product=one.product,
                    version=one.version,
                    counter=one.counter,
                    from_counter=one.from_counter,
                    boards=one.boards,
                    notes=one.notes,
                    patches=tuple(sorted(patch.path for patch in patches)),
                    is_published=is_whole and one.path in published,
                    kind=SERVICE if one.service else EDGE,
                    own_version=running.own_version(one.own_digest),
                )
            )
        return found

    def targets(self, release: Release) -> dict[str, Target]:
        """Return what the published metadata says of the documents of a release.

        Raises:
            ThingNotFoundError: It names one of them no longer.
        """
        known = self._published(release.product)
        wanted = (release.path, *release.patches)
        if gone := [path for path in wanted if path not in known]:
            raise ThingNotFoundError(f"{gone[0]} is offered no longer")
        return {path: known[path] for path in wanted}

    def sign(
        self,
        targets: Mapping[str, Target],
        *,
        device: str,
        epoch: int,
        version: int,
        now: datetime,
    ) -> Signed:
        """Return an order of the director; see `Director.sign`."""
        keys = self.ring
        made = sign_order(
            keys,
            targets,
            device=device,
            epoch=epoch,
            version=version,
            now=now,
            delegator=self._delegator.get(),
        )
        renew_at = now + (expiry(keys, DIRECTOR, now) - now) / 2
        return Signed(made, int(renew_at.timestamp()))

    def _published(self, product: str) -> dict[str, Target]:
        """Return the published targets of a product by path."""
        if product not in self._targets:
            folder = self.repository.folder / store.METADATA
            self._targets[product] = Kept(folder, lambda: self.repository.targets(product))
        return self._targets[product].get()

    def refresh(self, *, now: datetime) -> bool:
        """Sign snapshot and timestamp anew when half of their time is over; whether they were.

        Raises:
            EdgeError: As `Repository.refresh`.
        """
        with self._lock:
            keys = self.ring
            timestamp = self.repository.published().timestamp
            lifetime: timedelta = expiry(keys, TIMESTAMP, now) - now
            if timestamp is not None and timestamp.signed.expires - now > lifetime / 2:
                return False
            self.repository.refresh(keys, now=now)
            return True

    def collect(self, *, before: datetime, is_trial: bool) -> list[Leftover]:
        """Remove the files that no signed document names any more; return them.

        Args:
            before: Only what was written before this time.
            is_trial: Say what would be removed, and remove nothing.
        """
        with self._lock:
            folder = self.repository.folder
            found = leftovers.find(folder, self._needed(), before=before)
            if not is_trial:
                leftovers.remove(folder, found)
            return found

    def _needed(self) -> set[str]:
        named = {**self.named(self.repository.published().role), **self.named(self._newest)}
        contents = {one for document in self.documents(named) for one in _contents(document)}
        found = {f"{blobs.FOLDER}/{one.sha256.hex()}" for one in contents}
        found |= {file_name(target) for target in named.values()}
        return found | leftovers.of_metadata(self.repository.published())

    @property
    def _pending(self) -> Path:
        return self.repository.pending

    def _require_ours(self, bundle: Bundle, found: Verified) -> None:
        """Refuse what would not be accepted when it is published, before anything is kept."""
        name = f"{found.trust.role}.json"
        metadata = documents.read(bundle.files[f"metadata/{name}"], Targets, name)
        try:
            signatures.verify((self.ring.targets().signed,), found.trust.role, metadata, name)
        except SigningError as error:
            raise UntrustedError(
                f"{name}: not signed by the keys of {self._keys_folder}: {error}",
                hint="was a key rotated? bring the console the newest key ring",
            ) from error
        newest = self._newest(found.trust.role)
        if newest is None or metadata.signed.version > newest.signed.version:
            return
        for path, target in found.trust.targets.items():
            known = newest.signed.targets.get(path)
            brought = f"targets/{path}" in bundle.files
            if brought and (known is None or known.hashes != {"sha256": target.sha256}):
                raise UntrustedError(
                    f"{path}: {name} of version {newest.signed.version} names it no longer",
                    hint="make the bundle from the newest repository",
                )

    def _keep(self, bundle: Bundle, found: Verified) -> None:
        for offer in found.contents.offers:
            self._keep_blob(bundle, offer.offset_bytes, offer.payload.blob)
            table = blobs.path_of(self.repository.folder, offer.payload.table)
            arrivals.keep(table, offer.table)
        for path, target in found.trust.targets.items():
            if (data := bundle.files.get(f"targets/{path}")) is not None:
                folder = self.repository.folder if is_sbom(path) else self._pending
                arrivals.keep(folder / file_name(target), data)
        name = f"{found.trust.role}.json"
        newest = self._newest(found.trust.role)
        if newest is None or found.trust.role_version > newest.signed.version:
            waiting = self.repository.waiting()
            sign = {**(waiting.sign if waiting else {}), name: bundle.files[f"metadata/{name}"]}
            request.write(Request(sign, self._in_force()), self._pending / request.FILE)

    def _keep_blob(self, bundle: Bundle, offset_bytes: int, content: Content) -> None:
        place = blobs.path_of(self.repository.folder, content)
        if place.is_file():
            return
        bundle.stream.seek(offset_bytes)
        arrivals.copy(bundle.stream, place, Missing("", content.sha256.hex(), content.length_bytes))

    def _settle(self, now: datetime) -> None:
        """Publish what waits if all documents that it names are here."""
        if self.repository.waiting() is None:
            return
        wanted = [file_name(one) for path, one in self.named().items() if not is_sbom(path)]
        if all(self.file(one) for one in wanted):
            try:
                self.repository.publish(self.ring, now=now)
            except Exception:
                # What can not be published must not keep others from it.
                (self._pending / request.FILE).unlink(missing_ok=True)
                raise

    def _in_force(self) -> dict[str, bytes]:
        keys = self.ring
        chain = keys.chain()
        newest = max(chain, key=lambda name: int(name.partition(".")[0]))
        return {
            newest: chain[newest],
            "targets.json": documents.to_bytes(keys.targets()),
        }

    def _newest(self, role: str) -> Metadata[Targets] | None:
        """Return the newest signed metadata of a role, published or waiting."""
        waiting = self.repository.waiting()
        name = f"{role}.json"
        if waiting is not None and name in waiting.sign:
            return documents.read(waiting.sign[name], Targets, name)
        return self.repository.published().role(role)

    def named(self, of_role: _OfRole | None = None) -> dict[str, Target]:
        """Return the targets that the metadata of all roles names, the newest if not said."""
        of_role = of_role or self._newest
        delegations = self.ring.targets().signed.delegations
        found: dict[str, Target] = {}
        for role in (delegations.roles if delegations else None) or {}:
            if role == DIRECTOR or (newest := of_role(role)) is None:
                continue
            files = newest.signed.targets.values()
            found |= {file.path: offline.target(file) for file in files}
        return found

    def _sboms(self) -> set[str]:
        """Return the paths of the SBOMs that are here, of the newest metadata."""
        named = self.named().items()
        return {path for path, one in named if is_sbom(path) and self.file(file_name(one))}

    def _published_paths(self) -> set[str]:
        published = self.repository.published()
        names = set(published.roles) - {TARGETS}
        roles = [one for one in map(published.role, names) if one is not None]
        return {path for role in roles for path in role.signed.targets}

    def documents(self, named: Mapping[str, Target] | None = None) -> list[Document | PatchSet]:
        """Return the releases and patches whose documents are here, of the newest metadata."""
        found: list[Document | PatchSet] = []
        for path, target in sorted((self.named() if named is None else named).items()):
            name = path.rpartition("/")[2]
            file = self.file(file_name(target))
            if file is None or DISK_FILE.fullmatch(name) or is_sbom(path):
                continue
            data = file.read_bytes()
            is_release = name == RELEASE_FILE
            found.append(Document.unpack(data) if is_release else PatchSet.unpack(data))
        return found

    def file(self, name: str) -> Path | None:
        """Return where a file is that signed metadata names, None if it is not here."""
        for folder in (self.repository.folder, self._pending):
            if (folder / name).is_file():
                return folder / name
        return None


def _contents(document: Document | PatchSet) -> list[Content]:
    return [one for each in document.payloads for one in (each.table, each.blob)]
