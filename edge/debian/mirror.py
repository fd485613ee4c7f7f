"""Where packages come from: the host's own apt configuration, or one setting.

Sources: sources.list(5), with the one-line and the deb822 style.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from edge.errors import InputError

SETTING = "EDGE_MIRROR"
DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_HINT = f"set {SETTING} (or `mirror:`) to the URI of a Debian mirror, and its security URI after it"
_SCHEMES = ("http", "https", "file", "copy")
_NAMES = frozenset(("bullseye", "bookworm", "trixie", "forky", "duke", "sid"))
_ALIASES = frozenset(("stable", "oldstable", "testing"))
_RELEASES = _NAMES | _ALIASES
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<rest>.+)")


@dataclass(frozen=True, slots=True)
class Mirror:
    """A place with Debian packages; `trusted` leaves out the signature check (own repositories)."""

    uri: str
    security_uri: str | None
    keyring: Path
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


def mirror(setting: str | None = None) -> Mirror:
    """Return the mirror to use: `setting`, else `EDGE_MIRROR`, else the host's own.

    Args:
        setting: `URI`, or `URI SECURITY_URI`.

    Raises:
        InputError: The setting is no URI, or the host is not Debian and nothing is set.
    """
    words = (setting or os.environ.get(SETTING) or "").split()
    if not words:
        return host_mirror()
    if len(words) > 2 or not all(urlsplit(word).scheme in _SCHEMES for word in words):
        raise InputError(f"mirror {' '.join(words)!r} is not a URI", hint=_HINT)
    uris = [word.rstrip("/") for word in words]
    return Mirror(uris[0], uris[1] if uris[1:] else None, DEBIAN_KEYRING)


def host_mirror(apt_folder: Path = Path("/etc/apt")) -> Mirror:
    """Return the Debian mirror that this host's own apt uses.

    Raises:
        InputError: Its sources name no Debian mirror.
    """
    sources = [source for source in _sources(apt_folder) if "main" in source.components]
    # A vendor's archive may use Debian's suite names, most often `stable`; it has no `-updates`.
    with_updates = {s.uri for s in sources if any(suite.endswith("-updates") for suite in s.suites)}
    sure = [s for s in sources if _RELEASES & set(s.suites) and s.uri in with_updates]
    main = [*sure, *(s for s in sources if _NAMES & set(s.suites))]
    if not main:
        raise InputError(f"{apt_folder}: no Debian mirror in the sources of apt", hint=_HINT)
    chosen = main[0]
    security = [s.uri for s in sources if any(_is_security(suite) for suite in s.suites)]
    return Mirror(
        chosen.uri,
        security[0] if security else None,
        _keyring(chosen),
        trusted=chosen.options.get("trusted") == "yes",
    )


def _is_security(suite: str) -> bool:
    release = suite.partition("/")[0].removesuffix("-security")
    return release in _RELEASES and suite.endswith(("-security", "/updates"))


def _keyring(source: _Source) -> Path:
    """Return the keyring for all suites; one of Debian's own for a single release does not do."""
    named = Path(source.options.get("signed-by", ""))
    if named.is_absolute() and not named.name.startswith("debian-archive-"):
        return named
    return DEBIAN_KEYRING


def _sources(apt_folder: Path) -> Iterator[_Source]:
    parts = sorted((apt_folder / "sources.list.d").glob("*"))
    for path in [apt_folder / "sources.list", *parts]:
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        yield from _one_line(text) if path.suffix == ".list" else _deb822(text)


def _one_line(text: str) -> Iterator[_Source]:
    for line in text.splitlines():
        if found := _ONE_LINE.fullmatch(line.partition("#")[0].strip()):
            suite, *components = found["rest"].split()
            pairs = (word.partition("=") for word in (found["options"] or "").split())
            options = {key.lower(): value for key, _, value in pairs}
            yield from _source([found["uri"]], [suite], components, options)


def _deb822(text: str) -> Iterator[_Source]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = _fields(stanza)
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") != "no":
            suites, components = fields.get("suites", ""), fields.get("components", "")
            uris = fields.get("uris", "").split()
            yield from _source(uris, suites.split(), components.split(), fields)


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in stanza.splitlines():
        if line[:1].isspace():
            fields[key] = f"{fields.get(key, '')}\n{line.strip()}"
        else:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
    return fields


def _source(
    uris: list[str], suites: list[str], components: list[str], options: Mapping[str, str]
) -> Iterator[_Source]:
    for uri in uris:
        if real := _real_uri(uri):
            yield _Source(real, tuple(suites), tuple(components), options)


def _real_uri(uri: str) -> str | None:
    """Return a URI that can be fetched from: the first of the list for `mirror+file:`."""
    if uri.startswith("mirror+file:"):
        path = Path(urlsplit(uri.removeprefix("mirror+")).path)
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
        uri = next((words[0] for line in lines if (words := line.split())), "")
    return uri.rstrip("/") if urlsplit(uri).scheme in _SCHEMES else None
