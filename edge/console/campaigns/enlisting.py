"""Which devices a campaign is about, and whose turn is when.

The turn is drawn by a seed, so that the first devices are no kind of their own: those with the
lowest numbers are the oldest. Whom a release is not for, and who runs it already, stays out.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    exists,
    not_,
    or_,
    select,
)

from edge.console import releases
from edge.console.campaigns import drawing, sets
from edge.console.campaigns.drawing import DRAWN
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.store import Turns
from edge.console.devices import groups, services
from edge.console.devices.device_filter import device_filter
from edge.console.devices.states import State
from edge.console.releases import FOREIGN, SERVICE, Release
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.console.store.ddi_tables import DDI_DEVICES
from edge.console.store.tables import DEVICES, SIGHTINGS
from edge.errors import InputError, ThingNotFoundError

# Stored at once; reports that come meanwhile wait for no more than that.
PIECE: Final = 10_000
# Devices, with when they were seen.
WITH_SIGHTINGS: Final = DEVICES.join(
    SIGHTINGS,
    and_(SIGHTINGS.c.tenant == DEVICES.c.tenant, SIGHTINGS.c.device == DEVICES.c.device),
    isouter=True,
)
SPEAKS_DDI: Final = exists().where(
    DDI_DEVICES.c.tenant == DEVICES.c.tenant, DDI_DEVICES.c.device == DEVICES.c.device
)


@dataclass(frozen=True, slots=True)
class Enlisted:
    """The devices of a campaign, in the order of their turns.

    Attributes:
        waves: The devices of each wave.
    """

    waves: tuple[Sequence[str], ...]

    @property
    def sizes(self) -> dict[int, int]:
        """How many each wave has."""
        return {number: len(devices) for number, devices in enumerate(self.waves)}

    def pieces(self) -> Iterator[Turns]:
        """Yield all devices, so many as are stored at once."""
        rank = 0
        for wave, devices in enumerate(self.waves):
            for begin in range(0, len(devices), PIECE):
                piece = devices[begin : begin + PIECE]
                yield Turns(wave, rank, piece)
                rank += len(piece)


def releases_of(connection: Connection, tenant: str, plan: Plan) -> list[Release]:
    """Return the releases of a plan.

    Raises:
        ThingNotFoundError: One is not there.
        InputError: One is not published.
    """
    found = [releases.get(connection, tenant, path) for path in plan.releases]
    for one in found:
        if not one.is_published:
            raise InputError(f"{one.product} {one.version} is not published yet")
    return found


def enlist(connection: Connection, tenant: str, plan: Plan, *, seed: int, now_s: int) -> Enlisted:
    """Return the devices of a plan, by its waves.

    Args:
        connection: To read from.
        tenant: Whose devices.
        plan: The plan.
        seed: By which turns are drawn.
        now_s: The time, for filters.

    Raises:
        InputError: A filter can not be read, a device is in two waves, or no device could run all
            releases that are for it.
        ThingNotFoundError: A release or a named device is not there.
    """
    known = releases_of(connection, tenant, plan)
    sets.check(plan, known)
    where = taking(connection, tenant, plan, known, now_s)
    devices = list(connection.scalars(_asked(tenant, *where).order_by(DEVICES.c.device)))
    waves = places(connection, tenant, plan, known, devices, seed=seed, now_s=now_s)
    return Enlisted(tuple([devices[place] for place in one] for one in waves))


def places(
    connection: Connection,
    tenant: str,
    plan: Plan,
    known: Iterable[Release],
    devices: Sequence[str],
    *,
    seed: int,
    now_s: int,
) -> "list[array[int]]":
    """Return the waves of a plan: for each one the places of its devices in a list.

    Args:
        connection: To read from.
        tenant: Whose devices.
        plan: The plan.
        known: Its releases.
        devices: All that take part, by `taking`, in the order of their ids.
        seed: By which turns are drawn.
        now_s: The time, for filters.

    Raises:
        InputError: A filter can not be read, or a device is in two waves.
        ThingNotFoundError: A named device is not there.
    """
    where = taking(connection, tenant, plan, known, now_s)
    chosen = _chosen(connection, tenant, plan, where, now_s)
    named = {device for part in chosen.values() for device in part}
    place_of = {one: place for place, one in enumerate(devices) if one in named} if named else {}
    found = drawing.drawn(len(devices), set(place_of.values()), plan.waves, seed, most=DRAWN)
    for number, part in chosen.items():
        # What one statement finds, PostgreSQL may have changed for the next one.
        found[number] = array("I", [place_of[one] for one in part if one in place_of])
    return [found.get(number, array("I")) for number in range(len(plan.waves))]


def meant(
    connection: Connection, tenant: str, plan: Plan, now_s: int
) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for accepted devices that the filter of a plan means.

    The first of it is that they are accepted.

    Raises:
        FilterError: It can not be read.
    """
    is_in = (DEVICES.c.state == State.ACCEPTED, *bound(plan))
    if not plan.target:
        return is_in
    return *is_in, _filter(connection, tenant, plan.target, now_s)


