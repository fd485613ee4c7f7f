"""How the fleet of a tenant stands, in figures that the database adds up."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    desc,
    func,
    literal_column,
    select,
)

from edge.console import kinds
from edge.console.devices import groups, ways
from edge.console.devices.reports import FINAL, OPEN
from edge.console.devices.states import State
from edge.console.filters.elements import Aside
from edge.console.kinds import Kind, VersionCount
from edge.console.store.tables import DEVICES, ORDERS, SIGHTINGS

SHOWN_MOST: Final = 8
VERSIONS_MOST: Final = 12
# What people call "online", for a device that polls too: it was heard within this time.
NOW_S: Final = 300
SILENT_S: Final = 86_400
PAST_S: Final = 7 * 86_400
# Heard within so many seconds, each without those before.
_AGES: Final = (NOW_S, 3_600, SILENT_S, 7 * 86_400)
# So many that wait are sorted, of more the first ones are found in order.
_SORTED_MOST: Final = 10_000

_SEEN: Final = and_(SIGHTINGS.c.tenant == DEVICES.c.tenant, SIGHTINGS.c.device == DEVICES.c.device)
_at_s = SIGHTINGS.c.last_seen_s
_ACCEPTED: Final = DEVICES.c.state == State.ACCEPTED
_OTHERS: Final = [one for one in State if one is not State.ACCEPTED]


@dataclass(frozen=True, slots=True)
class Some:
    """The first of some devices, and how many there are in all."""

    total: int
    rows: list[SimpleNamespace]


@dataclass(frozen=True, slots=True)
class Overview:
    """How a fleet stands.

    Attributes:
        counted_at_s: When this was so, seconds since 1970.
        states: How many devices stand how.
        connected: Accepted devices that are connected by MQTT.
        heard: Accepted devices heard within `_AGES`, then longer ago, then never.
        versions: What accepted devices run, most first.
        outcomes: Orders that ended within `PAST_S`, by how.
        reasons: Why orders failed within that time, and how often.
        under_way: Orders that are open, newest first.
        pending: Devices that wait, in the order of their ids.
        failed: Accepted devices whose newest order failed, newest first.
        silent: Accepted devices not heard for `SILENT_S`, the longest first.
    """

    counted_at_s: int
    states: dict[str, int]
    connected: int
    heard: list[int]
    versions: list[VersionCount]
    outcomes: dict[str, int]
    reasons: list[SimpleNamespace]
    under_way: Some
    pending: Some
    failed: Some
    silent: Some


def of(
    connection: Connection, tenant: str, now_s: int, names: Iterable[str] | None = None
) -> Overview:
    """Return how the devices of a tenant stand, all or the members of some groups.

    Args:
        connection: To read from.
        tenant: Whose.
        now_s: The time, seconds since 1970.
        names: Of the groups; None for all devices.
    """
    return _Counting(connection, tenant, now_s, names).overview()


class _Counting:
    """A look at a fleet."""

    def __init__(
        self, connection: Connection, tenant: str, now_s: int, names: Iterable[str] | None
    ) -> None:
        self._connection, self._tenant, self._now_s = connection, tenant, now_s
        self._groups = None if names is None else sorted(names)

    def overview(self) -> Overview:
        found = kinds.of(self._connection, self._tenant, self._groups)
        states = {str(state): 0 for state in State}
        for one in found:
            states[one.state] += one.devices
        heard = self._heard(sum(states.values()), states[State.ACCEPTED])
        return Overview(
            counted_at_s=self._now_s,
            states=states,
            connected=sum(map(_connected, found)),
            heard=heard,
            versions=kinds.versions(found, VERSIONS_MOST),
            outcomes=self._outcomes(),
            reasons=self._reasons(),
            under_way=self._under_way(),
            pending=self._pending(states[State.PENDING]),
            failed=self._failed(),
            silent=self._silent(heard[3] + heard[4]),
        )

    def _heard(self, devices: int, accepted: int) -> list[int]:
        if self._groups is not None:
            led = ways.of_groups(self._tenant, self._groups).names.subquery("led")
            rows = DEVICES.join(led, led.c.device == DEVICES.c.device).join(SIGHTINGS, _SEEN)
            return self._aged(rows, DEVICES.c.tenant == self._tenant, _ACCEPTED)
        every = self._all_aged(devices)
        if accepted == devices:
            return every
        # Nearly all are accepted: counted without a look at each device, less the others.
        names = select(DEVICES.c.device).where(
            DEVICES.c.tenant == self._tenant, DEVICES.c.state.in_(_OTHERS)
        )
        where = (SIGHTINGS.c.tenant == self._tenant, SIGHTINGS.c.device.in_(names))
        others = self._aged(SIGHTINGS, *where)
        return [count - less for count, less in zip(every, others, strict=True)]

    def _all_aged(self, devices: int) -> list[int]:
        """Return how many of all were heard when, those of the last minutes as what is left."""
        ends = [*(self._now_s - age for age in _AGES), 1, 0]
        asked = select(func.count()).where(SIGHTINGS.c.tenant == self._tenant)
        older = [
            self._connection.scalar(asked.where(_at_s >= begin, _at_s < end)) or 0
            for end, begin in pairwise(ends)
        ]
        return [devices - sum(older), *older]

    def _aged(self, rows: FromClause, *where: ColumnElement[bool]) -> list[int]:
        """Return how many of some rows were heard when, by a look at each."""
        cases = [(_at_s >= self._now_s - age, number) for number, age in enumerate(_AGES)]
        age = case(*cases, (_at_s == 0, len(_AGES) + 1), else_=len(_AGES)).label("age")
        asked = select(age, func.count()).select_from(rows).where(*where).group_by("age")
        found = dict(self._connection.execute(asked).tuples().all())
        return [found.get(number, 0) for number in range(len(_AGES) + 2)]

    def _orders(self, *columns: Any) -> Select[Any]:
        asked: Select[Any] = select(*columns).where(ORDERS.c.tenant == self._tenant)
        return asked.where(*self._reached(ORDERS))

    def _told(self, asked: Select[Any]) -> list[SimpleNamespace]:
        return [SimpleNamespace(**row._mapping) for row in self._connection.execute(asked)]

    def _reached(self, rows: FromClause) -> list[ColumnElement[bool]]:
        return [] if self._groups is None else [groups.within(self._groups, rows)]

    def _outcomes(self) -> dict[str, int]:
        ended = (ORDERS.c.state.in_(FINAL), ORDERS.c.closed_at_s >= self._now_s - PAST_S)
        asked = self._orders(ORDERS.c.state, func.count()).where(*ended).group_by(ORDERS.c.state)
        found = {str(state): int(count) for state, count in self._connection.execute(asked)}
        return {state: found.get(state, 0) for state in FINAL}

    def _reasons(self) -> list[SimpleNamespace]:
        failed = (ORDERS.c.state == "failed", ORDERS.c.closed_at_s >= self._now_s - PAST_S)
        asked = self._orders(ORDERS.c.reason, func.count().label("orders")).where(*failed)
        ordered = asked.group_by(ORDERS.c.reason).order_by(desc("orders"), ORDERS.c.reason)
        return self._told(ordered.limit(SHOWN_MOST))

    def _under_way(self) -> Some:
        is_open = ORDERS.c.state == OPEN
        total = self._connection.scalar(self._orders(func.count()).where(is_open))
        order = (desc(ORDERS.c.created_at_s), ORDERS.c.device)
        newest = self._orders(ORDERS.c.action).where(is_open).order_by(*order).limit(SHOWN_MOST)
        same = and_(ORDERS.c.tenant == DEVICES.c.tenant, ORDERS.c.device == DEVICES.c.device)
        columns = (
            ORDERS.c.device,
            ORDERS.c.action,
            ORDERS.c.version.label("wanted"),
            ORDERS.c.created_at_s,
            DEVICES.c.version,
            DEVICES.c.phase,
            DEVICES.c.action.label("at_work_on"),
            DEVICES.c.done_bytes,
            DEVICES.c.planned_bytes,
        )
        asked = select(*columns).select_from(ORDERS.join(DEVICES, same))
        named = asked.where(ORDERS.c.tenant == self._tenant, ORDERS.c.action.in_(newest))
        return Some(total or 0, self._told(named.order_by(*order)))

    def _pending(self, total: int) -> Some:
        if not total:
            return Some(0, [])
        device = DEVICES.c.device
        columns = (device, DEVICES.c.fingerprint, DEVICES.c.created_at_s, _at_s)
        asked = select(*columns).select_from(DEVICES.join(SIGHTINGS, _SEEN))
        state: Any = DEVICES.c.state
        # Few are sorted; the first ones of many are soon found in the order of all.
        first = Aside(device) if total <= _SORTED_MOST else device
        state = state if total <= _SORTED_MOST else Aside(state)
        waiting = asked.where(DEVICES.c.tenant == self._tenant, state == State.PENDING)
        ordered = waiting.where(*self._reached(DEVICES)).order_by(first).limit(SHOWN_MOST)
        return Some(total, self._told(ordered))

    def _failed(self) -> Some:
        # From the orders that failed to their devices, which are many more. Said as a range, so
        # that SQLite finds them in the index that has all columns, not in that of the ids alone.
        # And no more is asked of them than that they are there.
        is_newest = (
            select(literal_column("1"))
            .where(
                DEVICES.c.tenant == ORDERS.c.tenant,
                DEVICES.c.device.between(ORDERS.c.device, ORDERS.c.device),
                DEVICES.c.desired_action == ORDERS.c.action,
                _ACCEPTED,
            )
            .exists()
        )
        columns = (ORDERS.c.device, ORDERS.c.version, ORDERS.c.reason, ORDERS.c.closed_at_s)
        asked = self._orders(*columns).where(ORDERS.c.state == "failed", is_newest)
        total = self._connection.scalar(asked.with_only_columns(func.count())) or 0
        newest = asked.order_by(desc(ORDERS.c.closed_at_s), ORDERS.c.device).limit(SHOWN_MOST)
        return Some(total, self._told(newest) if total else [])

    def _silent(self, total: int) -> Some:
        if not total:
            return Some(0, [])
        asked = select(SIGHTINGS.c.device, DEVICES.c.version, _at_s).select_from(
            SIGHTINGS.join(DEVICES, _SEEN)
        )
        silent = asked.where(
            SIGHTINGS.c.tenant == self._tenant,
            _at_s > 0,
            _at_s < self._now_s - SILENT_S,
            Aside(DEVICES.c.state) == State.ACCEPTED,
            *self._reached(SIGHTINGS),
        )
        longest = silent.order_by(_at_s, SIGHTINGS.c.device).limit(SHOWN_MOST)
        return Some(total, self._told(longest))


def _connected(kind: Kind) -> int:
    return kind.devices if kind.is_online and kind.state == State.ACCEPTED else 0
