"""A private apt tree: own lists, cache and empty package status; the host's state stays untouched.

The host's configuration is read first (its proxies and timeouts hold), ours on top of it with
`-c`, because files of apt.conf.d would win over `APT_CONFIG`. Hooks of the host are cleared:
those of container images remove the host's own package cache.

Sources: apt.conf(5), apt-get(8), sources.list(5).
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge import atomic, digest, process
from edge.debian.mirror import Mirror
from edge.errors import EdgeError, InputError, LinkError, ToolError, UntrustedError

APT_HELPER = Path("/usr/lib/apt/apt-helper")
_KEYRING_HINT = "run `apt-get install debian-archive-keyring`"
_ENV = {"LC_ALL": "C", "LANGUAGE": "C", "DEBIAN_FRONTEND": "noninteractive"}
_CONFIG = """\
#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Cmd::Pattern-Only "true";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::ForceHash "SHA256";
Acquire::GzipIndexes "false";
Acquire::Languages "none";
Acquire::Retries "{retries}";
Acquire::http::Proxy::127.0.0.1 "DIRECT";
Debug::NoLocking "true";
Dir::Cache "{folder}/cache/";
Dir::Cache::archives "archives/";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Log "{folder}/log/";
Dir::State "{folder}/state/";
Dir::State::lists "lists/";
Dir::State::status "{folder}/status";
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """One private apt tree in `folder`."""

    folder: Path
    config: Path
    lists_of: Path  # names the sources that the lists here were fetched from
    sources_digest: str

    @property
    def has_lists(self) -> bool:
        """Whether the lists of these very sources were fetched, however long ago."""
        return self.lists_of.is_file() and self.lists_of.read_text() == self.sources_digest

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the tree."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def update(self) -> None:
        """Fetch the package lists; the old ones stay when that fails.

        Raises:
            UntrustedError: A list is not signed by a key of the keyring.
            LinkError: The mirror cannot be reached, or does not have the suite.
        """
        try:
            self.call("apt-get", "-q", "update")
        except ToolError as error:
            raise _update_error(error) from error
        with atomic.file(self.lists_of) as stream:
            stream.write(self.sources_digest.encode())

    def call(self, program: str | Path, *words: str | Path) -> str:
        """Run a program of apt here; return what it printed on both its outputs."""
        # One stream, so that an error carries what apt explains on its standard output.
        merged = ["sh", "-c", 'exec "$@" 2>&1', "sh", program, "-c", self.config, *words]
        return process.run(merged, env=_ENV).stdout.decode(errors="replace")


def make_tree(
    folder: Path,
    mirror: Mirror,
    *,
    architecture: str,
    suite: str,
    components: Sequence[str],
    retries: int,
) -> Tree:
    """Return the tree in `folder`, made or brought up to these settings.

    Raises:
        InputError: The keyring of the mirror is not on this host.
    """
    if not mirror.trusted and not mirror.keyring.is_file():
        raise InputError(f"{mirror.keyring}: no such keyring", hint=_KEYRING_HINT)
    folder = folder.absolute()
    for name in ("state/lists/partial", "cache/archives/partial", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sources = _sources(mirror, suite, components)
    config = _CONFIG.format(architecture=architecture, folder=folder, retries=retries)
    for name, text in (("status", ""), ("sources.list", sources), ("apt.conf", config)):
        _put(folder / name, text)
    # The architecture is part of what the lists are fetched for.
    known_by = digest.of_bytes(f"{architecture}\n{sources}".encode())
    return Tree(folder, folder / "apt.conf", folder / "lists.ok", known_by)


def _sources(mirror: Mirror, suite: str, components: Sequence[str]) -> str:
    trust = "trusted=yes" if mirror.trusted else f"signed-by={mirror.keyring}"
    places = [(mirror.uri, suite), (mirror.uri, f"{suite}-updates")]
    if mirror.security_uri:
        places.append((mirror.security_uri, f"{suite}-security"))
    options = f"[{trust} target=Packages]"
    return "".join(f"deb {options} {uri} {name} {' '.join(components)}\n" for uri, name in places)


def _put(path: Path, text: str) -> None:
    """Write a file only when it changes: apt's package cache goes by the time of its inputs."""
    if not path.is_file() or path.read_text() != text:
        with atomic.file(path) as stream:
            stream.write(text.encode())


def disk_full(error: ToolError) -> EdgeError | None:
    """Return what to say when that is why a program of apt failed."""
    if "No space left on device" not in str(error):
        return None
    return EdgeError(
        "the disk with the cache is full", hint="make room there, or set EDGE_CACHE to another disk"
    )


def said(error: ToolError) -> str:
    """Return the errors that a program of apt told, without the rest of its output."""
    lines = [line.strip() for line in str(error).splitlines()[1:]]
    told = [line[3:] for line in lines if line.startswith(("E: ", "W: "))]
    told = [line for line in told if line != "Download Failed"]
    return "; ".join(dict.fromkeys(told)) or str(error)


def _update_error(error: ToolError) -> EdgeError:
    if full := disk_full(error):
        return full
    signs = ("NO_PUBKEY", "BADSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA", "is not signed", "sqv")
    if any(sign in str(error) for sign in signs):
        return UntrustedError(
            f"package lists are not signed by a trusted key: {said(error)}", hint=_KEYRING_HINT
        )
    if "Failed to fetch" in str(error) or "Release file" in str(error):
        return LinkError(
            f"package lists cannot be fetched: {said(error)}",
            hint="look at the network and at the sources of apt, then try again",
        )
    return error
