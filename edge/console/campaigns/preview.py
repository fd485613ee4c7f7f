"""What a campaign would do, before anybody starts it: whom it reaches when, and what that costs.

Nothing is stored. The same seed draws the same turns when the campaign is made, so that the devices
that are shown are those that it has.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, false, literal, or_, select

from edge.console import orders
from edge.console.campaigns import before, enlisting, offering, scope, stopping, store
from edge.console.campaigns.enlisting import Enlisted
from edge.console.campaigns.members import ACTIVE, MemberState
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.stopping import Exposure
from edge.console.campaigns.ways import Ways
from edge.console.devices import services
from edge.console.devices.states import State
from edge.console.releases import FOREIGN, SERVICE, Release
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.console.store.tables import DEVICES, ORDERS

# Shown of each wave; all of them are in the campaign when it is made.
SHOWN: Final = 50
_DEFECTS: Final = (10, 50, 200)
# Of an update whose like was never seen here.
_UPDATE_S: Final = 300
_KNOWN_MOST: Final = 500


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
    unseen: int
    reverting: int
    duration_s: int
    waves: tuple[WavePreview, ...]
    left_out: tuple[LeftOut, ...]
    refused: tuple[LeftOut, ...]
    conflicts: tuple[Conflict, ...]
    exposures: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Devices of which a campaign thinks the same.

    Attributes:
        version: Of the system.
        service_version: Of the service that is meant, as they say it; empty if they do not.
        lacks_service: They say what they run, and have no such service.
        device: One of them.
    """

    product: str
    version: str
    board: str
    counter: int
    service_version: str
    lacks_service: bool
    is_ddi: bool
    is_accepted: bool
    device: str = ""

    def said(self, meant: Release) -> str:
        """Return what they run of what is meant."""
        return self.service_version if meant.kind == SERVICE else self.version

    def runs(self, meant: Release) -> bool:
        """Return whether they run a release."""
        said = self.said(meant)
        is_one = services.is_one(said, meant) if meant.kind == SERVICE else said == meant.version
        return self.product == meant.product and is_one