def bound(plan: Plan, rows: FromClause = DEVICES) -> list[ColumnElement[bool]]:
    """Return what holds for rows of devices that a plan may have at all."""
    return [] if plan.within is None else [groups.within(plan.within, rows)]


def taking(
    connection: Connection, tenant: str, plan: Plan, known: Iterable[Release], now_s: int
) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for devices that take part in a plan with these releases.

    Raises:
        FilterError: The filter can not be read.
    """
    return (*meant(connection, tenant, plan, now_s), *takes(known))


def takes(known: Iterable[Release]) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for devices that have something to take of these releases.

    Of the system, or of a service, one is for them that they do not run; and their system has the
    services that are meant, if it stays: what another one has is not known.
    """
    by_service: dict[str, list[Release]] = {}
    for one in known:
        by_service.setdefault(one.service, []).append(one)
    wants = {name: _wants(some) for name, some in by_service.items()}
    lacks = [
        and_(_fits(one), services.lacks(name))
        for name, some in by_service.items()
        for one in some
        if name
    ]
    if not lacks:
        return (or_(*wants.values()),)
    gets_system = [wants[""]] if "" in wants else []
    return or_(*wants.values()), or_(*gets_system, not_(or_(*lacks)))


def _wants(known: Sequence[Release]) -> ColumnElement[bool]:
    """Return what holds for devices that one of these is for, and that run none of them."""
    return and_(or_(*(_fits(one) for one in known)), not_(or_(*(_runs(one) for one in known))))


def _runs(one: Release) -> ColumnElement[bool]:
    if one.kind == SERVICE:
        return services.runs(one)
    return and_(DEVICES.c.product == one.product, DEVICES.c.version == one.version)


def newcomers(
    connection: Connection, tenant: str, id_: str, plan: Plan, *, now_s: int, most: int
) -> list[str]:
    """Return devices that have come to be meant since a campaign began."""
    known = releases_of(connection, tenant, plan)
    is_member = exists().where(
        CAMPAIGN_DEVICES.c.tenant == DEVICES.c.tenant,
        CAMPAIGN_DEVICES.c.campaign == id_,
        CAMPAIGN_DEVICES.c.device == DEVICES.c.device,
    )
    where = taking(connection, tenant, plan, known, now_s)
    asked = _asked(tenant, *where, not_(is_member)).order_by(DEVICES.c.device)
    return list(connection.scalars(asked.limit(most)))


def _chosen(
    connection: Connection,
    tenant: str,
    plan: Plan,
    where: Sequence[ColumnElement[bool]],
    now_s: int,
) -> Mapping[int, list[str]]:
    """Return the devices of waves that name them, or say what they are."""
    found: dict[int, list[str]] = {}
    taken: set[str] = set()
    for number, wave in enumerate(plan.waves):
        if wave.filter:
            is_one = _filter(connection, tenant, wave.filter, now_s)
            asked = _asked(tenant, *where, is_one).order_by(DEVICES.c.device)
            found[number] = [one for one in connection.scalars(asked) if one not in taken]
        elif wave.devices:
            found[number] = _named(connection, tenant, plan, number, where)
            if both := taken.intersection(found[number]):
                raise InputError(f"waves[{number}].devices: {min(both)} is in another wave too")
        taken.update(found.get(number, ()))
    return found


def _named(
    connection: Connection,
    tenant: str,
    plan: Plan,
    number: int,
    where: Sequence[ColumnElement[bool]],
) -> list[str]:
    devices, place = plan.waves[number].devices, f"waves[{number}]"
    # A device that it may not have is as one that is not there.
    asked = _asked(tenant, DEVICES.c.device.in_(devices), *bound(plan))
    known = set(connection.scalars(asked))
    if gone := [one for one in devices if one not in known]:
        raise ThingNotFoundError(f"{place}.devices: no device {gone[0]!r}")
    fitting = set(connection.scalars(asked.where(*where)))
    if other := [one for one in devices if one not in fitting]:
        raise InputError(
            f"{place}.devices: {other[0]} is not one that takes part",
            hint="it is not accepted, runs the release, is not one that it is for,"
            " or does not fit the filter",
        )
    return list(dict.fromkeys(devices))


def _filter(connection: Connection, tenant: str, text: str, now_s: int) -> ColumnElement[bool]:
    return device_filter(text, now_s, groups.named(connection, tenant))


def _fits(release: Release) -> ColumnElement[bool]:
    return and_(
        DEVICES.c.product.in_(("", release.product)),
        DEVICES.c.board.in_(("", *release.boards)),
        SPEAKS_DDI if release.kind == FOREIGN else not_(SPEAKS_DDI),
    )


def _asked(tenant: str, *where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(DEVICES.c.device)
        .select_from(WITH_SIGHTINGS)
        .where(DEVICES.c.tenant == tenant, *where)
    )
