"""How the devices of a campaign stand, for who looks: those that need somebody first, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, desc, func, literal, select, tuple_

from edge.console.campaigns.members import MemberState
from edge.console.campaigns.store import MemberRow, Where, member_of
from edge.console.filters.elements import Aside
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.errors import InputError

_S = MemberState
# What needs somebody, what is under way, what is done, and what has not begun.
BY_TROUBLE: Final = (
    *(_S.FAILED, _S.SILENT, _S.STRANDED, _S.REFUSED),
    *(_S.REVERTING, _S.HALF_BACK, _S.UPDATING, _S.BETWEEN, _S.HELD, _S.OFFERED, _S.SOAKING),
    *(_S.OVERTAKEN, _S.CANCELLED, _S.GONE, _S.REVERTED, _S.SUCCEEDED, _S.PRESENT),
    _S.WAITING,
)
WITH_REASON: Final = (_S.FAILED, _S.SILENT, _S.STRANDED, _S.REFUSED)


# So many devices that are meant are sorted, of more the first ones are found in order.
_SORTED_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why devices stand as they do."""

    state: MemberState
    reason: str
    devices: int


def page(
    connection: Connection,
    tenant: str,
    id_: str,
    *,
    state: MemberState | None,
    wave: int | None,
    after: str,
    most: int,
    where: Where = (),
) -> list[MemberRow]:
    """Return devices of a campaign in the order of their ids, those after one."""
    same = [*_same(tenant, id_), *where]
    if state is not None or wave is not None:
        # All of them if none is asked for: by state the index leads to a wave.
        same.append(_OF.state.in_([state] if state is not None else list(MemberState)))
    if wave is not None:
        same.append(_OF.wave == wave)
    is_few = (state is not None or wave is not None) and _is_few(connection, same)
    # Few are sorted; the first ones of many are soon found in the order of all.
    device: Any = Aside(_OF.device) if is_few else _OF.device
    asked = select(CAMPAIGN_DEVICES).where(*same, device > after).order_by(device)
    rows = connection.execute(asked.limit(most))
    return [MemberRow(member_of(row), row.changed_at_s) for row in rows]


def _is_few(connection: Connection, same: Iterable[Any]) -> bool:
    some = select(_OF.device).where(*same).limit(_SORTED_MOST + 1).subquery()
    return (connection.scalar(select(func.count()).select_from(some)) or 0) <= _SORTED_MOST


def by_trouble(
    connection: Connection,
    tenant: str,
    id_: str,
    *,
    states: Iterable[MemberState] = BY_TROUBLE,
    wave: int | None,
    after: str,
    most: int,
    where: Where = (),
) -> tuple[list[MemberRow], str]:
    """Return devices of a campaign, those that need somebody first, each state by its turns.

    Args:
        connection: To read from.
        tenant: Whose campaign.
        id_: The campaign.
        states: Only devices that stand so, in this order.
        wave: Only devices of it, from 0; None for all.
        after: What came back with the page before; empty for the first one.
        most: How many.
        where: Only devices that this holds for.

    Returns:
        Them, and what leads to the next page; empty on the last one.

    Raises:
        InputError: `after` is not of a page.
    """
    known = list(states)
    begun, place = _place(after, known)
    found: list[Row[Any]] = []
    for state in known[begun:]:
        asked = select(CAMPAIGN_DEVICES).where(*_same(tenant, id_), _OF.state == state, *where)
        if wave is not None:
            asked = asked.where(_OF.wave == wave)
        if place:
            asked = asked.where(
                tuple_(_OF.wave, _OF.rank, _OF.device) > tuple_(*map(literal, place))
            )
        ordered = asked.order_by(_OF.wave, _OF.rank, _OF.device)
        found += connection.execute(ordered.limit(most - len(found)))
        place = ()
        if len(found) == most:
            break
    rows = [MemberRow(member_of(row), row.changed_at_s) for row in found]
    return rows, _mark(found[-1]) if len(found) == most else ""


def reasons(
    connection: Connection, tenant: str, id_: str, *, most: int, where: Where = ()
) -> list[Reason]:
    """Return why devices did not make it, the most frequent reasons first."""
    count = func.count()
    same = (*_same(tenant, id_), _OF.state.in_(WITH_REASON), *where)
    # Asked for by themselves, they are in an index that has no others.
    told = (*same, _OF.reason != "")
    asked = (
        select(_OF.state, _OF.reason, count)
        .where(*told)
        .group_by(_OF.state, _OF.reason)
        .order_by(desc(count), _OF.reason, _OF.state)
        .limit(most)
    )
    found = [Reason(MemberState(state), *more) for state, *more in connection.execute(asked)]
    with_one = _by_state(connection, told)
    for state, devices in _by_state(connection, same).items():
        if without := devices - with_one.get(state, 0):
            found.append(Reason(MemberState(state), "", without))
    return sorted(found, key=lambda one: (-one.devices, one.reason, one.state))[:most]


def _by_state(connection: Connection, where: Iterable[Any]) -> dict[str, int]:
    asked = select(_OF.state, func.count()).where(*where).group_by(_OF.state)
    return dict(connection.execute(asked).tuples().all())


_OF: Final = CAMPAIGN_DEVICES.c


def _same(tenant: str, id_: str) -> tuple[Any, Any]:
    return _OF.tenant == tenant, _OF.campaign == id_


def _mark(row: Row[Any]) -> str:
    return f"{row.state}/{row.wave}/{row.rank}/{row.device}"


def _place(after: str, states: list[MemberState]) -> tuple[int, tuple[object, ...]]:
    """Return with which of the states a page begins, and after which device of it."""
    if not after:
        return 0, ()
    try:
        state, wave, rank, device = after.split("/", 3)
        return states.index(MemberState(state)), (int(wave), int(rank), device)
    except ValueError as error:
        raise InputError(f"after: {after!r} is not of a page of this list") from error
