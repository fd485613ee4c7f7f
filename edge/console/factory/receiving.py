"""Records of a station taken, and the links told of devices that are let in or put out by them."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from edge.console import audit
from edge.console.audit import Actor
from edge.console.factory import records, taking
from edge.console.factory.taking import Taken
from edge.console.notices import Topic
from edge.console.office import Office
from edge.errors import ThingNotFoundError
from edge.factory.made import Made

# In one transaction: devices that report do not wait for all that a station tells.
_AT_ONCE: Final = 10


async def take(office: Office, actor: Actor, made: Sequence[Made]) -> list[Taken]:
    """Take records, each by itself: one that is refused keeps none of the others out."""
    found: list[Taken] = []
    for begin in range(0, len(made), _AT_ONCE):
        found += await _take(office, actor, made[begin : begin + _AT_ONCE])
    return found


async def _take(office: Office, actor: Actor, made: Sequence[Made]) -> list[Taken]:
    listed = office.admissions.lists.known

    def step(connection: Connection) -> list[Taken]:
        return [taking.take(connection, actor, one, listed) for one in made]

    found = await office.act(actor, Topic.FACTORY, "", step)
    for one, done in zip(made, found, strict=True):
        if done.authority is not None:
            for listener in office.on_authority:
                listener(done.authority)
        if done.has_moved:
            # What it was let in with may be another certificate's from now on.
            office.desk.shut_out(actor.tenant, one.device)
        office.notices.tell(actor.tenant, Topic.DEVICE, one.device)
    return found


async def lacking(
    office: Office, actor: Actor, line: str, station: str, contents: Sequence[str]
) -> list[str]:
    """Return which records of a station are not here; that it has asked is noted."""

    def step(connection: Connection) -> list[str]:
        records.note_station(connection, actor, line, station)
        return records.lacking(connection, actor.tenant, line, station, contents)

    found = await office.database.write(step)
    office.notices.tell(actor.tenant, Topic.FACTORY, "")
    return found


async def dismiss(office: Office, actor: Actor, record: int) -> None:
    """Let a record be shown no longer that conflicts with others.

    Raises:
        ThingNotFoundError: There is none that does.
    """

    def step(connection: Connection) -> None:
        row = records.dismiss(connection, actor.tenant, record)
        if row is None:
            raise ThingNotFoundError(f"no record {record} that conflicts")
        said: dict[str, object] = {
            "line": row.line,
            "number": row.number,
            "problem": row.problem,
            "station": row.station,
        }
        audit.record(connection, actor, "factory.dismiss", f"device:{row.device}", said)

    await office.act(actor, Topic.FACTORY, "", step)
