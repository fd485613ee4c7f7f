"""Sessions of terminals and their records, as steps of a transaction.

What the device shows is stored before it is told on. A record is never changed, and is gone with
its session when that is old.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, desc, func, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.devices import registry, states
from edge.console.store.terminal_tables import CHUNKS, TERMINALS
from edge.errors import InputError, RefusedError, ThingNotFoundError
from edge_signing.terminal.grant import SignedGrant
from edge_signing.terminal.record import CHUNKS_MOST, RECORD_MOST_BYTES, Closing

KEPT_S: Final = 400 * 86_400
KEPT_MOST: Final = 200  # for one device
# What a device may send above its own limit: the last chunk.
_OVER_BYTES: Final = 128 << 10


class State(StrEnum):
    """How a session stands; stored, so the names never change."""

    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


# All but what is long.
COLUMNS: Final = tuple(
    column for column in TERMINALS.c if column.name not in ("grant_bytes", "answer", "closing")
)


def open_(connection: Connection, actor: Actor, packed: bytes, checked_by: str) -> SignedGrant:
    """Store that a session is wanted; return its grant, which only the device can judge.

    Args:
        connection: Of the transaction.
        actor: Who wants it.
        packed: The signed grant.
        checked_by: By what the person knows the device.

    Raises:
        ThingNotFoundError: There is no such device.
        InputError: The grant is one for another certificate or enrolment, or over.
        RefusedError: The device is not let in, has a session, or the grant was here before.
    """
    signed = SignedGrant.unpack(packed)
    grant = signed.grant
    row = registry.get(connection, actor.tenant, grant.device)
    if row.state != states.State.ACCEPTED:
        raise RefusedError(f"device {grant.device!r} is {row.state}: it can not be reached")
    if (row.fingerprint, row.epoch) != (grant.certificate.hex(), grant.epoch):
        raise InputError(
            "grant: for another certificate or enrolment of this device",
            hint=f"its certificate is {row.fingerprint or 'not known yet'}, epoch {row.epoch}",
        )
    if actor.now_s >= grant.not_after_s:
        raise InputError(f"grant: it was good until {grant.not_after_s}")
    _require_free(connection, actor.tenant, grant.device, grant.session)
    connection.execute(
        insert(TERMINALS).values(
            tenant=actor.tenant,
            session=grant.session,
            device=grant.device,
            number=_last_number(connection, actor.tenant, grant.device) + 1,
            state=State.WAITING,
            who=grant.who,
            opened_by=actor.name,
            reason=grant.reason,
            command=grant.command,
            checked_by=checked_by,
            asked_at_s=actor.now_s,
            not_after_s=grant.not_after_s,
            is_whole=False,
            grant_bytes=packed,
        )
    )
    _note_opened(connection, actor, signed, checked_by)
    _forget_old(connection, actor.tenant, grant.device, actor.now_s)
    return signed


def answered(connection: Connection, tenant: str, session: str, answer: bytes, now_s: int) -> None:
    """Store that the device has answered."""
    values = {"state": State.OPEN, "answer": answer, "answered_at_s": now_s}
    connection.execute(update(TERMINALS).where(*_same(tenant, session)).values(values))


def add_chunk(
    connection: Connection, tenant: str, session: str, number: int, content: bytes
) -> None:
    """Store a chunk of a record.

    Raises:
        RefusedError: It is not the next one, or the record is too long.
    """
    row = _row(connection, tenant, session)
    length_bytes = row.length_bytes + len(content)
    is_long = length_bytes > RECORD_MOST_BYTES + _OVER_BYTES or number >= CHUNKS_MOST
    if row.state == State.CLOSED or number != row.chunks or is_long:
        raise RefusedError(f"session {session}: the chunk {number} of its record has no place")
    connection.execute(
        insert(CHUNKS).values(tenant=tenant, session=session, number=number, content=content)
    )
    values = {"chunks": number + 1, "length_bytes": length_bytes}
    connection.execute(update(TERMINALS).where(*_same(tenant, session)).values(values))


def close(
    connection: Connection,
    actor: Actor,
    session: str,
    reason: str,
    *,
    closing: Closing | None = None,
    is_whole: bool = False,
) -> bool:
    """Store that a session is over; return whether it was not before.

    Args:
        connection: Of the transaction.
        actor: Who ends it.
        session: Its id.
        reason: Why it is over.
        closing: What the device said of it.
        is_whole: Its record is the one that the device has signed.
    """
    row = _row(connection, actor.tenant, session)
    if row.state == State.CLOSED:
        return False
    values: dict[str, object] = {
        "state": State.CLOSED,
        "ended": reason,
        "ended_at_s": actor.now_s,
        "is_whole": is_whole,
    }
    if closing is not None:
        status = -1 if closing.status is None else closing.status
        values |= {"closing": closing.pack(), "status": status}
    connection.execute(update(TERMINALS).where(*_same(actor.tenant, session)).values(values))
    began_s = row.answered_at_s or actor.now_s
    details: dict[str, object] = {
        "bytes": row.length_bytes,
        "is_whole": is_whole,
        "reason": reason,
        "record": closing.digest.hex() if closing is not None else "",
        "seconds": max(0, actor.now_s - began_s),
        "session": session,
    }
    audit.record(connection, actor, "device.terminal-closed", f"device:{row.device}", details)
    return True


def left_open(connection: Connection) -> list[tuple[str, str, str]]:
    """Return tenant, device and id of all sessions that are not over."""
    asked = select(TERMINALS.c.tenant, TERMINALS.c.device, TERMINALS.c.session)
    rows = connection.execute(asked.where(TERMINALS.c.state != State.CLOSED))
    return [(row.tenant, row.device, row.session) for row in rows]


def list_(connection: Connection, tenant: str, device: str, *, most: int) -> Sequence[Row[Any]]:
    """Return the sessions of a device, newest first.

    Raises:
        ThingNotFoundError: There is no such device.
    """
    registry.get(connection, tenant, device)
    found = select(*COLUMNS).where(TERMINALS.c.tenant == tenant, TERMINALS.c.device == device)
    return connection.execute(found.order_by(desc(TERMINALS.c.number)).limit(most)).all()


def get(connection: Connection, tenant: str, device: str, session: str) -> Row[Any]:
    """Return a session of a device.

    Raises:
        ThingNotFoundError: There is no such device, or it has no such session.
    """
    registry.get(connection, tenant, device)
    row = connection.execute(select(TERMINALS).where(*_same(tenant, session))).first()
    if row is None or row.device != device:
        raise ThingNotFoundError(f"device {device!r} has no session {session!r}")
    return row


def chunks(
    connection: Connection, tenant: str, session: str, *, after: int, most: int
) -> Sequence[Row[Any]]:
    """Return chunks of a record, those after a number."""
    asked = select(CHUNKS.c.number, CHUNKS.c.content).where(
        CHUNKS.c.tenant == tenant, CHUNKS.c.session == session, CHUNKS.c.number > after
    )
    return connection.execute(asked.order_by(CHUNKS.c.number).limit(most)).all()


def _note_opened(
    connection: Connection, actor: Actor, signed: SignedGrant, checked_by: str
) -> None:
    grant = signed.grant
    details: dict[str, object] = {
        "checked_by": checked_by,
        "command": grant.command,
        "keys": sorted(signed.signatures),
        "not_after_s": grant.not_after_s,
        "reason": grant.reason,
        "session": grant.session,
        "who": grant.who,
    }
    audit.record(connection, actor, "device.terminal-open", f"device:{grant.device}", details)


def _require_free(connection: Connection, tenant: str, device: str, session: str) -> None:
    if connection.scalar(select(TERMINALS.c.session).where(*_same(tenant, session))):
        raise RefusedError("grant: it was used before")
    same = (TERMINALS.c.tenant == tenant, TERMINALS.c.device == device)
    busy = select(TERMINALS.c.who).where(*same, TERMINALS.c.state != State.CLOSED)
    if (who := connection.scalar(busy)) is not None:
        raise RefusedError(f"device {device!r}: {who} has a terminal of it")


def _same(tenant: str, session: str) -> tuple[ColumnElement[bool], ...]:
    return (TERMINALS.c.tenant == tenant, TERMINALS.c.session == session)


def _row(connection: Connection, tenant: str, session: str) -> Row[Any]:
    row = connection.execute(select(*COLUMNS).where(*_same(tenant, session))).first()
    if row is None:
        raise ThingNotFoundError(f"there is no session {session!r}")
    return row


def _last_number(connection: Connection, tenant: str, device: str) -> int:
    ours = (TERMINALS.c.tenant == tenant, TERMINALS.c.device == device)
    return connection.scalar(select(func.max(TERMINALS.c.number)).where(*ours)) or 0


def _forget_old(connection: Connection, tenant: str, device: str, now_s: int) -> None:
    over = select(TERMINALS.c.session).where(
        TERMINALS.c.tenant == tenant,
        TERMINALS.c.device == device,
        TERMINALS.c.state == State.CLOSED,
    )
    many = over.order_by(desc(TERMINALS.c.number)).offset(KEPT_MOST)
    old = over.where(TERMINALS.c.asked_at_s < now_s - KEPT_S)
    names = {*connection.scalars(many), *connection.scalars(old)}
    for table in (CHUNKS, TERMINALS):
        for name in sorted(names):
            same = (table.c.tenant == tenant, table.c.session == name)
            connection.execute(delete(table).where(*same))
