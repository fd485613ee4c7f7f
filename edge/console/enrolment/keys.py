"""Keys of enrolment: whoever has one gets a certificate for a device, so often and so long."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import groups
from edge.console.filters import glob
from edge.console.store.enrolment_tables import ENROLMENT_KEYS
from edge.errors import InputError, RefusedError, ThingNotFoundError

_TEXT: Final = re.compile(r"edge-enrol_([0-9a-f]{16})_([0-9a-f]{64})")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
PATTERN: Final = re.compile(r"[A-Za-z0-9_*?-]{1,64}")
USES_MOST: Final = 100_000
_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class EnrolmentKey:
    """A key of enrolment as it is stored.

    Attributes:
        key: Its id, which is no secret.
        pattern: Which ids its devices may have: `gw-*`.
        group: That its devices become members of; empty for none.
        is_trusted: Its devices are let in at once; else they wait to be accepted.
        uses_left: How many devices it is good for.
        expires_at_s: Seconds since 1970.
    """

    tenant: str
    key: str
    name: str
    pattern: str
    group: str
    is_trusted: bool
    uses_left: int
    created_at_s: int
    expires_at_s: int
    revoked_at_s: int


def create(
    connection: Connection,
    actor: Actor,
    name: str,
    *,
    pattern: str,
    group: str,
    is_trusted: bool,
    uses: int,
    expires_at_s: int,
    noise: Callable[[int], str],
) -> tuple[EnrolmentKey, str]:
    """Make a key; return it and its text, which nobody can be told again.

    Raises:
        InputError: Something of it can not be that.
        ThingNotFoundError: There is no such group.
        RefusedError: The devices of the group are those of a filter.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"key {name!r}: not 1 to 64 letters, digits, blanks or '._-'")
    if not PATTERN.fullmatch(pattern):
        raise InputError(f"pattern {pattern!r}: no pattern of ids", hint="gw-*")
    if group and groups.get(connection, actor.tenant, group).filter:
        raise RefusedError(f"group {group!r}: its devices are those of its filter")
    word, secret = noise(_ID_BYTES), noise(_SECRET_BYTES)
    values = {
        "tenant": actor.tenant,
        "key": word,
        "name": name,
        "pattern": pattern,
        "group": group,
        "is_trusted": is_trusted,
        "uses_left": uses,
        "created_at_s": actor.now_s,
        "expires_at_s": expires_at_s,
        "revoked_at_s": 0,
    }
    connection.execute(insert(ENROLMENT_KEYS).values({**values, "digest": _digest(secret)}))
    details = {name: value for name, value in values.items() if name not in ("tenant", "key")}
    audit.record(connection, actor, "enrolment-key.create", f"enrolment-key:{word}", details)
    return get(connection, actor.tenant, word), f"edge-enrol_{word}_{secret}"


def known(connection: Connection, text: str, now_s: int) -> EnrolmentKey:
    """Return the key of this text, whether devices are left to it or not.

    Raises:
        RefusedError: There is none that holds.
    """
    found = _TEXT.fullmatch(text)
    row = (
        found
        and connection.execute(
            select(ENROLMENT_KEYS).where(ENROLMENT_KEYS.c.key == found[1])
        ).first()
    )
    if not found or not row or not hmac.compare_digest(row.digest, _digest(found[2])):
        raise RefusedError("no key of enrolment that holds was sent")
    key = _key(row)
    if key.revoked_at_s or now_s >= key.expires_at_s:
        raise RefusedError(f"the key {key.name!r} holds no longer")
    return key


def use(connection: Connection, key: EnrolmentKey, device: str) -> None:
    """Use a key for a device: one use less is left.

    Raises:
        RefusedError: None is left, or it is not for such a device.
    """
    if not key.uses_left:
        raise RefusedError(f"the key {key.name!r} was used as often as it may be")
    if not glob.is_like(device, key.pattern):
        raise RefusedError(f"the key {key.name!r} is for {key.pattern}, not for {device}")
    same = (ENROLMENT_KEYS.c.tenant == key.tenant, ENROLMENT_KEYS.c.key == key.key)
    left = {"uses_left": key.uses_left - 1}
    connection.execute(update(ENROLMENT_KEYS).where(*same).values(left))


def revoke(connection: Connection, actor: Actor, key: str) -> None:
    """Make a key useless; the devices that came with it stay.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    get(connection, actor.tenant, key)
    same = (ENROLMENT_KEYS.c.tenant == actor.tenant, ENROLMENT_KEYS.c.key == key)
    connection.execute(update(ENROLMENT_KEYS).where(*same).values(revoked_at_s=actor.now_s))
    audit.record(connection, actor, "enrolment-key.revoke", f"enrolment-key:{key}")


def get(connection: Connection, tenant: str, key: str) -> EnrolmentKey:
    """Return a key.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    same = (ENROLMENT_KEYS.c.tenant == tenant, ENROLMENT_KEYS.c.key == key)
    row = connection.execute(select(ENROLMENT_KEYS).where(*same)).first()
    if row is None:
        raise ThingNotFoundError(f"no key of enrolment {key!r}", hint="edge enrolment list")
    return _key(row)


def all_of(connection: Connection, tenant: str) -> list[EnrolmentKey]:
    """Return the keys of a tenant, newest last."""
    asked = select(ENROLMENT_KEYS).where(ENROLMENT_KEYS.c.tenant == tenant)
    ordered = asked.order_by(ENROLMENT_KEYS.c.created_at_s, ENROLMENT_KEYS.c.key)
    return [_key(row) for row in connection.execute(ordered)]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> EnrolmentKey:
    values = dict(row._mapping)
    del values["digest"]
    return EnrolmentKey(**values)
