"""Campaigns in the database: rows, and what they are."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    desc,
    insert,
    or_,
    select,
    text,
    update,
)

from edge.console.campaigns import journal
from edge.console.campaigns import plan as plans
from edge.console.campaigns.campaign import Campaign, State
from edge.console.campaigns.journal import Entry
from edge.console.campaigns.members import Member, MemberState, Ran, Step
from edge.console.campaigns.tally import Tally
from edge.console.store.campaign_tables import (
    CAMPAIGN_APPROVALS,
    CAMPAIGN_DEVICES,
    CAMPAIGN_SAMPLES,
    CAMPAIGNS,
    JOURNAL,
)
from edge.errors import ThingNotFoundError

Where = Sequence[ColumnElement[bool]]

_BODY_NAMES: Final = tuple(one.name for one in fields(Campaign) if one.name != "plan")
# Stored as JSON, empty for nothing.
_SEVERAL: Final = ("taken", "from_services", "left")
_MEMBER_NAMES: Final = tuple(one.name for one in fields(Member) if one.name not in _SEVERAL)
_TAKEN: Final = TypeAdapter(tuple[Step, ...])
_RAN: Final = TypeAdapter(tuple[Ran, ...])
_LEFT: Final = TypeAdapter(tuple[str, ...])


# The names go over as one text: of a million rows it costs a third of binding them row by row.
_WAITING: Final = """
    INSERT INTO campaign_devices (tenant, campaign, device, wave, rank, state)
    SELECT :tenant, :campaign, {value}, :wave, :first + {number}, :state FROM {rows}"""
_WAITING_FROM: Final = {
    "sqlite": _WAITING.format(value="value", number="key", rows="json_each(:devices)"),
    "postgresql": _WAITING.format(
        value="device",
        number="number - 1",
        rows="json_array_elements_text(CAST(:devices AS json))"
        " WITH ORDINALITY AS named (device, number)",
    ),
}


@dataclass(frozen=True, slots=True)
class Turns:
    """Devices of one wave in the order of their turns, the first of which has a rank."""

    wave: int
    first: int
    devices: Sequence[str]


@dataclass(frozen=True, slots=True)
class Stored:
    """A campaign with what is stored beside it.

    Attributes:
        id: Names it for ever.
        entries: Of its journal.
        looked_at_s: When time was last looked at for it.
        statement: What people sign who approve it, packed; empty if nobody has to.
    """

    tenant: str
    id: str
    name: str
    campaign: Campaign
    entries: int
    looked_at_s: int
    made_by: str
    created_at_s: int
    began_at_s: int
    ended_at_s: int
    statement: bytes = b""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A device of a campaign, and when it came to stand so."""

    member: Member
    changed_at_s: int


