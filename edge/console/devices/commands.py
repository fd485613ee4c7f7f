"""What is asked of devices once, and what they answer, as steps of a transaction.

A command is open until its device has answered, or its time is over. An answer is believed of the
device that was asked, once, and only if it is whole and of its form; what is in it is hostile text.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Connection, Row, delete, desc, func, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import registry, states
from edge.console.store.command_tables import COMMANDS, PARTS
from edge.console.store.tables import DEVICES
from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge_signing.commands import (
    ACTING,
    COMMANDS_MOST,
    EXPIRY_MOST_S,
    Command,
    Ending,
    Reply,
    Word,
    unpack_content,
)
from edge_signing.errors import FormatError
from edge_signing.inventory import Inventory

KEPT_MOST: Final = 20  # for one device
KEPT_S: Final = 14 * 86_400
EXPIRY_LEAST_S: Final = 10


class State(StrEnum):
    """How a command stands; stored, so the names never change."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"


# All but what was answered.
COLUMNS: Final = tuple(column for column in COMMANDS.c if column.name != "content")


def ask(connection: Connection, actor: Actor, device: str, command: Command) -> None:
    """Ask something of a device.

    Raises:
        ThingNotFoundError: There is no such device.
        InputError: It would expire too early or too late.
        RefusedError: The device is not let in, or has not answered too many yet.
    """
    row = registry.get(connection, actor.tenant, device)
    if row.state != states.State.ACCEPTED:
        raise RefusedError(f"device {device!r} is {row.state}: it can not be asked")
    if not EXPIRY_LEAST_S <= command.expires_in_s <= EXPIRY_MOST_S:
        raise InputError(f"expires_s: not {EXPIRY_LEAST_S} to {EXPIRY_MOST_S}")
    if len(open_of(connection, actor.tenant, device, actor.now_s)) >= COMMANDS_MOST:
        raise RefusedError(
            f"device {device!r} has not answered {COMMANDS_MOST} commands yet",
            hint="they are given up when they expire",
        )
    connection.execute(
        insert(COMMANDS).values(
            tenant=actor.tenant,
            command=command.id,
            device=device,
            number=_last_number(connection, actor.tenant, device) + 1,
            word=command.word,
            service=command.service,
            lines=command.lines,
            state=State.OPEN,
            asked_by=actor.name,
            asked_at_s=actor.now_s,
            expires_at_s=command.expires_at_s,
        )
    )
    details: dict[str, object] = {
        "command": command.id,
        "lines": command.lines,
        "service": command.service,
        "word": command.word,
    }
    audit.record(connection, actor, "command.ask", f"device:{device}", details)
    _keep_few(connection, actor.tenant, device)


def open_of(connection: Connection, tenant: str, device: str, now_s: int) -> list[Command]:
    """Return what is asked of a device and may be answered in time, oldest first."""
    asked = select(*COLUMNS).where(*_open(tenant, now_s), COMMANDS.c.device == device)
    rows = connection.execute(asked.order_by(COMMANDS.c.number))
    return [
        Command(
            row.command,
            cast(Word, row.word),
            row.expires_at_s,
            row.expires_at_s - now_s,
            row.service,
            row.lines,
        )
        for row in rows.fetchmany(COMMANDS_MOST)
    ]


def asked_until_s(connection: Connection, tenant: str, device: str) -> int:
    """Return when the last open command of a device expires, 0 if there is none."""
    newest = select(func.max(COMMANDS.c.expires_at_s)).where(
        COMMANDS.c.tenant == tenant, COMMANDS.c.device == device, COMMANDS.c.state == State.OPEN
    )
    return connection.scalar(newest) or 0


def asked(connection: Connection, tenant: str, now_s: int) -> list[Caller]:
    """Return all callers of a tenant that are let in and have something to answer."""
    same = (DEVICES.c.tenant == COMMANDS.c.tenant, DEVICES.c.device == COMMANDS.c.device)
    found = (
        select(COMMANDS.c.device)
        .where(*same, DEVICES.c.state == states.State.ACCEPTED, *_open(tenant, now_s))
        .distinct()
    )
    return [Caller(tenant, name, Via.MQTT) for name in connection.scalars(found)]


def is_waited_for(connection: Connection, caller: Caller, command: str) -> bool:
    """Return whether an answer of a device to a command is one that nobody has yet.

    Raises:
        ThingNotFoundError: This device was not asked that.
    """
    same = (
        COMMANDS.c.tenant == caller.tenant,
        COMMANDS.c.command == command,
        COMMANDS.c.device == caller.device,
    )
    found = connection.scalar(select(COMMANDS.c.answered_at_s).where(*same))
    if found is None:
        raise ThingNotFoundError(f"{caller.device}: was not asked {command!r}")
    return bool(found == 0)


def take_reply(connection: Connection, caller: Caller, reply: Reply, now_s: int) -> bool:
    """Store a part of an answer; return whether the command has ended with it.

    A part that is there, and an answer that came before, change nothing. One that comes late is
    taken: what was done was done.

    Raises:
        ThingNotFoundError: This device was not asked that.
    """
    if not is_waited_for(connection, caller, reply.command):
        return False
    ours = (PARTS.c.tenant == caller.tenant, PARTS.c.command == reply.command)
    known = select(PARTS.c.part).where(*ours, PARTS.c.part == reply.part)
    if connection.scalar(known) is not None:
        return False
    connection.execute(
        insert(PARTS).values(
            tenant=caller.tenant,
            command=reply.command,
            part=reply.part,
            is_last=reply.is_last,
            state=reply.state,
            reason=reply.reason,
            content=reply.content,
        )
    )
    rows = connection.execute(select(PARTS).where(*ours).order_by(PARTS.c.part)).all()
    last = next((row for row in rows if row.is_last), None)
    is_more_to_come = last is None or (rows[-1] is last and len(rows) <= last.part)
    if last is None or is_more_to_come:
        return False
    _finish(connection, caller, last, rows, now_s)
    connection.execute(delete(PARTS).where(*ours))
    return True


