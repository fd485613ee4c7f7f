"""What a campaign would do, before anybody starts it: whom it reaches when, and what that costs.

Nothing is stored. The same seed draws the same turns when the campaign is made, so that the devices
that are shown are those that it has.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from edge.console.campaigns import enlisting, scope, sets, stopping, store
from edge.console.campaigns.alike import Cost, Set
from edge.console.campaigns.members import ACTIVE, MemberState
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.stopping import Exposure
from edge.console.campaigns.survey import EXAMPLES, Kind, Survey
from edge.console.campaigns.ways import Ways
from edge.console.releases import Release
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.console.store.tables import DEVICES, ORDERS

# Shown of each wave; all of them are in the campaign when it is made.
SHOWN: Final = 50
_DEFECTS: Final = (10, 50, 200)
# Of an update whose like was never seen here.
_UPDATE_S: Final = 300
_KNOWN_MOST: Final = 500
# Of the newest orders of all products, so many are looked through for that.
_LOOKED_AT: Final = 20_000


@dataclass(frozen=True, slots=True)
class WavePreview:
    """A wave before it is.

    Attributes:
        devices: How many.
        first: The first of them, in the order of their turns.
        planned_bytes: What they have to fetch.
        duration_s: How long it takes at least, with its soak and what the next one waits for.
    """

    devices: int
    first: tuple[str, ...]
    planned_bytes: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Devices that the filter means and that take no part, or will be refused, and why."""

    reason: str
    devices: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another campaign that has some of the devices.

    Attributes:
        goes_first: Devices wait for it, as its priority is higher or it is older.
    """

    campaign: str
    name: str
    devices: int
    goes_first: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a campaign would do.

    Attributes:
        seed: By which turns were drawn: given when the campaign is made, it has these devices.
        patched: How many devices fetch a patch; `full` the whole release.
        steps: How many take another release first.
        several: How many take more than one of the releases, one after the other.
        unseen: Were not seen lately: they get their order when they call.
        reverting: How many can go back without a person, should it be reverted.
        left_out: Devices that take no part.
        refused: Devices that take part, and whose order will be refused as they are now.
        exposures: How far a bad release would come.
    """

    seed: int
    devices: int
    planned_bytes: int
    patched: int
    full: int
    steps: int
    several: int
    unseen: int
    reverting: int
    duration_s: int
    waves: tuple[WavePreview, ...]
    left_out: tuple[LeftOut, ...]
    refused: tuple[LeftOut, ...]
    conflicts: tuple[Conflict, ...]
    exposures: tuple[Exposure, ...]


def preview(
    connection: Connection,
    tenant: str,
    plan: Plan,
    ways: Mapping[str, Ways],
    met: Survey,
    *,
    seed: int,
    now_s: int,
) -> Preview:
    """Return what a plan would do to the fleet as it is now.

    Args:
        connection: To read from.
        tenant: Whose fleet.
        plan: The plan.
        ways: What its releases cost, by path.
        met: The fleet as it meets it.
        seed: By which turns are drawn.
        now_s: The time.

    Raises:
        InputError: The plan can not be meant.
        ThingNotFoundError: A release or a named device is not there.
    """
    plan.check()
    known = enlisting.releases_of(connection, tenant, plan)
    sets.check(plan, known)
    drawn = enlisting.places(connection, tenant, plan, known, met.names, seed=seed, now_s=now_s)
    meant = {one: Set(connection, tenant, one, known) for one in met.kinds}
    costs = {kind: one.cost(ways) for kind, one in meant.items()}
    waves = _waves(plan, met, drawn, costs, _update_s(connection, tenant, known))
    of_kind = met.counts(met.places)
    where = enlisting.taking(connection, tenant, plan, known, now_s)
    return Preview(
        seed=seed,
        devices=len(met.names),
        planned_bytes=sum(one.planned_bytes for one in waves),
        **_counted(of_kind, meant, costs),
        duration_s=sum(one.duration_s for one in waves),
        waves=waves,
        left_out=_left_out(met, meant),
        refused=_refused(meant, of_kind),
        conflicts=_conflicts(connection, tenant, plan, where),
        exposures=_exposures(plan, [one.devices for one in waves], seed),
    )


def _counted(
    of_kind: Mapping[Kind, int], meant: Mapping[Kind, Set], costs: Mapping[Kind, Cost]
) -> dict[str, int]:
    """Return how many devices go which way."""

    def of(is_one: Callable[[Kind], bool]) -> int:
        return sum(count for kind, count in of_kind.items() if is_one(kind))

    return {
        "patched": of(lambda kind: costs[kind].is_patched),
        "full": of(lambda kind: not costs[kind].is_patched),
        "steps": of(lambda kind: meant[kind].has_hop),
        "several": of(lambda kind: costs[kind].releases > 1),
        "unseen": of(lambda kind: kind.is_unseen),
        "reverting": of(lambda kind: meant[kind].can_go_back()),
    }


def _waves(
    plan: Plan,
    met: Survey,
    drawn: Sequence[Sequence[int]],
    costs: Mapping[Kind, Cost],
    update_s: int,
) -> tuple[WavePreview, ...]:
    found = []
    for number, places in enumerate(drawn):
        first = tuple(met.names[place] for place in places[:SHOWN])
        found.append(_wave(plan, number, first, met.counts(places), costs, update_s))
    return tuple(found)


def _exposures(plan: Plan, sizes: Sequence[int], seed: int) -> tuple[Exposure, ...]:
    noise = random.Random(seed)  # noqa: S311
    return tuple(stopping.exposure(plan, sizes, one, noise.random) for one in _DEFECTS)


def _wave(
    plan: Plan,
    number: int,
    first: tuple[str, ...],
    of_kind: Mapping[Kind, int],
    costs: Mapping[Kind, Cost],
    update_s: int,
) -> WavePreview:
    devices = sum(of_kind.values())
    bytes_ = sum(costs[kind].planned_bytes * count for kind, count in of_kind.items())
    updates = sum(costs[kind].releases * count for kind, count in of_kind.items())
    pace, times, wave = plan.pace, plan.times, plan.waves[number]
    # A device takes several releases one after the other, however few devices there are.
    turns = max((costs[kind].releases for kind in of_kind), default=0)
    by_places = max(turns, -(-updates // pace.at_once)) * update_s
    by_orders = devices * 60 // pace.per_minute if pace.per_minute else 0
    by_bytes = bytes_ // pace.bytes_per_s if pace.bytes_per_s else 0
    takes_s = max(by_places, by_orders, by_bytes) + times.soak_s if devices else 0
    is_last = number + 1 == len(plan.waves)
    return WavePreview(
        devices=devices,
        first=first,
        planned_bytes=bytes_,
        duration_s=takes_s + (0 if is_last else wave.wait_s),
    )


def _update_s(connection: Connection, tenant: str, known: Sequence[Release]) -> int:
    """Return how long an update of these products took lately: so long that 9 of 10 were done."""
    products = [f"{one.product}/" for one in known]
    took_s = (ORDERS.c.closed_at_s - ORDERS.c.created_at_s).label("took_s")
    lately = (
        select(ORDERS.c.release, ORDERS.c.closed_at_s, took_s)
        .where(ORDERS.c.tenant == tenant, ORDERS.c.state == "succeeded")
        .order_by(ORDERS.c.closed_at_s.desc())
        .limit(_LOOKED_AT)
        .subquery("lately")
    )
    asked = (
        select(lately.c.took_s)
        .where(or_(*(lately.c.release.startswith(one, autoescape=True) for one in products)))
        .order_by(lately.c.closed_at_s.desc())
        .limit(_KNOWN_MOST)
    )
    found = sorted(connection.scalars(asked))
    return max(1, found[len(found) * 9 // 10]) if found else _UPDATE_S


def _left_out(met: Survey, meant: Mapping[Kind, Set]) -> tuple[LeftOut, ...]:
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for one in met.out:
        reason = meant[one.kind].why_not()
        counts[reason] += one.devices
        examples.setdefault(reason, []).extend(one.examples)
    return tuple(
        LeftOut(reason, count, tuple(sorted(examples[reason])[:EXAMPLES]))
        for reason, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )


def _refused(known: Mapping[Kind, Set], kinds: Mapping[Kind, int]) -> tuple[LeftOut, ...]:
    found: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for kind, count in kinds.items():
        if reason := known[kind].why_refused():
            found[reason] += count
            examples.setdefault(reason, kind.device)
    return tuple(LeftOut(one, count, (examples[one],)) for one, count in found.most_common())


def _conflicts(
    connection: Connection, tenant: str, plan: Plan, where: Sequence[ColumnElement[bool]]
) -> tuple[Conflict, ...]:
    found = []
    states = sorted(ACTIVE | {MemberState.WAITING})
    is_other = and_(
        CAMPAIGN_DEVICES.c.tenant == DEVICES.c.tenant,
        CAMPAIGN_DEVICES.c.device == DEVICES.c.device,
        CAMPAIGN_DEVICES.c.state.in_(states),
    )
    rows = enlisting.WITH_SIGHTINGS.join(CAMPAIGN_DEVICES, is_other)
    asked = select(func.count()).select_from(rows).where(DEVICES.c.tenant == tenant, *where)
    for id_, priority in store.live(connection, tenant):
        both = connection.scalar(asked.where(CAMPAIGN_DEVICES.c.campaign == id_)) or 0
        if both:
            other = store.get(connection, tenant, id_)
            name = other.name if plan.within is None else scope.title(other)
            found.append(Conflict(id_, name, both, goes_first=priority >= plan.priority))
    return tuple(found)
