"""Who can do what with a key ring, until when, and what should be better."""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from edge.errors import EdgeError
from edge.keys import token_key
from edge.keys.ring import PENDING_FILE, TARGETS_FILE, Ring
from edge.keys.roles import ONLINE
from edge.keys.uri import FileUri, parse
from edge_signing.trust import roots
from edge_signing.trust.names import ROOT, TARGETS

WARN_BEFORE = timedelta(days=30)
_OTHERS = 0o077


class Reach(StrEnum):
    """Whether the private part of a key can be used from here."""

    HERE = "here"
    TOKEN = "token"  # noqa: S105  # no secret, but the name of a place
    ELSEWHERE = "elsewhere"
    MISSING = "missing"
    EXPOSED = "exposed"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key: what it may sign, and where it is; no roles means it was put away."""

    name: str
    key_id: str
    scheme: str
    roles: tuple[str, ...]
    uri: str | None
    reach: Reach


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role: its keys, how many must sign, until when its metadata holds (if the ring has it)."""

    name: str
    threshold: int
    keys: tuple[str, ...]
    expires_days: int
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Survey:
    """All about a ring."""

    roles: tuple[RoleFacts, ...]
    keys: tuple[KeyFacts, ...]
    warnings: tuple[str, ...]


def survey(ring: Ring, now: datetime) -> Survey:
    """Return who can do what, until when, and what should be better.

    Raises:
        SigningError: Root or targets are not what they should be.
    """
    expires = _expiries(ring)
    roles = tuple(
        RoleFacts(name, role.threshold, role.keys, role.expires_days, expires.get(name))
        for name, role in ring.roles.items()
    )
    keys = tuple(
        KeyFacts(
            name=name,
            key_id=one.key.keyid,
            scheme=one.key.scheme,
            roles=tuple(role for role, said in ring.roles.items() if name in said.keys),
            uri=one.uri,
            reach=_reach(ring, one.uri),
        )
        for name, one in ring.keys.items()
    )
    return Survey(roles, keys, tuple(_warnings(ring, roles, keys, now)))


def _expiries(ring: Ring) -> dict[str, datetime]:
    found = {}
    if (ring.folder / roots.file_name(1)).exists():
        found[ROOT] = ring.root().signed.expires
    if (ring.folder / TARGETS_FILE).exists():
        found[TARGETS] = ring.stored_targets().signed.expires
    return found


def _reach(ring: Ring, text: str | None) -> Reach:
    if text is None:
        return Reach.ELSEWHERE
    uri = parse(text, ring.folder)
    if isinstance(uri, FileUri):
        if not uri.path.is_file():
            return Reach.MISSING
        mode = stat.S_IMODE(uri.path.stat().st_mode)
        return Reach.EXPOSED if mode & _OTHERS else Reach.HERE
    try:
        token_key.public_part(uri)
    except EdgeError:
        return Reach.MISSING
    return Reach.TOKEN


def _warnings(
    ring: Ring, roles: Iterable[RoleFacts], keys: Iterable[KeyFacts], now: datetime
) -> Iterator[str]:
    if (ring.folder / PENDING_FILE).exists():
        yield f"{ring.folder / PENDING_FILE} waits for signatures: edge sign"
    for role in roles:
        if role.expires is not None and role.expires <= now:
            yield f"{role.name} expired on {role.expires:%Y-%m-%d}: edge keys renew {role.name}"
        elif role.expires is not None and role.expires <= now + WARN_BEFORE:
            yield f"{role.name} expires on {role.expires:%Y-%m-%d}: edge keys renew {role.name}"
        if 1 < role.threshold == len(role.keys):
            yield f"{role.name}: no key to spare; one that is lost locks it for ever"
        if ring.production and role.threshold == 1 and role.name not in ONLINE:
            yield f"{role.name}: one stolen key is enough, its threshold is 1"
    for key in keys:
        yield from _key_warnings(ring, key)


def _key_warnings(ring: Ring, key: KeyFacts) -> Iterator[str]:
    if len(key.roles) > 1:
        yield f"{key.name} has several roles: {', '.join(key.roles)}"
    if key.reach is Reach.EXPOSED:
        yield f"{key.name}: others may read its file; replace it"
    if key.reach is Reach.MISSING and ONLINE & set(key.roles):
        yield f"{key.name}: its private part is not at {key.uri}"
    if ring.production and ROOT in key.roles and key.reach is Reach.HERE:
        yield f"{key.name} is a root key and lies on this machine: keep it offline"
    if not key.roles and key.reach is Reach.HERE:
        yield f"{key.name} was put away and signs nothing: destroy its private part"
