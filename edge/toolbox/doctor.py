"""What this machine has and lacks for Edge, and the command that brings each."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from edge.debian import apt
from edge.debian.mirror import DEBIAN_KEYRING, host_mirror
from edge.errors import InputError
from edge.toolbox import catalogue, tools


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that Edge needs: where it was found, or the command that brings it."""

    tool: str
    what_for: str
    found: bool
    where: str
    bring: str


@dataclass(frozen=True, slots=True)
class _Need:
    tool: str
    what_for: str
    package: str


_HOST = (
    _Need("apt-get", "find packages for images", "apt"),
    _Need("apt-cache", "find packages for images", "apt"),
    _Need("dpkg-deb", "unpack packages", "dpkg"),
    _Need("gpgv", "check that packages are Debian's", "gpgv"),
)


def report() -> list[Finding]:
    """Return all that Edge needs on this machine: the host's programs first, then the tree's."""
    findings = [_program(need) for need in _HOST]
    findings += [_file("apt-helper", "fetch packages", apt.APT_HELPER, "apt")]
    findings += [_keyring(), _venv()]
    for group in catalogue.GROUPS:
        for name in group.programs:
            place = tools.place(name)
            findings.append(_finding(name, group.what_for, place, "tools/setup"))
    return findings


def _finding(tool: str, what_for: str, place: Path | None, bring: str) -> Finding:
    return Finding(tool, what_for, place is not None, str(place or ""), bring)


def _program(need: _Need) -> Finding:
    # apt of Debian 13 and later checks signatures with sqv, where it is there.
    place = tools.place(need.tool) or (tools.place("sqv") if need.tool == "gpgv" else None)
    return _finding(need.tool, need.what_for, place, _apt_get(need.package))


def _file(tool: str, what_for: str, path: Path, package: str) -> Finding:
    return _finding(tool, what_for, path if path.is_file() else None, _apt_get(package))


def _keyring() -> Finding:
    try:
        keyring = host_mirror().keyring
    except InputError:
        keyring = DEBIAN_KEYRING
    return _file("keyring", "check that packages are Debian's", keyring, "debian-archive-keyring")


def _venv() -> Finding:
    # Debian's python3 has `venv` but not what it needs, which is in python3-venv.
    inside = sys.prefix != sys.base_prefix
    place = Path(sys.prefix) if inside or importlib.util.find_spec("ensurepip") else None
    return _finding("python venv", "set up Edge", place, _apt_get("python3-venv"))


def _apt_get(package: str) -> str:
    return f"apt-get install {package}"
