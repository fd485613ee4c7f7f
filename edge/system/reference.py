"""What an image reference names: a repository of a registry, a layout folder, or an archive of one.

In files that people write there is a fourth kind, `@pkg:NAME` of LinuxKit: a service folder that is
made into an image.

Source: the reference grammar of the OCI distribution spec 1.1 and Docker's rules for short names
(`alpine` is `docker.io/library/alpine:latest`). Pure.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import InputError

LAYOUT, ARCHIVE, LOCAL = "oci:", "oci-archive:", "@pkg:"
DOCKER_HUB = "docker.io"
LATEST = "latest"
_HUB_NAMES = (f"index.{DOCKER_HUB}", f"registry-1.{DOCKER_HUB}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME_MOST = 255
_HINT = "write it like host/name:tag, name@sha256:…, oci:PATH[:TAG] or oci-archive:FILE[:TAG]"


@dataclass(frozen=True, slots=True)
class RegistryReference:
    """An image of a registry; with a `digest` the tag is a note only."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        """Return the whole reference, nothing left to guess."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """Return host and repository."""
        return f"{self.host}/{self.repository}"

    @property
    def pointer(self) -> str:
        """Return what the registry is asked for: the digest, else the tag."""
        return self.digest or self.tag or LATEST


@dataclass(frozen=True, slots=True)
class LocalReference:
    """An image of a layout on this machine: a folder, or one tar of it (`is_archive`)."""

    path: Path
    tag: str | None
    is_archive: bool = False

    def __str__(self) -> str:
        """Return the reference with its path."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{ARCHIVE if self.is_archive else LAYOUT}{self.path}{tag}"


Reference = RegistryReference | LocalReference


def check_reference(text: str) -> None:
    """Check the text of an `image:`, whichever kind it is.

    Raises:
        InputError: It is no reference.
    """
    if not text.startswith(LOCAL):
        parse_reference(text, Path())
    elif text == LOCAL:
        raise InputError(f"{text}: a name or a path is missing", hint=f"write it like {LOCAL}init")


def placed(text: str, folder: Path) -> str:
    """Return a text with an absolute path, if it has one; a relative one begins in `folder`."""
    for prefix in (ARCHIVE, LAYOUT):
        if text.startswith(prefix):
            return f"{prefix}{folder / Path(text.removeprefix(prefix)).expanduser()}"
    return text


def complete(text: str) -> str:
    """Return a text with its host, if it names an image of a registry; no tag is added to it."""
    if not text or text.startswith((LOCAL, LAYOUT, ARCHIVE)):
        return text
    found = registry_reference(text)
    is_tagged = found.tag is not None and text.partition("@")[0].endswith(f":{found.tag}")
    return str(found if is_tagged or found.tag is None else replace(found, tag=None))


def parse_reference(text: str, folder: Path) -> Reference:
    """Return what a text names; relative paths begin in `folder`.

    Raises:
        InputError: It is no reference.
    """
    for prefix in (ARCHIVE, LAYOUT):
        if text.startswith(prefix):
            path, _, tag = text.removeprefix(prefix).partition(":")
            if not path:
                raise InputError(f"{text}: a path is missing", hint=_HINT)
            return LocalReference(folder / Path(path).expanduser(), tag or None, prefix == ARCHIVE)
    return registry_reference(text)


def registry_reference(text: str) -> RegistryReference:
    """Return what a text names in a registry, by Docker's rules for what is left out.

    Raises:
        InputError: It is no reference of an image in a registry.
    """
    rest, at, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    host, repository = _split(f"{head}{slash}{last}")
    wrong = (
        (not _HOST.fullmatch(host), f"{host!r} is not a host"),
        (not _REPOSITORY.fullmatch(repository), f"{repository!r} is not a name: small letters"),
        (len(host) + len(repository) >= _NAME_MOST, "the name is too long"),
        (bool(colon) and not _TAG.fullmatch(tag), f"{tag!r} is not a tag"),
        (bool(at) and not _DIGEST.fullmatch(digest), f"{digest!r} is not sha256: and 64 digits"),
        (bool(re.fullmatch(r"[0-9a-f]{64}", text)), "a bare hash names no image"),
    )
    if found := next((said for is_wrong, said in wrong if is_wrong), None):
        raise InputError(f"image {text!r}: {found}", hint=_HINT)
    return RegistryReference(host, repository, tag or (None if at else LATEST), digest or None)


def _split(name: str) -> tuple[str, str]:
    """Return host and repository: the first part is a host if it looks like one."""
    first, slash, rest = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    host, repository = (first, rest) if slash and is_host else (DOCKER_HUB, name)
    host = DOCKER_HUB if host in _HUB_NAMES else host
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository
