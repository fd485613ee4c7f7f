"""Debian's archive as seen by one architecture: find, pin and fetch packages.

Nothing that is stored names a host: a package is known by its path below the mirror.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from edge.debian import apt, fetching
from edge.debian.fetching import BlobStore, Item
from edge.debian.mirror import Mirror
from edge.errors import InputError, ToolError
from edge.progress import SILENT, Progress

Origin = Literal["main", "security"]

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")  # Debian policy 5.6.1
_URI_LINE = re.compile(
    r"'(?P<uri>\S+)' (?P<file>[^_]+_[^_]+_[^_]+)\.deb (?P<bytes>\d+) SHA256:(?P<sha256>\S+)"
)
_UNKNOWN = re.compile(
    r"E: (?:Unable to locate package|Couldn't find any package by \S+|Package) '?([^\s']+)"
)
_refreshed: set[apt.Tree] = set()


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package in the archive; `path` is relative to the mirror's URI."""

    name: str
    version: str
    architecture: str
    sha256: str
    size_bytes: int
    path: str
    origin: Origin

    @property
    def key(self) -> str:
        """How people and the lock file name it."""
        return f"{self.name}={self.version}"

    @property
    def digest(self) -> str:
        """Its name in the content store."""
        return f"sha256:{self.sha256}"


class Archive:
    """The packages of one suite for one architecture.

    Args:
        mirror: Where they come from.
        architecture: Debian's name, such as `arm64`.
        suite: The release; its `-updates` belong to it, and `-security` when the mirror has it.
        components: The parts of the archive to look in.
        folder: For lists and unfinished downloads; kept between runs, one for each architecture.
        retries: How often a lost link is tried again.
    """

    def __init__(
        self,
        mirror: Mirror,
        *,
        architecture: str,
        suite: str = "trixie",
        components: Sequence[str] = ("main", "non-free-firmware"),
        folder: Path,
        retries: int = 2,
    ) -> None:
        self._mirror = mirror
        self._architecture = architecture
        self._suite = suite
        self._tree = apt.make_tree(
            folder,
            mirror,
            architecture=architecture,
            suite=suite,
            components=components,
            retries=retries,
        )

    def refresh(self, *, force: bool = False) -> None:
        """Fetch the package lists, at most once in the life of this process unless forced.

        Raises:
            UntrustedError: The lists are not signed by a trusted key.
            LinkError: The mirror cannot be reached; the old lists stay.
        """
        if force or self._tree not in _refreshed or not self._tree.has_lists:
            with self._tree.locked():
                self._tree.update()
            _refreshed.add(self._tree)

    def resolve(self, names: Sequence[str], *, without: Sequence[str] = ()) -> tuple[Package, ...]:
        """Return the packages and all that they depend on, by name; no recommendations.

        The lists are fetched only when there are none: call `refresh` for the newest versions.

        Args:
            names: Binary packages.
            without: Patterns of names to leave out of the result.

        Raises:
            InputError: A package is not in the archive, or they cannot be installed together.
            LinkError: There are no lists yet and the mirror cannot be reached.
        """
        if not names:
            return ()
        if not self._tree.has_lists:
            self.refresh(force=True)
        names = sorted(set(names))
        if bad := [name for name in names if not _NAME.fullmatch(name)]:
            raise self._not_found(bad)
        with self._tree.locked():
            try:
                told = self._tree.call("apt-get", "-q", "-y", "--print-uris", "install", *names)
            except ToolError as error:
                raise self._unresolved(names, error) from error
        packages = [self._package(line) for line in told.splitlines() if line.startswith("'")]
        # A sign at the end of an unknown name is a command to apt: install, remove.
        found = {package.name for package in packages}
        if bad := [name for name in names if name[-1] in "+-" and name not in found]:
            raise self._not_found(bad)
        wanted = (p for p in packages if not any(fnmatchcase(p.name, glob) for glob in without))
        return tuple(sorted(wanted, key=lambda package: package.name))

    def fetch(
        self, packages: Sequence[Package], store: BlobStore, progress: Progress = SILENT
    ) -> None:
        """Bring the packages into the store; those that it has are not asked for.

        Whatever came before an error stays in the store: a later call goes on with the rest.

        Raises:
            PackageGoneError: The mirror no longer has a package.
            UntrustedError: A package has other bytes than its hash says.
            LinkError: The mirror cannot be reached, or the link was lost.
        """
        missing = {p.digest: p for p in packages if not store.has(p.digest)}
        if missing:
            items = [Item(p.key, self._uri(p), p.digest, p.size_bytes) for p in missing.values()]
            with self._tree.locked():
                fetching.fetch(self._tree, items, store, progress)

    def _uri(self, package: Package) -> str:
        base = self._mirror.security_uri if package.origin == "security" else None
        return f"{base or self._mirror.uri}/{quote(package.path, safe='/~')}"

    def _package(self, line: str) -> Package:
        found = _URI_LINE.match(line)
        if not found:
            raise ToolError(f"apt-get: unknown line: {line}", hint="report this with the line")
        name, version, architecture = found["file"].split("_")
        origin, path = self._place(found["uri"])
        return Package(
            name=name,
            version=unquote(version),
            architecture=architecture,
            sha256=found["sha256"],
            size_bytes=int(found["bytes"]),
            path=path,
            origin=origin,
        )

    def _place(self, uri: str) -> tuple[Origin, str]:
        security = self._mirror.security_uri
        if security and uri.startswith(f"{_as_apt_writes(security)}/"):
            return "security", unquote(uri.removeprefix(f"{_as_apt_writes(security)}/"))
        main = f"{_as_apt_writes(self._mirror.uri)}/"
        if not uri.startswith(main):
            raise ToolError(f"apt-get: {uri} is not below {main}", hint="set EDGE_MIRROR")
        return "main", unquote(uri.removeprefix(main))

    def _unresolved(self, names: Sequence[str], error: ToolError) -> InputError:
        if unknown := set(_UNKNOWN.findall(str(error))) & set(names):
            return self._not_found(sorted(unknown))
        said = [line for line in str(error).splitlines()[1:] if "E: Unable" not in line]
        listed = ", ".join(names)
        return InputError("\n".join([f"packages cannot be installed together: {listed}", *said]))

    def _not_found(self, unknown: Sequence[str]) -> InputError:
        listed = ", ".join(f"'{name}'" for name in unknown)
        word = "package" if len(unknown) == 1 else "packages"
        message = f"{word} {listed} not found in {self._suite} ({self._architecture})"
        known = self._tree.call("apt-cache", "pkgnames").split()
        near = {name: difflib.get_close_matches(name, known, cutoff=0.75) for name in unknown}
        found = [name for names in near.values() for name in names]
        return InputError(message, hint=f"did you mean {', '.join(found)}?" if found else None)


def _as_apt_writes(uri: str) -> str:
    return re.sub("^(file|copy):/+", r"\1:/", uri)