def preview(
    connection: Connection,
    tenant: str,
    plan: Plan,
    ways: Mapping[str, Ways],
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
        seed: By which turns are drawn.
        now_s: The time.

    Raises:
        InputError: The plan can not be meant.
        ThingNotFoundError: A release or a named device is not there.
    """
    plan.check()
    known = enlisting.releases_of(connection, tenant, plan)
    enlisted = enlisting.enlist(connection, tenant, plan, seed=seed, now_s=now_s)
    taking = {one for wave in enlisted.waves for one in wave}
    kinds, of_device = _kinds(connection, tenant, plan, known, now_s)
    costs = {one: _cost(one, known, ways) for one in kinds}
    planned = {name: costs[kind][0] for name, kind in of_device.items() if name in taking}
    waves = _waves(plan, enlisted, planned, _update_s(connection, tenant, known))
    of_kind = Counter(of_device[one] for one in taking if one in of_device)
    patched = sum(count for kind, count in of_kind.items() if costs[kind][1])
    return Preview(
        seed=seed,
        devices=len(taking),
        planned_bytes=sum(planned.values()),
        patched=patched,
        full=len(taking) - patched,
        steps=_steps(connection, tenant, of_kind, known),
        unseen=_unseen(connection, tenant, plan, taking, now_s),
        reverting=_reverting(connection, tenant, of_kind, known),
        duration_s=sum(one.duration_s for one in waves),
        waves=waves,
        left_out=_left_out(of_device, taking, known),
        refused=_refused(connection, tenant, of_kind, known),
        conflicts=_conflicts(connection, tenant, plan, taking),
        exposures=_exposures(plan, [one.devices for one in waves], seed),
    )


def _waves(
    plan: Plan, enlisted: Enlisted, planned: Mapping[str, int], update_s: int
) -> tuple[WavePreview, ...]:
    return tuple(
        _wave(plan, number, list(devices), planned, update_s)
        for number, devices in enumerate(enlisted.waves)
    )


def _exposures(plan: Plan, sizes: Sequence[int], seed: int) -> tuple[Exposure, ...]:
    noise = random.Random(seed)  # noqa: S311
    return tuple(stopping.exposure(plan, sizes, one, noise.random) for one in _DEFECTS)


def _kinds(
    connection: Connection, tenant: str, plan: Plan, meant: Sequence[Release], now_s: int
) -> tuple[set[_Kind], dict[str, _Kind]]:
    """Return the kinds of all devices that the filter means, and which kind each one is."""
    where = enlisting.meant(connection, tenant, plan, now_s)[1:]
    service = next((one.service for one in meant), "")
    columns = (
        *(DEVICES.c.device, DEVICES.c.product, DEVICES.c.version, DEVICES.c.board),
        *(DEVICES.c.counter, services.version_of(service) if service else literal("")),
        *(services.lacks(service) if service else false(), enlisting.SPEAKS_DDI, DEVICES.c.state),
    )
    asked = (
        select(*columns)
        .select_from(enlisting.WITH_SIGHTINGS)
        .where(DEVICES.c.tenant == tenant, *where)
    )
    known: dict[tuple[object, ...], _Kind] = {}
    of_device: dict[str, _Kind] = {}
    for device, *values, state in connection.execute(asked).tuples():
        key = (*values, state)
        if key not in known:
            product, version, board, counter, said, lacks, is_ddi = values
            flags = bool(lacks), bool(is_ddi), state == State.ACCEPTED
            known[key] = _Kind(product, version, board, counter, said, *flags, device)
        of_device[device] = known[key]
    return set(known.values()), of_device


def _cost(kind: _Kind, known: Iterable[Release], ways: Mapping[str, Ways]) -> tuple[int, bool]:
    """Return what a device has to fetch, and whether that is a patch."""
    release = _release_for(kind, known)
    if release is None or release.path not in ways:
        return 0, False
    way = ways[release.path]
    said = kind.said(release)
    return way.from_(said, kind.board), said in way.patched


def _release_for(kind: _Kind, known: Iterable[Release]) -> Release | None:
    return next(
        (
            one
            for one in known
            if (one.kind == FOREIGN) == kind.is_ddi
            and kind.product in ("", one.product)
            and (not kind.board or kind.board in one.boards)
        ),
        None,
    )


def _wave(
    plan: Plan, number: int, devices: list[str], planned: Mapping[str, int], update_s: int
) -> WavePreview:
    bytes_ = sum(planned.get(one, 0) for one in devices)
    pace, times, wave = plan.pace, plan.times, plan.waves[number]
    by_places = -(-len(devices) // pace.at_once) * update_s
    by_orders = len(devices) * 60 // pace.per_minute if pace.per_minute else 0
    by_bytes = bytes_ // pace.bytes_per_s if pace.bytes_per_s else 0
    takes_s = max(by_places, by_orders, by_bytes) + times.soak_s if devices else 0
    is_last = number + 1 == len(plan.waves)
    return WavePreview(
        devices=len(devices),
        first=tuple(devices[:SHOWN]),
        planned_bytes=bytes_,
        duration_s=takes_s + (0 if is_last else wave.wait_s),
    )


def _update_s(connection: Connection, tenant: str, known: Sequence[Release]) -> int:
    """Return how long an update of these products took lately: so long that 9 of 10 were done."""
    products = [f"{one.product}/" for one in known]
    asked = (
        select(ORDERS.c.closed_at_s - ORDERS.c.created_at_s)
        .where(
            ORDERS.c.tenant == tenant,
            ORDERS.c.state == "succeeded",
            or_(*(ORDERS.c.release.startswith(one, autoescape=True) for one in products)),
        )
        .order_by(ORDERS.c.closed_at_s.desc())
        .limit(_KNOWN_MOST)
    )
    found = sorted(connection.scalars(asked))
    return max(1, found[len(found) * 9 // 10]) if found else _UPDATE_S


def _left_out(
    of_device: Mapping[str, _Kind], taking: set[str], known: Sequence[Release]
) -> tuple[LeftOut, ...]:
    reasons: dict[str, list[str]] = {}
    for device, kind in of_device.items():
        if device not in taking:
            reasons.setdefault(_why_not(kind, known), []).append(device)
    return tuple(
        LeftOut(reason, len(devices), tuple(sorted(devices)[:5]))
        for reason, devices in sorted(reasons.items(), key=lambda one: (-len(one[1]), one[0]))
    )


def _why_not(kind: _Kind, known: Sequence[Release]) -> str:
    if not kind.is_accepted:
        return "not accepted"
    if running := [one for one in known if kind.runs(one)]:
        return f"runs {running[0].version} already"
    products = {one.product for one in known}
    if kind.product and kind.product not in products:
        return f"runs {kind.product}, not {', '.join(sorted(products))}"
    if all((one.kind == FOREIGN) != kind.is_ddi for one in known):
        return "speaks DDI, and the release is for Edge" if kind.is_ddi else "runs Edge"
    if kind.lacks_service:
        return f"has no service {known[0].service} that is updated in place"
    return f"is {kind.board}, which the release is not for"


def _way(connection: Connection, tenant: str, kind: _Kind, known: Sequence[Release]) -> Any:
    """Return the release that is meant for a kind of devices, and the one that they take first."""
    meant = _release_for(kind, known)
    if meant is None:
        return None, None
    asked = select(DEVICES).where(DEVICES.c.tenant == tenant, DEVICES.c.device == kind.device)
    return meant, orders.way_to(connection, connection.execute(asked).one(), meant)


def _steps(
    connection: Connection, tenant: str, kinds: Mapping[_Kind, int], known: Sequence[Release]
) -> int:
    found = 0
    for kind, count in kinds.items():
        meant, first = _way(connection, tenant, kind, known)
        found += count if first is not None and first is not meant else 0
    return found


def _refused(
    connection: Connection, tenant: str, kinds: Mapping[_Kind, int], known: Sequence[Release]
) -> tuple[LeftOut, ...]:
    found: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for kind, count in kinds.items():
        meant, first = _way(connection, tenant, kind, known)
        if meant is None:
            continue
        if meant.kind != FOREIGN and meant.counter < kind.counter:
            reason = f"its counter is {kind.counter}, above {meant.counter} of {meant.version}"
        elif first is None:
            reason = f"runs {kind.version}, from which no release here leads to {meant.version}"
        else:
            continue
        found[reason] += count
        examples.setdefault(reason, kind.device)
    return tuple(LeftOut(one, count, (examples[one],)) for one, count in found.most_common())


def _reverting(
    connection: Connection, tenant: str, kinds: Mapping[_Kind, int], known: Sequence[Release]
) -> int:
    """Return how many devices can be ordered to run again what they run now."""
    found = 0
    for kind, count in kinds.items():
        meant = _release_for(kind, known)
        if meant is None:
            continue
        was = before.released(connection, tenant, kind.product, kind.said(meant), meant)
        if was is None or not was.is_published:
            continue
        if meant.kind == FOREIGN or was.counter >= meant.counter:
            found += count
    return found


def _unseen(connection: Connection, tenant: str, plan: Plan, taking: set[str], now_s: int) -> int:
    if not plan.times.seen_s:
        return 0
    asked = (
        select(DEVICES.c.device)
        .select_from(enlisting.WITH_SIGHTINGS)
        .where(DEVICES.c.tenant == tenant, offering.seen_at_s() < now_s - plan.times.seen_s)
    )
    return sum(one in taking for one in connection.scalars(asked))


def _conflicts(
    connection: Connection, tenant: str, plan: Plan, taking: set[str]
) -> tuple[Conflict, ...]:
    found = []
    states = sorted(ACTIVE | {MemberState.WAITING})
    for id_, priority in store.live(connection, tenant):
        asked = select(CAMPAIGN_DEVICES.c.device).where(
            CAMPAIGN_DEVICES.c.tenant == tenant,
            CAMPAIGN_DEVICES.c.campaign == id_,
            CAMPAIGN_DEVICES.c.state.in_(states),
        )
        if both := sum(one in taking for one in connection.scalars(asked)):
            other = store.get(connection, tenant, id_)
            name = other.name if plan.within is None else scope.title(other)
            found.append(Conflict(id_, name, both, goes_first=priority >= plan.priority))
    return tuple(found)