def expire(connection: Connection, tenant: str, now_s: int) -> list[str]:
    """Give up what was not answered in time, forget what is old; return the devices of it."""
    late = (
        COMMANDS.c.tenant == tenant,
        COMMANDS.c.state == State.OPEN,
        COMMANDS.c.expires_at_s <= now_s,
    )
    devices = sorted(connection.scalars(select(COMMANDS.c.device).where(*late).distinct()))
    if devices:
        values = {"state": State.EXPIRED, "reason": "the device has not answered in time"}
        connection.execute(update(COMMANDS).where(*late).values(values))
    old = COMMANDS.c.asked_at_s < now_s - KEPT_S
    _forget(connection, tenant, select(COMMANDS.c.command).where(COMMANDS.c.tenant == tenant, old))
    return devices


def is_any_due(connection: Connection, tenant: str, now_s: int) -> bool:
    """Return whether `expire` would change anything."""
    is_late = (COMMANDS.c.state == State.OPEN) & (COMMANDS.c.expires_at_s <= now_s)
    is_old = COMMANDS.c.asked_at_s < now_s - KEPT_S
    due = select(COMMANDS.c.command).where(COMMANDS.c.tenant == tenant, is_late | is_old)
    return connection.scalar(due.limit(1)) is not None


def list_(
    connection: Connection, tenant: str, device: str, *, word: str = "", state: str = "", most: int
) -> Sequence[Row[Any]]:
    """Return the commands of a device, newest first, without what was answered.

    Raises:
        ThingNotFoundError: There is no such device.
    """
    registry.get(connection, tenant, device)
    found = select(*COLUMNS).where(COMMANDS.c.tenant == tenant, COMMANDS.c.device == device)
    if word:
        found = found.where(COMMANDS.c.word == word)
    if state:
        found = found.where(COMMANDS.c.state == state)
    return connection.execute(found.order_by(desc(COMMANDS.c.number)).limit(most)).all()


def get(connection: Connection, tenant: str, device: str, command: str) -> Row[Any]:
    """Return a command of a device with what was answered, packed.

    Raises:
        ThingNotFoundError: There is no such device, or it was not asked that.
    """
    registry.get(connection, tenant, device)
    same = (
        COMMANDS.c.tenant == tenant,
        COMMANDS.c.device == device,
        COMMANDS.c.command == command,
    )
    row = connection.execute(select(COMMANDS).where(*same)).first()
    if row is None:
        raise ThingNotFoundError(f"device {device!r} was not asked {command!r}")
    return row


def content(row: Row[Any]) -> str:
    r"""Return what was answered as text that no terminal and no page takes for more than text.

    All that can not be seen but line breaks and tabs is written out: `\x1b`.
    """
    packed = b"" if row.content is None else bytes(row.content)
    text = unpack_content(packed).decode(errors="backslashreplace")
    return "".join(one if one in "\n\t" or one.isprintable() else ascii(one)[1:-1] for one in text)


def _finish(
    connection: Connection, caller: Caller, last: Row[Any], rows: Sequence[Row[Any]], now_s: int
) -> None:
    state: Ending = last.state
    reason, packed, length_bytes = last.reason, b"".join(bytes(one.content) for one in rows), 0
    command = get(connection, caller.tenant, caller.device, last.command)
    try:
        if rows[-1] is not last:
            raise FormatError("a part came after the last one")
        length_bytes = _looked_at(command.word, packed)
    except FormatError as error:
        state, reason, packed = "failed", f"the answer can not be read: {error}", b""
    same = (COMMANDS.c.tenant == caller.tenant, COMMANDS.c.command == last.command)
    values = {
        "state": State(state),
        "reason": reason,
        "answered_at_s": now_s,
        "length_bytes": length_bytes,
        "content": packed or None,
    }
    connection.execute(update(COMMANDS).where(*same).values(values))


def _looked_at(word: str, packed: bytes) -> int:
    """Return how long an answer is that is of its form."""
    found = unpack_content(packed)
    if word == "inventory" and found:
        Inventory.unpack(found)
    if word in ACTING and found:
        raise FormatError(f"{word}: there is nothing to tell")
    return len(found)


def _open(tenant: str, now_s: int) -> tuple[ColumnElement[bool], ...]:
    return (
        COMMANDS.c.tenant == tenant,
        COMMANDS.c.state == State.OPEN,
        COMMANDS.c.expires_at_s > now_s,
    )


def _last_number(connection: Connection, tenant: str, device: str) -> int:
    ours = (COMMANDS.c.tenant == tenant, COMMANDS.c.device == device)
    return connection.scalar(select(func.max(COMMANDS.c.number)).where(*ours)) or 0


def _keep_few(connection: Connection, tenant: str, device: str) -> None:
    """Forget the oldest commands of a device that are over."""
    over = select(COMMANDS.c.command).where(
        COMMANDS.c.tenant == tenant,
        COMMANDS.c.device == device,
        COMMANDS.c.state != State.OPEN,
    )
    _forget(connection, tenant, over.order_by(desc(COMMANDS.c.number)).offset(KEPT_MOST))


def _forget(connection: Connection, tenant: str, found: Any) -> None:
    names = list(connection.scalars(found))
    for table in (PARTS, COMMANDS):
        for name in names:
            same = (table.c.tenant == tenant, table.c.command == name)
            connection.execute(delete(table).where(*same))
