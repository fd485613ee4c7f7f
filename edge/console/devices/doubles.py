"""Two devices with one key, told by the starts of the system that both of them name.

The kernel gives each start an id that it never gives again, so a device goes from one to the next
and never back. Two copies of it call by turns, and each comes back after the other. Addresses are
shown and never judged: a device that roams, or sits behind a NAT, changes them all the time.

A message that was late comes back once after a restart; so it counts only that two starts have both
come back twice, at least two minutes apart, and that no new start came between. What copies that
lie say is not told apart: who has the key can name any start.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from edge.console.audit import CONSOLE, Actor
from edge.console.desk import Caller
from edge.console.devices import quarantine
from edge.console.devices.quarantine import Reason
from edge.console.devices.states import State
from edge.console.store.factory_tables import HEARD_BOOTS
from edge.console.store.tables import DEVICES

RETURNS: Final = 2
APART_S: Final = 120
_KEPT: Final = 8


def hear(connection: Connection, caller: Caller, boot_id: str, address: str, now_s: int) -> bool:
    """Note a start of a device that is another one than was heard last; whether it is two devices.

    A device that is two is in quarantine then.

    Args:
        connection: Of the transaction.
        caller: Who says it.
        boot_id: Of the start.
        address: Where it came from; empty if that is not known.
        now_s: Seconds since 1970.
    """
    same = (HEARD_BOOTS.c.tenant == caller.tenant, HEARD_BOOTS.c.device == caller.device)
    asked = select(HEARD_BOOTS).where(*same).order_by(HEARD_BOOTS.c.turn)
    rows = connection.execute(asked).all()
    turn = rows[-1].turn + 1 if rows else 1
    known = next((row for row in rows if row.boot_id == boot_id), None)
    place = {"turn": turn, "last_at_s": now_s, "via": caller.via, "address": address}
    if known is None:
        _begin(connection, caller, boot_id, {**place, "first_at_s": now_s}, rows)
        return False
    if known is not rows[-1]:
        place |= {"returns": known.returns + 1, "returned_at_s": known.returned_at_s or now_s}
    connection.execute(
        update(HEARD_BOOTS).where(*same, HEARD_BOOTS.c.boot_id == boot_id).values(place)
    )
    found = _double(connection.execute(asked).all(), now_s)
    return bool(found) and _put(connection, caller, found, now_s)


def _begin(
    connection: Connection,
    caller: Caller,
    boot_id: str,
    place: dict[str, Any],
    rows: Sequence[Row[Any]],
) -> None:
    """Note a start that is new: what came back before it counts no longer."""
    same = (HEARD_BOOTS.c.tenant == caller.tenant, HEARD_BOOTS.c.device == caller.device)
    anew = {"returns": 0, "returned_at_s": 0}
    connection.execute(update(HEARD_BOOTS).where(*same).values(anew))
    for row in rows[: -_KEPT + 1]:
        connection.execute(delete(HEARD_BOOTS).where(*same, HEARD_BOOTS.c.boot_id == row.boot_id))
    named = {"tenant": caller.tenant, "device": caller.device, "boot_id": boot_id}
    connection.execute(insert(HEARD_BOOTS).values({**named, **place}))


def _double(rows: Sequence[Row[Any]], now_s: int) -> list[Row[Any]]:
    """Return the starts that go on side by side; none if it may be one device."""
    back = [row for row in rows if row.returns >= RETURNS]
    is_double = len(back) > 1 and now_s - min(row.returned_at_s for row in back) >= APART_S
    return back if is_double else []


def _put(connection: Connection, caller: Caller, found: Sequence[Row[Any]], now_s: int) -> bool:
    same = (DEVICES.c.tenant == caller.tenant, DEVICES.c.device == caller.device)
    if connection.scalar(select(DEVICES.c.state).where(*same)) != State.ACCEPTED:
        return False
    names = ("boot_id", "via", "address", "first_at_s", "last_at_s", "returns")
    places = [{name: row._mapping[name] for name in names} for row in found]
    actor = Actor(caller.tenant, CONSOLE, now_s)
    quarantine.put(connection, actor, caller.device, Reason.CLONED, {"places": places})
    return True
