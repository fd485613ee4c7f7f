"""What people say of devices: tags, attributes, notes."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import registry
from edge.console.store.tables import ATTRIBUTES, DEVICES, TAGS
from edge.errors import InputError

TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
VALUE_MOST: Final = 1000
NOTES_MOST: Final = 10_000
MOST: Final = 100  # of each kind, for one device


def tag(
    connection: Connection,
    actor: Actor,
    device: str,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
) -> list[str]:
    """Add and remove tags, and return those that a device has then.

    Raises:
        ThingNotFoundError: There is no such device.
        InputError: A tag can not be that, or there are too many.
    """
    registry.get(connection, actor.tenant, device)
    added, removed = sorted(set(add)), sorted(set(remove))
    for one in added:
        if not TAG.fullmatch(one):
            raise InputError(f"tag {one!r}: not 1 to 64 letters, digits, '.', '_' or '-'")
    before = set(tags(connection, actor.tenant, device))
    after = (before | set(added)) - set(removed)
    _require_few(after, "tags")
    for one in sorted(before - after):
        same = (TAGS.c.tenant == actor.tenant, TAGS.c.device == device, TAGS.c.tag == one)
        connection.execute(delete(TAGS).where(*same))
    for one in sorted(after - before):
        connection.execute(insert(TAGS).values(tenant=actor.tenant, device=device, tag=one))
    if after != before:
        details: dict[str, object] = {"add": added, "remove": removed}
        audit.record(connection, actor, "device.tag", f"device:{device}", details)
    return sorted(after)


def set_attributes(
    connection: Connection, actor: Actor, device: str, values: Mapping[str, str | None]
) -> dict[str, str]:
    """Set attributes, take those away that are None, and return all that a device has then.

    Raises:
        ThingNotFoundError: There is no such device.
        InputError: A name or value can not be that, or there are too many.
    """
    registry.get(connection, actor.tenant, device)
    for name, value in values.items():
        _check_attribute(name, value)
    names = list(values)
    same = (ATTRIBUTES.c.tenant == actor.tenant, ATTRIBUTES.c.device == device)
    connection.execute(delete(ATTRIBUTES).where(*same, ATTRIBUTES.c.name.in_(names)))
    for name, value in values.items():
        if value is not None:
            row = {"tenant": actor.tenant, "device": device, "name": name, "value": value}
            connection.execute(insert(ATTRIBUTES).values(row))
    after = attributes(connection, actor.tenant, device)
    _require_few(after, "attributes")
    audit.record(connection, actor, "device.attributes", f"device:{device}", dict(values))
    return after


def set_notes(connection: Connection, actor: Actor, device: str, notes: str) -> None:
    """Set what people wrote of a device.

    Raises:
        ThingNotFoundError: There is no such device.
        InputError: It is too long.
    """
    registry.get(connection, actor.tenant, device)
    _check_text("notes", notes, NOTES_MOST)
    same = (DEVICES.c.tenant == actor.tenant, DEVICES.c.device == device)
    connection.execute(update(DEVICES).where(*same).values(notes=notes))
    audit.record(connection, actor, "device.notes", f"device:{device}", {"notes": notes})


def tags(connection: Connection, tenant: str, device: str) -> list[str]:
    """Return the tags of a device, sorted."""
    asked = select(TAGS.c.tag).where(TAGS.c.tenant == tenant, TAGS.c.device == device)
    return sorted(connection.scalars(asked))


def attributes(connection: Connection, tenant: str, device: str) -> dict[str, str]:
    """Return the attributes of a device by name."""
    same = (ATTRIBUTES.c.tenant == tenant, ATTRIBUTES.c.device == device)
    found = connection.execute(select(ATTRIBUTES).where(*same).order_by(ATTRIBUTES.c.name))
    return {row.name: row.value for row in found}


def _check_attribute(name: str, value: str | None) -> None:
    if not NAME.fullmatch(name):
        raise InputError(f"attribute {name!r}: not a small letter, then letters, digits, '_.-'")
    _check_text(name, value or "", VALUE_MOST)


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise InputError(f"{name}: {len(text)} characters are more than {most}")
    if "\0" in text:
        raise InputError(f"{name}: no database of ours stores a zero byte")


def _require_few(found: Iterable[str], what: str) -> None:
    if (count := len(list(found))) > MOST:
        raise InputError(f"{count} {what} of one device are more than {MOST}")
