"""The people of a tenant: steps of a transaction, each with its entry in the audit log.

Nobody gives more than he has, and nobody who has less changes somebody who has more. The last
person who may do all stays.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from edge.console import audit, tokens
from edge.console.audit import Actor
from edge.console.devices import groups
from edge.console.people import sessions
from edge.console.people.roles import SCOPES, Role
from edge.console.store.people_tables import INVITATIONS, PEOPLE
from edge.console.tokens import Scope
from edge.errors import InputError, RefusedError, ThingNotFoundError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}(@[a-z0-9][a-z0-9.-]{0,63})?")
SHOWN_MOST: Final = 100
MOST: Final = 1000


class Way(StrEnum):
    """How somebody logs in, and in no other way; stored, so the names never change."""

    PASSWORD = "password"  # noqa: S105
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can log in.

    Attributes:
        person: The name that he logs in with.
        shown_name: What people call him; may be empty.
        groups: Those whose devices he can reach; None for all devices.
        way: How he logs in.
        is_ready: Whether he can: he has a password, or the provider has named him.
        logged_in_at_s: When he did last; 0 for never.
    """

    tenant: str
    person: str
    shown_name: str
    role: Role
    groups: frozenset[str] | None
    is_disabled: bool
    way: Way
    is_ready: bool
    created_at_s: int
    logged_in_at_s: int

    @property
    def scopes(self) -> frozenset[Scope]:
        """What he may do."""
        return SCOPES[self.role]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different about somebody; None for what stays.

    Attributes:
        reach: The groups that he is limited to; in it None for no limit.
    """

    shown_name: str | None = None
    role: Role | None = None
    reach: tuple[frozenset[str] | None] | None = None
    way: Way | None = None
    is_disabled: bool | None = None


def add(
    connection: Connection,
    actor: Actor,
    person: str,
    role: Role,
    *,
    shown_name: str = "",
    groups: frozenset[str] | None = None,
    way: Way = Way.PASSWORD,
    allowed: frozenset[Scope] = frozenset(Scope),
) -> Person:
    """Add somebody, who can not log in yet.

    Args:
        connection: Of the transaction.
        actor: Who adds him.
        person: The name to log in with.
        role: What he is.
        shown_name: What people call him.
        groups: Those whose devices he can reach; None for all devices.
        way: How he will log in.
        allowed: What the actor may do.

    Raises:
        InputError: He can not be called that.
        RefusedError: The name is taken, or he would have more than the actor.
        ThingNotFoundError: There is no such group.
    """
    _check_name(person)
    if anywhere(connection, person) is not None:
        raise RefusedError(f"person {person!r}: the name is taken")
    if len(all_of(connection, actor.tenant)) >= MOST:
        raise RefusedError(f"{MOST} people are the most")
    made = Person(actor.tenant, person, shown_name, role, groups, False, way, False, actor.now_s, 0)
    _check(connection, made, allowed)
    connection.execute(
        insert(PEOPLE).values(
            tenant=made.tenant,
            person=person,
            created_at_s=actor.now_s,
            **_stored(made),
        )
    )
    audit.record(connection, actor, "person.add", subject(person), _said(made))
    return made


def change(
    connection: Connection,
    actor: Actor,
    person: str,
    wanted: Change,
    *,
    allowed: frozenset[Scope] = frozenset(Scope),
) -> Person:
    """Change somebody; his sessions end if he is disabled, or may do or reach something else.

    Tokens that he made end when they allow more than he may do then.

    Raises:
        InputError: He can not be that.
        RefusedError: It is the actor himself, he has or would have more than the actor, or he is
            the last one who may do all.
        ThingNotFoundError: There is no such person or group.
    """
    before = get(connection, actor.tenant, person)
    after = replace(
        before,
        shown_name=before.shown_name if wanted.shown_name is None else wanted.shown_name,
        role=wanted.role or before.role,
        groups=before.groups if wanted.reach is None else wanted.reach[0],
        way=wanted.way or before.way,
        is_disabled=before.is_disabled if wanted.is_disabled is None else wanted.is_disabled,
    )
    if after.way is not before.way:
        after = replace(after, is_ready=False)
    is_other = _rights(before) != _rights(after)
    if is_other:
        require_other(actor, person)
    require_no_more(before, allowed)
    _check(connection, after, allowed)
    if after == before:
        return after
    values = _stored(after)
    if after.way is not before.way:
        values |= {"password": "", "issuer": "", "subject": ""}
    connection.execute(update(PEOPLE).where(*_same(actor.tenant, person)).values(values))
    _require_admin(connection, before, after)
    if is_other:
        _shut_out(connection, actor, person, after.scopes if _is_unlimited(after) else frozenset())
    audit.record(connection, actor, "person.change", subject(person), _said(after))
    return after


def remove(
    connection: Connection,
    actor: Actor,
    person: str,
    *,
    allowed: frozenset[Scope] = frozenset(Scope),
) -> None:
    """Remove somebody; his sessions, and the tokens that he made, end.

    Raises:
        RefusedError: It is the actor himself, he has more, or he is the last who may do all.
        ThingNotFoundError: There is no such person.
    """
    before = get(connection, actor.tenant, person)
    require_other(actor, person)
    require_no_more(before, allowed)
    _shut_out(connection, actor, person, frozenset())
    connection.execute(delete(PEOPLE).where(*_same(actor.tenant, person)))
    _require_admin(connection, before, None)
    audit.record(connection, actor, "person.remove", subject(person))


def rename(connection: Connection, actor: Actor, person: str, shown_name: str) -> None:
    """Set what people call somebody.

    Raises:
        InputError: He can not be called that.
    """
    _check_shown(shown_name)
    values = {"shown_name": shown_name}
    connection.execute(update(PEOPLE).where(*_same(actor.tenant, person)).values(values))


def saw(connection: Connection, found: Person, now_s: int) -> None:
    """Store that somebody has logged in."""
    values = {"logged_in_at_s": now_s}
    connection.execute(update(PEOPLE).where(*_same(found.tenant, found.person)).values(values))


def get(connection: Connection, tenant: str, person: str) -> Person:
    """Return somebody.

    Raises:
        ThingNotFoundError: The tenant has nobody of that name.
    """
    row = connection.execute(select(PEOPLE).where(*_same(tenant, person))).first()
    if row is None:
        raise ThingNotFoundError(f"no person {person!r}", hint="edge people list")
    return of_row(row)


def anywhere(connection: Connection, person: str) -> tuple[Person, str] | None:
    """Return somebody of any tenant with the hash of his password: for who logs in."""
    row = connection.execute(select(PEOPLE).where(PEOPLE.c.person == person)).first()
    return None if row is None else (of_row(row), row.password)


def all_of(connection: Connection, tenant: str) -> list[Person]:
    """Return the people of a tenant in the order of their names."""
    asked = select(PEOPLE).where(PEOPLE.c.tenant == tenant).order_by(PEOPLE.c.person)
    return [of_row(row) for row in connection.execute(asked)]


def is_nobody(connection: Connection) -> bool:
    """Whether there is no person in the whole console."""
    return connection.execute(select(PEOPLE.c.person).limit(1)).first() is None


def require_no_more(found: Person, allowed: frozenset[Scope]) -> None:
    """Refuse to touch somebody who may do more than who asks.

    Raises:
        RefusedError: He may.
    """
    if more := found.scopes - allowed:
        raise RefusedError(f"{found.person}: you may not do {', '.join(sorted(more))} yourself")


def require_other(actor: Actor, person: str) -> None:
    """Refuse what nobody does to himself.

    Raises:
        RefusedError: He is the actor.
    """
    if actor.name == subject(person):
        raise RefusedError(f"{person}: that is yourself", hint="let another admin do it")


def forget_invitations(connection: Connection, tenant: str, person: str) -> None:
    """Make the links of somebody useless."""
    same = (INVITATIONS.c.tenant == tenant, INVITATIONS.c.person == person)
    connection.execute(delete(INVITATIONS).where(*same))


def subject(person: str) -> str:
    """Return how the audit log names somebody, as who acts and as whom it was done to."""
    return f"person:{person}"


def of_row(row: Row[Any]) -> Person:
    """Return the person of a row of `PEOPLE`."""
    return Person(
        tenant=row.tenant,
        person=row.person,
        shown_name=row.shown_name,
        role=Role(row.role),
        groups=None if row.groups is None else frozenset(row.groups.split()),
        is_disabled=row.is_disabled,
        way=Way(row.way),
        is_ready=bool(row.password or row.subject),
        created_at_s=row.created_at_s,
        logged_in_at_s=row.logged_in_at_s,
    )


def _check_name(person: str) -> None:
    if not NAME.fullmatch(person):
        raise InputError(
            f"person {person!r}: not 1 to 64 small letters, digits, '.', '_' or '-'",
            hint="an e-mail address may be a name, too",
        )


def _check(connection: Connection, after: Person, allowed: frozenset[Scope]) -> None:
    require_no_more(after, allowed)
    _check_shown(after.shown_name)
    if after.groups is None:
        return
    if after.role is Role.ADMIN:
        raise InputError("an admin reaches all devices", hint="choose another role, or no groups")
    _check_groups(connection, after.tenant, after.groups)


def _check_shown(shown_name: str) -> None:
    if len(shown_name) > SHOWN_MOST or not shown_name.isprintable():
        raise InputError(f"shown_name: at most {SHOWN_MOST} characters that can be seen")


def _check_groups(connection: Connection, tenant: str, names: Iterable[str]) -> None:
    for name in sorted(names):
        if groups.get(connection, tenant, name).filter:
            raise RefusedError(
                f"group {name!r}: a filter can be met by changing a device",
                hint="people are limited to groups with members",
            )


def _require_admin(connection: Connection, before: Person, after: Person | None) -> None:
    """Refuse to take away the last one who may do all and can log in."""
    if not _is_ruler(before) or (after is not None and _is_ruler(after)):
        return
    if not any(_is_ruler(one) for one in all_of(connection, before.tenant)):
        raise RefusedError(
            f"{before.person}: the last admin who can log in", hint="make another one first"
        )


def _shut_out(connection: Connection, actor: Actor, person: str, allowed: frozenset[Scope]) -> None:
    """End what somebody began or made when he might do more."""
    sessions.end_all(connection, actor.tenant, person)
    forget_invitations(connection, actor.tenant, person)
    tokens.revoke_made_by(connection, actor, subject(person), allowed)


def _is_unlimited(one: Person) -> bool:
    return one.groups is None and not one.is_disabled


def _is_ruler(one: Person) -> bool:
    return one.role is Role.ADMIN and not one.is_disabled and one.is_ready


def _rights(one: Person) -> tuple[Role, frozenset[str] | None, Way, bool]:
    return one.role, one.groups, one.way, one.is_disabled


def _stored(one: Person) -> dict[str, object]:
    return {
        "shown_name": one.shown_name,
        "role": one.role,
        "groups": None if one.groups is None else " ".join(sorted(one.groups)),
        "way": one.way,
        "is_disabled": one.is_disabled,
    }


def _said(one: Person) -> dict[str, object]:
    return {
        "role": one.role,
        "groups": "all" if one.groups is None else sorted(one.groups),
        "way": one.way,
        "is_disabled": one.is_disabled,
        "shown_name": one.shown_name,
    }


def _same(tenant: str, person: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return PEOPLE.c.tenant == tenant, PEOPLE.c.person == person
