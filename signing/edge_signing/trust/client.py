"""The client of an online repository: python-tuf's updater, made stricter and given its time.

One client is one look at the repository; another look is another client on the same folder. Works
with python-tuf 5.1 (Debian 13, on devices) to 7.

Source: TUF specification 1.0.31, §5.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tuf.api.exceptions import DownloadError, DownloadLengthMismatchError, RepositoryError
from tuf.api.metadata import Root, TargetFile, Targets
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from edge_signing.errors import FetchError, SigningError, TrustError
from edge_signing.trust import documents, roots, signatures
from edge_signing.trust.fetchers import StrictFetcher
from edge_signing.trust.names import SNAPSHOT, TARGETS, TIMESTAMP, check_target_path
from edge_signing.trust.offline import Target, role_for, target, targets_of
from edge_signing.trust.sighting import Sighting

_ROOT_FILE: Final = "root.json"
_TARGETS_FILE: Final = "targets.json"
_HISTORY: Final = "root_history"  # of python-tuf from 6 on
# Ours is root -> targets -> role; more would be of somebody else.
_LIMITS: Final = UpdaterConfig(max_root_rotations=256, max_delegations=8)


class RepositoryClient:
    """A device's or a host's view of an online repository.

    Args:
        folder: Where verified metadata is kept from one look to the next; made when missing.
        fetcher: What gets the files.
        trusted_root: The bytes of a root that is trusted.
        now: The time in UTC, with its zone: the later of the clock and a floor.
        metadata_url: Ahead of the names of metadata files.
        targets_url: Ahead of the paths of targets.

    Raises:
        SigningError: The trusted root is none.
    """

    def __init__(
        self,
        folder: Path,
        fetcher: FetcherInterface,
        *,
        trusted_root: bytes,
        now: datetime,
        metadata_url: str = "metadata/",
        targets_url: str = "targets/",
    ) -> None:
        roots.trusted(trusted_root)
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._found: dict[str, TargetFile] = {}
        self._fetcher = StrictFetcher(fetcher)
        self._trusted_root, self._now = trusted_root, now
        self._words: dict[str, Any] = {
            "metadata_dir": str(folder),
            "metadata_base_url": metadata_url,
            "target_base_url": targets_url,
            "fetcher": self._fetcher,
            "config": _LIMITS,
        }
        self._updater = self._new_updater()

    def refresh(self) -> None:
        """Get and verify root, timestamp, snapshot and targets.

        After an exception the folder holds only what was verified. A thief may have let versions
        go so far ahead that nothing could follow them: they are forgotten once the newest root does
        not accept the targets.json that they were told of.

        Raises:
            TrustError: Something does not hold.
            FormatError: A file is not canonical TUF metadata.
            FetchError: A file can not be had.
        """
        try:
            with _told():
                self._updater.refresh()
        except TrustError:
            if not self._forget_void():
                raise
            self._updater = self._new_updater()
            with _told():
                self._updater.refresh()

    @property
    def root(self) -> bytes:
        """The newest root that was verified."""
        return (self._folder / _ROOT_FILE).read_bytes()

    @property
    def chain(self) -> dict[str, bytes]:
        """Roots by file name, of this look and of those before; followed, they lead to `root`."""
        files = sorted((self._folder / _HISTORY).glob("*.root.json"))
        return {file.name: file.read_bytes() for file in files} | self._fetcher.roots

    @property
    def delegator(self) -> Targets:
        """The content of targets.json, of this look or the last; for `director.verify`."""
        data = (self._folder / _TARGETS_FILE).read_bytes()
        return documents.read(data, Targets, _TARGETS_FILE).signed

    @property
    def seen(self) -> Sighting:
        """The sighting of targets.json in this look, to be compared with a floor."""
        root = documents.read(self.root, Root, _ROOT_FILE).signed
        return signatures.seen_of_targets(root, self.delegator)

    def targets(self, product: str) -> dict[str, Target]:
        """Return all targets of a product by path.

        Raises:
            SigningError: As `refresh`; or no role signs for the product.
        """
        # Looking for any path of the product gets and verifies the role's metadata.
        self._info(f"{product}/0/release.json")
        delegator = self.delegator
        role = role_for(delegator, product)
        name = f"{role.name}.json"
        metadata = documents.read((self._folder / name).read_bytes(), Targets, name)
        signatures.verify((delegator,), role.name, metadata, name)
        found = targets_of(role, metadata.signed)
        return {path: one for path, one in found.items() if path.startswith(f"{product}/")}

    def offline(self, product: str) -> dict[str, bytes]:
        """Return the verified metadata that vouches for a product, by name: as a bundle has it.

        Call `targets` of the product first, which gets and verifies that of its role.

        Raises:
            TrustError: No role signs for the product.
        """
        role = role_for(self.delegator, product).name
        names = (_TARGETS_FILE, f"{role}.json")
        return self.chain | {name: (self._folder / name).read_bytes() for name in names}

    def target(self, path: str) -> Target:
        """Return what the repository says of a target.

        Raises:
            SigningError: As `refresh`; or no role signs for it.
        """
        info = self._info(path)
        if info is None:
            raise TrustError(f"{path}: no role signs for it")
        return target(info)

    def download(self, path: str, to: Path) -> Target:
        """Get a target into a file that is there only when its length and hash are right.

        Raises:
            SigningError: As `target`; or the bytes are others.
        """
        found = self.target(path)
        beside = to.with_name(f".{to.name}.part")
        try:
            with _told():
                self._updater.download_target(self._found[path], str(beside))
            beside.replace(to)
        finally:
            beside.unlink(missing_ok=True)
        return found

    def read(self, path: str) -> bytes:
        """Return the bytes of a target, which has to be small.

        Raises:
            SigningError: As `download`.
        """
        file = self._folder / "target"
        self.download(path, file)
        data = file.read_bytes()
        file.unlink()
        return data

    def _new_updater(self) -> Updater:
        with _told():
            updater = _updater(self._folder, self._trusted_root, self._words)
        _give_time(updater, self._now)
        return updater

    def _forget_void(self) -> bool:
        """Forget versions told with a targets.json that the newest root does not accept any more.

        python-tuf forgets by itself what the keys of snapshot and timestamp signed. A power cut in
        between changes nothing: that file is the last to go.

        Returns:
            Whether there were any.
        """
        try:
            root = documents.read(self.root, Root, _ROOT_FILE).signed
            known = documents.read(
                (self._folder / _TARGETS_FILE).read_bytes(), Targets, _TARGETS_FILE
            )
        except (OSError, SigningError):
            return False
        try:
            signatures.check_threshold(root, TARGETS, known, _TARGETS_FILE)
        except TrustError:
            for name in (TIMESTAMP, SNAPSHOT, TARGETS):
                (self._folder / f"{name}.json").unlink(missing_ok=True)
            return True
        return False

    def _info(self, path: str) -> TargetFile | None:
        check_target_path(path)
        with _told():
            info = self._updater.get_targetinfo(path)
        if info is not None:
            self._found[path] = info
        return info


def _updater(folder: Path, trusted_root: bytes, words: dict[str, Any]) -> Updater:
    if "bootstrap" in inspect.signature(Updater).parameters:
        return Updater(**words, bootstrap=trusted_root)
    # python-tuf 5 trusts the root in its folder, whatever it is.
    beside = folder / f".{_ROOT_FILE}"
    beside.write_bytes(trusted_root)
    beside.replace(folder / _ROOT_FILE)
    return Updater(**words)


def _give_time(updater: Updater, now: datetime) -> None:
    # No release of python-tuf takes the time as an argument; 5.1 to 7.0 keep it here.
    trusted: Any = getattr(updater, "_trusted_set", None)
    if not hasattr(trusted, "reference_time"):
        raise SigningError("this python-tuf can not be given the time", hint="use 5.1 to 7.0")
    trusted.reference_time = now


@contextmanager
def _told() -> Iterator[None]:
    """Give errors of python-tuf as ours."""
    try:
        yield
    except DownloadLengthMismatchError as error:
        raise TrustError(f"longer than was signed: {error}") from error
    except DownloadError as error:
        raise FetchError(str(error)) from error
    except RepositoryError as error:
        raise TrustError(str(error)) from error
