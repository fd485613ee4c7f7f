"""Groups: sets of devices with a name.

A group either has members, or is what a filter means at the time: a filter that was saved. What
people may reach is bound to groups with members alone, for a filter can be met by changing a
device.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    delete,
    exists,
    insert,
    select,
    update,
)

from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import device_filter, finding, registry
from edge.console.filters.parse import parse
from edge.console.filters.terms import Both, Compare, Either, Not, Term
from edge.console.store.tables import DEVICES, GROUPS, MEMBERS
from edge.errors import InputError, RefusedError, ThingNotFoundError

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST: Final = 200
NOTES_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """A group.

    Attributes:
        filter: What its devices are; empty if it has members.
    """

    group: str
    filter: str
    notes: str
    created_at_s: int


def put(
    connection: Connection, actor: Actor, group: str, *, filter_: str = "", notes: str = ""
) -> Group:
    """Make a group, or change its filter and notes.

    Raises:
        InputError: It can not be called that, or the filter can not be one of a group.
        RefusedError: There are too many, or it has members and should have a filter.
    """
    _check(group, filter_, notes)
    known = {one.group: one for one in all_of(connection, actor.tenant)}
    before = known.get(group)
    if before is None and len(known) >= MOST:
        raise RefusedError(f"{MOST} groups are the most")
    if filter_ and _members(connection, actor.tenant, group):
        raise RefusedError(
            f"group {group!r}: it has members, so it can not be a filter",
            hint="take its members out first, or make another group",
        )
    values = {"filter": filter_, "notes": notes}
    if before is None:
        key = {"tenant": actor.tenant, "group": group, "created_at_s": actor.now_s}
        connection.execute(insert(GROUPS).values(key | values))
    else:
        connection.execute(update(GROUPS).where(*_same(actor.tenant, group)).values(values))
    details: dict[str, object] = {**values}
    audit.record(connection, actor, "group.set", f"group:{group}", details)
    return Group(group, filter_, notes, before.created_at_s if before else actor.now_s)


def remove(connection: Connection, actor: Actor, group: str) -> None:
    """Remove a group; its devices stay.

    Raises:
        ThingNotFoundError: There is no such group.
    """
    get(connection, actor.tenant, group)
    same = (MEMBERS.c.tenant == actor.tenant, MEMBERS.c.group == group)
    connection.execute(delete(MEMBERS).where(*same))
    connection.execute(delete(GROUPS).where(*_same(actor.tenant, group)))
    audit.record(connection, actor, "group.remove", f"group:{group}")


def change_members(
    connection: Connection,
    actor: Actor,
    group: str,
    *,
    add: Iterable[str] = (),
    take_out: Iterable[str] = (),
) -> int:
    """Add devices to a group and take others out; return how many it has then.

    Raises:
        ThingNotFoundError: There is no such group or device.
        RefusedError: Its devices are what a filter means.
    """
    found = get(connection, actor.tenant, group)
    if found.filter:
        raise RefusedError(
            f"group {group!r}: its devices are those of its filter", hint=found.filter
        )
    added, out = sorted(set(add)), sorted(set(take_out))
    for device in added:
        registry.get(connection, actor.tenant, device)
    before = _members(connection, actor.tenant, group)
    same = (MEMBERS.c.tenant == actor.tenant, MEMBERS.c.group == group)
    connection.execute(delete(MEMBERS).where(*same, MEMBERS.c.device.in_(out)))
    new = [
        {"tenant": actor.tenant, "group": group, "device": device}
        for device in added
        if device not in before or device in out
    ]
    if new:
        connection.execute(insert(MEMBERS), new)
    details: dict[str, object] = {"add": added, "take_out": out}
    audit.record(connection, actor, "group.members", f"group:{group}", details)
    return len(_members(connection, actor.tenant, group))


def join(connection: Connection, tenant: str, group: str, device: str) -> None:
    """Add a device that has just come to a group; nothing happens if the group is gone."""
    row = connection.execute(select(GROUPS).where(*_same(tenant, group))).first()
    if row is not None and not row.filter and device not in _members(connection, tenant, group):
        values = {"tenant": tenant, "group": group, "device": device}
        connection.execute(insert(MEMBERS).values(values))


def get(connection: Connection, tenant: str, group: str) -> Group:
    """Return a group.

    Raises:
        ThingNotFoundError: The tenant has none of that name.
    """
    row = connection.execute(select(GROUPS).where(*_same(tenant, group))).first()
    if row is None:
        raise unknown(group)
    return Group(row.group, row.filter, row.notes, row.created_at_s)


def unknown(group: str) -> ThingNotFoundError:
    """Return what is said of a group that is not there."""
    return ThingNotFoundError(
        f"no group {group!r}", hint="edge groups list; edge groups set makes one"
    )


def all_of(connection: Connection, tenant: str) -> list[Group]:
    """Return the groups of a tenant in the order of their names."""
    asked = select(GROUPS).where(GROUPS.c.tenant == tenant).order_by(GROUPS.c.group)
    rows = connection.execute(asked)
    return [Group(row.group, row.filter, row.notes, row.created_at_s) for row in rows]


def named(connection: Connection, tenant: str) -> dict[str, str]:
    """Return the filters of those groups that are one, by name: what filters ask for."""
    return {one.group: one.filter for one in all_of(connection, tenant) if one.filter}


def count(connection: Connection, tenant: str, group: str, now_s: int) -> int:
    """Return how many devices are in a group now.

    Raises:
        ThingNotFoundError: The tenant has none of that name.
    """
    found = get(connection, tenant, group)
    if not found.filter:
        return len(_members(connection, tenant, group))
    return finding.count(connection, device_filter.meant(found.filter, tenant, now_s)).devices


def within(names: Iterable[str], rows: FromClause = DEVICES) -> ColumnElement[bool]:
    """Return what holds for rows whose devices are members of one of the groups.

    Args:
        names: Of the groups; one that is a filter has no members.
        rows: Have the columns `tenant` and `device`.
    """
    same = (MEMBERS.c.tenant == rows.c.tenant, MEMBERS.c.device == rows.c.device)
    return exists().where(*same, MEMBERS.c.group.in_(sorted(names)))


def _members(connection: Connection, tenant: str, group: str) -> set[str]:
    same = (MEMBERS.c.tenant == tenant, MEMBERS.c.group == group)
    return set(connection.scalars(select(MEMBERS.c.device).where(*same)))


def _same(tenant: str, group: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return GROUPS.c.tenant == tenant, GROUPS.c.group == group


def _check(group: str, filter_: str, notes: str) -> None:
    if not NAME.fullmatch(group):
        raise InputError(f"group {group!r}: not 1 to 64 letters, digits, '.', '_' or '-'")
    if len(notes) > NOTES_MOST or "\0" in notes:
        raise InputError(f"notes: at most {NOTES_MOST} characters, none of them a zero byte")
    if filter_ and _asks_for_groups(parse(filter_)):
        raise InputError(
            f"group {group!r}: its filter names a group", hint="write out what that one means"
        )


def _asks_for_groups(term: Term) -> bool:
    match term:
        case Compare():
            return term.field.name == "group"
        case Not():
            return _asks_for_groups(term.part)
        case Both() | Either():
            return any(_asks_for_groups(part) for part in term.parts)
