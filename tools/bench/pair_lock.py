"""Which packages the trees of the pairs are made of, pinned in `pairs.lock` by version and hash.

The mirror drops what is superseded: `write` then pins what is there on that day. Nothing in the
file names a host; where packages come from is the host's own apt configuration or EDGE_MIRROR.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from edge import atomic, paths
from edge.debian.archive import Archive, Origin, Package
from edge.debian.mirror import mirror
from edge.errors import InputError

LOCK = Path(__file__).with_name("pairs.lock")
ARCHITECTURE = "arm64"
OLD_SUITE, NEW_SUITE = "bookworm", "trixie"
TREES = ("base", "sec", "big", "kern-old", "kern-new")
NAMES = (
    "ca-certificates",
    "chrony",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "mosquitto",
    "nftables",
    "openssl",
    "procps",
    "python3",
    "python3-aiohttp",
    "python3-cryptography",
    "python3-yaml",
    "sqlite3",
    "tzdata",
    "wpasupplicant",
)
WITHOUT = (
    "adduser",
    "base-files",
    "base-passwd",
    "debconf",
    "dpkg",
    "init-system-helpers",
    "libfile-find-rule-perl",
    "libnumber-compare-perl",
    "libpam*",
    "libperl*",
    "libsystemd-shared",
    "libtext-*-perl",
    "libtext-charwidth-perl",
    "login.defs",
    "lsb-base",
    "mount",
    "passwd",
    "perl*",
    "runit-helper",
    "sensible-utils",
    "systemd",
    "tar",
    "ucf",
    "usrmerge",
)
KERNEL = "linux-image-arm64"
_HEADER = """\
# Debian packages of the pairs for tools/bench, written by `tools/bench/pairs.py lock`.
# trees name version architecture sha256 bytes origin path
"""
_FIELD = re.compile(r"^(\S+): (.*)$", re.MULTILINE)

Lock = Mapping[str, Sequence[Package]]


def archive(suite: str) -> Archive:
    """Return Debian's archive of one release, with lists of its own in the cache."""
    return Archive(
        mirror(),
        architecture=ARCHITECTURE,
        suite=suite,
        components=("main",),
        folder=_lists_folder(suite),
    )


def parse(text: str) -> dict[str, list[Package]]:
    """Return the packages of each tree.

    Raises:
        InputError: A line has not the eight words of a package.
    """
    trees: dict[str, list[Package]] = {name: [] for name in TREES}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        if len(words) != 8 or not re.fullmatch("[0-9a-f]{64}", words[4]):
            raise InputError(f"pairs.lock:{number}: not a pinned package: {line}")
        for name in words[0].split(","):
            if name not in trees:
                raise InputError(f"pairs.lock:{number}: no tree is called {name!r}")
            trees[name].append(_package(words[1:]))
    return trees


def _package(words: Sequence[str]) -> Package:
    name, version, architecture, sha256, size, origin, path = words
    return Package(name, version, architecture, sha256, int(size), path, cast(Origin, origin))


def text_of(lock: Lock) -> str:
    """Return the text of a lock: one line for each package, with the trees that hold it."""
    trees: dict[Package, list[str]] = {}
    for name in TREES:
        for package in lock[name]:
            trees.setdefault(package, []).append(name)
    ordered = sorted(trees, key=lambda package: (package.name, package.path))
    return _HEADER + "".join(
        f"{','.join(trees[p])} {p.name} {p.version} {p.architecture} {p.sha256} {p.size_bytes}"
        f" {p.origin} {p.path}\n"
        for p in ordered
    )


def write(path: Path = LOCK) -> dict[str, list[Package]]:
    """Pin what the mirror has today, write the lock and return it.

    Raises:
        InputError: The mirror lacks a package, or has but one version of the kernel.
    """
    old, new = archive(OLD_SUITE), archive(NEW_SUITE)
    for source in (old, new):
        source.refresh(force=True)
    newest = old.resolve(NAMES, without=WITHOUT)
    released = {p.name: p for p in _listed(f"dists_{OLD_SUITE}_")}
    lock = {
        "base": [released.get(package.name, package) for package in newest],
        "sec": list(newest),
        "big": list(new.resolve(NAMES, without=WITHOUT)),
        "kern-old": [_kernel(f"dists_{OLD_SUITE}_")],
        "kern-new": [_kernel(f"dists_{OLD_SUITE}-security_")],
    }
    if lock["kern-old"] == lock["kern-new"]:
        raise InputError(f"the mirror has but one version of {KERNEL}")
    with atomic.file(path) as stream:
        stream.write(text_of(lock).encode())
    return lock


def _kernel(part: str) -> Package:
    """Return the kernel package that the newest `linux-image-arm64` of one list depends on."""
    by_name = {package.name: package for package in _listed(part)}
    wanted = next(
        (fields["Depends"].split()[0] for fields in _stanzas(part) if fields["Package"] == KERNEL),
        None,
    )
    if wanted not in by_name:
        raise InputError(f"no {KERNEL} in the list {part}")
    return by_name[wanted]


def _lists_folder(suite: str) -> Path:
    return paths.cache_folder() / "apt" / f"pairs-{suite}-{ARCHITECTURE}"


def _stanzas(part: str) -> Iterator[dict[str, str]]:
    lists = sorted((_lists_folder(OLD_SUITE) / "state/lists").glob(f"*_{part}*_Packages"))
    for path in lists:
        for stanza in path.read_text(encoding="utf-8").split("\n\n"):
            if stanza.strip():
                yield dict(_FIELD.findall(stanza))


def _listed(part: str) -> Iterator[Package]:
    origin: Origin = "security" if "-security" in part else "main"
    for fields in _stanzas(part):
        yield Package(
            name=fields["Package"],
            version=fields["Version"],
            architecture=fields["Architecture"],
            sha256=fields["SHA256"],
            size_bytes=int(fields["Size"]),
            path=fields["Filename"],
            origin=origin,
        )