def get(connection: Connection, tenant: str, id_: str) -> Stored:
    """Return a campaign.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    row = connection.execute(select(CAMPAIGNS).where(*_same(tenant, id_))).first()
    if row is None or not row.is_whole:
        raise unknown(id_)
    return _stored(row)


def unknown(id_: str) -> ThingNotFoundError:
    """Return what is said of a campaign that is not there."""
    return ThingNotFoundError(f"no campaign {id_!r}", hint="edge campaign list")


def all_of(
    connection: Connection, tenant: str, *, where: Where = (), most: int = 500
) -> list[Stored]:
    """Return the campaigns of a tenant, the newest first."""
    asked = select(CAMPAIGNS).where(CAMPAIGNS.c.tenant == tenant, CAMPAIGNS.c.is_whole, *where)
    newest = asked.order_by(desc(CAMPAIGNS.c.created_at_s), desc(CAMPAIGNS.c.campaign))
    return [_stored(row) for row in connection.execute(newest.limit(most))]


def live(connection: Connection, tenant: str) -> list[tuple[str, int]]:
    """Return the ids of campaigns in which something happens by itself, and their priorities.

    The one with the highest priority comes first, of several the oldest.
    """
    asked = select(CAMPAIGNS.c.campaign, CAMPAIGNS.c.priority).where(
        CAMPAIGNS.c.tenant == tenant, CAMPAIGNS.c.is_live, CAMPAIGNS.c.is_whole
    )
    ordered = asked.order_by(
        desc(CAMPAIGNS.c.priority), CAMPAIGNS.c.created_at_s, CAMPAIGNS.c.campaign
    )
    return [(row.campaign, row.priority) for row in connection.execute(ordered)]


def add(connection: Connection, stored: Stored, seed: int) -> None:
    """Store a campaign whose devices are not all there yet."""
    values = {
        "tenant": stored.tenant,
        "campaign": stored.id,
        "name": stored.name,
        "seed": seed,
        "made_by": stored.made_by,
        "statement": stored.statement.decode(),
        "created_at_s": stored.created_at_s,
        "looked_at_s": stored.created_at_s,
        **_changing(stored),
    }
    connection.execute(insert(CAMPAIGNS).values(values))


def add_waiting(connection: Connection, tenant: str, id_: str, turns: Turns) -> None:
    """Store devices that wait."""
    values = {"tenant": tenant, "campaign": id_, "state": MemberState.WAITING.value}
    asked = text(_WAITING_FROM[connection.dialect.name])
    names = json.dumps(list(turns.devices))
    connection.execute(
        asked, {**values, "wave": turns.wave, "first": turns.first, "devices": names}
    )


def make_whole(connection: Connection, tenant: str, id_: str) -> None:
    """Let a campaign be one: all its devices are stored."""
    connection.execute(update(CAMPAIGNS).where(*_same(tenant, id_)).values(is_whole=True))


def save(connection: Connection, stored: Stored) -> None:
    """Store how a campaign stands now."""
    changed = update(CAMPAIGNS).where(*_same(stored.tenant, stored.id))
    connection.execute(changed.values(_changing(stored)))


def forget(connection: Connection, tenant: str, id_: str) -> None:
    """Remove a campaign with all that is stored of it."""
    for table in (CAMPAIGN_DEVICES, CAMPAIGN_SAMPLES, CAMPAIGN_APPROVALS, JOURNAL, CAMPAIGNS):
        same = (table.c.tenant == tenant, table.c.campaign == id_)
        connection.execute(delete(table).where(*same))


def forget_halves(connection: Connection, tenant: str) -> int:
    """Remove campaigns that were never made whole, as the console ended; return how many."""
    asked = select(CAMPAIGNS.c.campaign).where(
        CAMPAIGNS.c.tenant == tenant, CAMPAIGNS.c.is_whole.is_(False)
    )
    found = list(connection.scalars(asked))
    for id_ in found:
        forget(connection, tenant, id_)
    return len(found)


def member(connection: Connection, tenant: str, id_: str, device: str) -> Member:
    """Return a device of a campaign.

    Raises:
        ThingNotFoundError: It is in it not.
    """
    asked = select(CAMPAIGN_DEVICES).where(
        *_same_devices(tenant, id_), CAMPAIGN_DEVICES.c.device == device
    )
    row = connection.execute(asked).first()
    if row is None:
        raise ThingNotFoundError(f"{device} is not in campaign {id_!r}")
    return member_of(row)


def members_in(
    connection: Connection, tenant: str, id_: str, states: Iterable[MemberState], *, most: int
) -> list[Member]:
    """Return devices of a campaign that stand in one of these states."""
    asked = select(CAMPAIGN_DEVICES).where(
        *_same_devices(tenant, id_), CAMPAIGN_DEVICES.c.state.in_(sorted(states))
    )
    return [member_of(row) for row in connection.execute(asked.limit(most))]


def by_action(
    connection: Connection, tenant: str, device: str, action: str
) -> tuple[str, Member] | None:
    """Return the campaign that gave a device an order, and how that stands in it."""
    if not action:
        return None
    asked = select(CAMPAIGN_DEVICES).where(
        CAMPAIGN_DEVICES.c.tenant == tenant,
        CAMPAIGN_DEVICES.c.action == action,
        CAMPAIGN_DEVICES.c.device == device,
    )
    # The planner does not see from a parameter that the index of orders is enough.
    row = connection.execute(asked.where(CAMPAIGN_DEVICES.c.action != "")).first()
    return (row.campaign, member_of(row)) if row else None


def save_member(connection: Connection, tenant: str, id_: str, one: Member, *, now_s: int) -> None:
    """Store how a device of a campaign stands now."""
    values: dict[str, Any] = {name: getattr(one, name) for name in _MEMBER_NAMES}
    values |= {
        "taken": _TAKEN.dump_json(one.taken).decode() if one.taken else "",
        "from_services": _RAN.dump_json(one.from_services).decode() if one.from_services else "",
        "left_services": _LEFT.dump_json(one.left).decode() if one.left else "",
    }
    same = (*_same_devices(tenant, id_), CAMPAIGN_DEVICES.c.device == values.pop("device"))
    changed = update(CAMPAIGN_DEVICES).where(*same)
    connection.execute(changed.values(**values, changed_at_s=now_s))


def member_of(row: Row[Any]) -> Member:
    """Return the device that a row of `CAMPAIGN_DEVICES` is."""
    values = {name: getattr(row, name) for name in _MEMBER_NAMES}
    # Most devices have one release, and nothing of this.
    if row.taken:
        values["taken"] = _TAKEN.validate_json(row.taken)
    if row.from_services:
        values["from_services"] = _RAN.validate_json(row.from_services)
    if row.left_services:
        values["left"] = _LEFT.validate_json(row.left_services)
    return Member(**{**values, "state": MemberState(row.state)})


def write_entries(
    connection: Connection, stored: Stored, entries: list[Entry], *, now_s: int
) -> Stored:
    """Add entries to a journal, and return the campaign that has them."""
    rows = []
    for number, one in enumerate(entries, stored.entries + 1):
        kind, what = journal.pack(one.what)
        rows.append(
            {
                "tenant": stored.tenant,
                "campaign": stored.id,
                "number": number,
                "at_s": now_s,
                "device": one.device,
                "kind": kind,
                "what": what,
            }
        )
    connection.execute(insert(JOURNAL), rows)
    return replace(stored, entries=stored.entries + len(rows))


def entries(
    connection: Connection,
    tenant: str,
    id_: str,
    *,
    after: int = 0,
    most: int | None = None,
    is_newest_first: bool = False,
    is_whole: bool = False,
    where: Where = (),
) -> Iterator[tuple[int, int, Entry]]:
    """Yield the journal of a campaign in order: number, time, entry.

    Args:
        connection: To read from.
        tenant: Whose campaign.
        id_: The campaign.
        after: The number of the last entry that is left out.
        most: How many.
        is_newest_first: The other way round.
        is_whole: Without what happened to single devices.
        where: Of what happened to single devices, only what this holds for.
    """
    same = [JOURNAL.c.tenant == tenant, JOURNAL.c.campaign == id_, JOURNAL.c.number > after]
    if is_whole:
        same.append(JOURNAL.c.device == "")
    elif where:
        same.append(or_(JOURNAL.c.device == "", and_(*where)))
    order = desc(JOURNAL.c.number) if is_newest_first else JOURNAL.c.number
    for row in connection.execute(select(JOURNAL).where(*same).order_by(order).limit(most)):
        yield row.number, row.at_s, journal.unpack(row.device, row.kind, row.what)


def _changing(stored: Stored) -> dict[str, object]:
    campaign = stored.campaign
    return {
        "state": campaign.state,
        "is_live": campaign.is_live,
        "priority": campaign.plan.priority,
        "plan": plans.pack(campaign.plan).decode(),
        "body": json.dumps(_body(campaign)),
        "entries": stored.entries,
        "looked_at_s": stored.looked_at_s,
        "began_at_s": stored.began_at_s,
        "ended_at_s": stored.ended_at_s,
    }


def _body(campaign: Campaign) -> dict[str, object]:
    values = {one: getattr(campaign, one) for one in _BODY_NAMES}
    tallies = [{"counts": dict(one.counts), "forgiven": one.forgiven} for one in campaign.tallies]
    return {**values, "tallies": tallies}


def _stored(row: Row[Any]) -> Stored:
    body = json.loads(row.body)
    tallies = tuple(
        Tally({MemberState(name): count for name, count in one["counts"].items()}, one["forgiven"])
        for one in body["tallies"]
    )
    known = {
        **body,
        "plan": plans.unpack(row.plan.encode()),
        "tallies": tallies,
        "state": State(row.state),
        "approved_by": tuple(body["approved_by"]),
    }
    return Stored(
        tenant=row.tenant,
        id=row.campaign,
        name=row.name,
        campaign=Campaign(**known),
        entries=row.entries,
        looked_at_s=row.looked_at_s,
        made_by=row.made_by,
        created_at_s=row.created_at_s,
        began_at_s=row.began_at_s,
        ended_at_s=row.ended_at_s,
        statement=row.statement.encode(),
    )


def _same(tenant: str, id_: str) -> tuple[Any, Any]:
    return CAMPAIGNS.c.tenant == tenant, CAMPAIGNS.c.campaign == id_


def _same_devices(tenant: str, id_: str) -> tuple[Any, Any]:
    return CAMPAIGN_DEVICES.c.tenant == tenant, CAMPAIGN_DEVICES.c.campaign == id_
