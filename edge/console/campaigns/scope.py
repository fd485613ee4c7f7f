"""What of campaigns somebody has who is limited to groups of devices.

He sees those that have devices of his, and of them what is about these devices: other devices are
not there for him, neither by name nor in a count. What people wrote for all of a campaign (its
name, target, reasons) may name others, so it is left out. He decides over those that have no other
devices, and can get none. What he makes is bound to his groups for ever, by its plan.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    exists,
    func,
    not_,
    select,
)

from edge.console.campaigns import store
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.store import Stored
from edge.console.campaigns.tally import Tally
from edge.console.devices import groups
from edge.console.devices.finding import COUNT_MOST
from edge.console.devices.ways import of_groups
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, CAMPAIGNS

# Looked up for one list; of fewer campaigns more devices each.
_LOOKED_UP_MOST: Final = 60_000
TOO_MANY: Final = "too many devices failed"
_DEVICES: Final = CAMPAIGN_DEVICES.c


@dataclass(frozen=True, slots=True)
class Seen:
    """A campaign as somebody sees it.

    Attributes:
        is_part: Only what is about devices that he reaches.
        is_least: He reaches so many devices that not all of them were counted.
    """

    stored: Stored
    is_part: bool = False
    is_least: bool = False


def see(connection: Connection, tenant: str, id_: str, names: frozenset[str] | None) -> Seen:
    """Return a campaign as somebody sees it.

    Args:
        connection: To read from.
        tenant: Whose campaign.
        id_: The campaign.
        names: The groups whose devices he reaches; None for all devices.

    Raises:
        ThingNotFoundError: There is no such campaign, or it has no device of his.
    """
    stored = store.get(connection, tenant, id_)
    if names is None:
        return Seen(stored)
    if not _is_seen(connection, stored, names):
        raise store.unknown(id_)
    if is_whole(connection, stored, names):
        return Seen(stored)
    return _narrowed(connection, stored, names, COUNT_MOST)


def all_of(
    connection: Connection, tenant: str, names: frozenset[str] | None, *, most: int
) -> list[Seen]:
    """Return the campaigns that somebody sees, the newest first; see `see`."""
    if names is None:
        return [Seen(one) for one in store.all_of(connection, tenant, most=most)]
    found = store.all_of(connection, tenant, most=most, where=_seen(tenant, names))
    each = max(1000, min(COUNT_MOST, _LOOKED_UP_MOST // max(1, len(found))))
    return [
        Seen(one) if is_whole(connection, one, names) else _narrowed(connection, one, names, each)
        for one in found
    ]


def seen_of(
    connection: Connection, tenant: str, names: frozenset[str], ids: Iterable[str]
) -> set[str]:
    """Return those of some campaigns that somebody sees."""
    asked = select(CAMPAIGNS.c.campaign).where(
        CAMPAIGNS.c.tenant == tenant, CAMPAIGNS.c.campaign.in_(list(ids)), *_seen(tenant, names)
    )
    return set(connection.scalars(asked))


def is_whole(connection: Connection, stored: Stored, names: frozenset[str]) -> bool:
    """Return whether all devices that a campaign has and can get are members of these groups."""
    plan = stored.campaign.plan
    if plan.is_dynamic and not _is_bound(plan, names):
        return False
    # Looked for one by one: mostly the first few say it.
    is_other = not_(groups.within(names, CAMPAIGN_DEVICES))
    others = select(_DEVICES.device).where(*_same(stored), is_other)
    return connection.execute(others.limit(1)).first() is None


def own(
    tenant: str, names: frozenset[str] | None, rows: FromClause = CAMPAIGN_DEVICES
) -> list[ColumnElement[bool]]:
    """Return what holds for rows with a column `device` that are of devices of these groups."""
    return [] if names is None else [rows.c.device.in_(_members(tenant, names))]


def names_of(
    connection: Connection, tenant: str, ids: Iterable[str], names: frozenset[str]
) -> dict[str, str]:
    """Return what campaigns are called that have devices of these groups, for who has no others."""
    known = (store.get(connection, tenant, one) for one in ids)
    return {one.id: one.name if is_whole(connection, one, names) else title(one) for one in known}


def title(stored: Stored) -> str:
    """Return what a campaign is called for who does not see all of it."""
    return f"to {stored.campaign.plan.releases[0].split('/')[1]}"


def since(
    connection: Connection, tenant: str, id_: str, names: frozenset[str]
) -> list[tuple[int, dict[str, int]]]:
    """Return how many devices of these groups stood so by each time, as they stand now.

    What all devices of a campaign were like at a time is stored, and not whose they were. So each
    of his devices waits until it came to stand as it does, which is known of each.
    """
    asked = (
        select(_DEVICES.changed_at_s, _DEVICES.state, func.count())
        .where(_DEVICES.tenant == tenant, _DEVICES.campaign == id_, *own(tenant, names))
        .group_by(_DEVICES.changed_at_s, _DEVICES.state)
        .order_by(_DEVICES.changed_at_s)
    )
    rows = connection.execute(asked).tuples().all()
    counts = {str(MemberState.WAITING): sum(count for *_of, count in rows)}
    found: dict[int, dict[str, int]] = {}
    for at_s, state, count in rows:
        counts[MemberState.WAITING] -= count
        counts[state] = counts.get(state, 0) + count
        if at_s:
            found[at_s] = {name: value for name, value in counts.items() if value}
    return list(found.items())


def _narrowed(connection: Connection, stored: Stored, names: frozenset[str], most: int) -> Seen:
    """Return a campaign with nothing in it of devices that are in none of these groups."""
    counts, is_least = _counts(connection, stored, names, most)
    campaign, plan = stored.campaign, stored.campaign.plan
    waves = tuple(
        replace(one, filter="", devices=_own_names(connection, stored, number, one.devices, names))
        for number, one in enumerate(plan.waves)
    )
    within = None if plan.within is None else tuple(sorted(names.intersection(plan.within)))
    reason = TOO_MANY if campaign.tripped else ""
    narrow = replace(
        campaign,
        plan=replace(plan, target="", waves=waves, within=within),
        tallies=tuple(
            Tally(MappingProxyType(counts.get(number, {}))) for number in range(len(waves))
        ),
        reason=reason,
        tripped=reason,
    )
    return Seen(replace(stored, name=title(stored), campaign=narrow), True, is_least)


def _own_names(
    connection: Connection,
    stored: Stored,
    wave: int,
    devices: Sequence[str],
    names: frozenset[str],
) -> tuple[str, ...]:
    if not devices:
        return ()
    asked = select(_DEVICES.device).where(
        *_same(stored), _DEVICES.wave == wave, *own(stored.tenant, names)
    )
    known = set(connection.scalars(asked))
    return tuple(one for one in devices if one in known)


def _counts(
    connection: Connection, stored: Stored, names: frozenset[str], most: int
) -> tuple[Mapping[int, dict[MemberState, int]], bool]:
    """Return how many devices of these groups stand how, by wave; and whether there may be more.

    By their names one after the other, so that it does not depend on how many the campaign has.
    """
    known = connection.scalar(
        select(func.count()).select_from(_members(stored.tenant, names).limit(most + 1).subquery())
    )
    some = _members(stored.tenant, names).limit(most).subquery("some")
    same = and_(*_same(stored), _DEVICES.device == some.c.device)
    asked = (
        select(_DEVICES.wave, _DEVICES.state, func.count())
        .select_from(some.join(CAMPAIGN_DEVICES, same))
        .group_by(_DEVICES.wave, _DEVICES.state)
    )
    found: dict[int, dict[MemberState, int]] = {}
    for wave, state, count in connection.execute(asked).tuples():
        found.setdefault(wave, {})[MemberState(state)] = count
    return found, (known or 0) > most


def _is_seen(connection: Connection, stored: Stored, names: frozenset[str]) -> bool:
    return bool(seen_of(connection, stored.tenant, names, [stored.id]))


def _seen(tenant: str, names: frozenset[str]) -> list[ColumnElement[bool]]:
    """Return what holds for rows of `CAMPAIGNS` that have a device of these groups."""
    has_one = exists().where(
        _DEVICES.tenant == CAMPAIGNS.c.tenant,
        _DEVICES.campaign == CAMPAIGNS.c.campaign,
        _DEVICES.device.in_(_members(tenant, names)),
    )
    return [has_one]


def _members(tenant: str, names: frozenset[str]) -> Select[Any]:
    return of_groups(tenant, names).names


def _is_bound(plan: Plan, names: frozenset[str]) -> bool:
    return plan.within is not None and names.issuperset(plan.within)


def _same(stored: Stored) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _DEVICES.tenant == stored.tenant, _DEVICES.campaign == stored.id
