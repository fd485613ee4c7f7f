"""What a campaign does next: a fold over its journal, and nothing else.

`apply` takes what happened to a device, `decide` what people want, `due` says what time brings,
`next_offers` how many devices may be ordered now. All is pure: the same journal gives the same
campaign, on any machine and after any crash. What one report costs does not depend on the number
of devices, as a campaign knows its devices by their counts alone.
"""

from dataclasses import dataclass, replace
from typing import Final

from edge.console.campaigns import course, stopping
from edge.console.campaigns.campaign import TABLE, Campaign, Decided, Event, State
from edge.console.campaigns.course import Happened
from edge.console.campaigns.members import ACTIVE, TO_REVERT, Member, MemberEvent, MemberState
from edge.console.campaigns.plan import ON_TRIP, Plan
from edge.errors import RefusedError

_MINUTE_S: Final = 60
# So much may be ordered ahead of what the bandwidth allows.
_AHEAD_S: Final = 10


_WATCHED: Final = (State.RUNNING, State.CLOSING)
_TRIPS: Final = dict(zip(ON_TRIP, (Event.PAUSED, Event.ABORTED, Event.REVERTED), strict=True))
_SETTLED: Final = (State.FINISHED, State.ABORTED, State.REVERTED)
_GOING_BACK: Final = frozenset({MemberState.REVERTING, MemberState.HALF_BACK})
_UNENDED: Final = ACTIVE - _GOING_BACK - {MemberState.SOAKING}
_ORDERED: Final = _UNENDED - {MemberState.BETWEEN}


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be ordered now.

    Attributes:
        count: So many devices.
        wave: Of waves up to this one.
        free_bytes: What they may have to fetch together; one device may always go over it. None
            for any amount.
        goes_on: Devices that took a step may get the next one: they have their place already.
    """

    count: int
    wave: int
    free_bytes: int | None = None
    goes_on: bool = False


def joined(campaign: Campaign, device: str, rank: int, at_s: int) -> tuple[Campaign, Member]:
    """Return a campaign with a device that came later, and how that stands.

    It waits with the wave that is open: the pace binds it as it does all others.
    """
    member = Member(device, campaign.open_wave, rank)
    return _judged(_counted(campaign, member.wave, None, member.state), at_s), member


def apply(campaign: Campaign, member: Member, happened: Happened) -> tuple[Campaign, Member]:
    """Return how a campaign and a device stand after something happened to the device.

    What was known already, came too late or is about another order changes nothing.
    """
    after = course.after(campaign.plan, member, happened)
    if after is member:
        return campaign, member
    counted = _counted(campaign, member.wave, member.state, after.state)
    halfway = campaign.halfway + after.is_halfway - member.is_halfway
    counted = replace(counted, halfway=halfway)
    if happened.event is MemberEvent.OFFERED:
        is_new = member.state is not MemberState.BETWEEN
        counted = _paced(counted, after.planned_bytes, happened.at_s, is_new=is_new)
    return _judged(counted, happened.at_s), after


def decide(campaign: Campaign, decided: Decided) -> Campaign:
    """Return how a campaign stands after a decision.

    Raises:
        RefusedError: It can not be decided as the campaign stands.
        InputError: The new plan can not be meant.
    """
    match decided.event:
        case Event.AWAY:
            return replace(campaign, away_s=campaign.away_s + decided.gap_s)
        case Event.EDITED:
            return _judged(_edited(campaign, decided), decided.at_s)
        case Event.APPROVED:
            return _approved(campaign, decided)
        case Event.OPENED:
            return _judged(_opened(campaign), decided.at_s)
        case _:
            return _judged(_moved(campaign, decided), decided.at_s)


def may_decide(campaign: Campaign, event: Event) -> bool:
    """Return whether something can be decided as the campaign stands."""
    if event is Event.OPENED:
        has_more = campaign.open_wave + 1 < len(campaign.plan.waves)
        return has_more and campaign.state in (State.RUNNING, State.PAUSED)
    return (campaign.state, event) in TABLE


def due(campaign: Campaign, now_s: int) -> Event | None:
    """Return what time brings, None if nothing; it is asked again after each."""
    plan, state, at_s = campaign.plan, campaign.state, campaign.clock_s(now_s)
    if plan.end_at_s and now_s >= plan.end_at_s and (state, Event.EXPIRED) in TABLE:
        return Event.EXPIRED
    match state:
        case State.SCHEDULED:
            return Event.BEGAN if now_s >= plan.start_at_s else None
        case State.RUNNING if _may_open(campaign, at_s):
            return Event.OPENED
    return Event.ENDED if _is_over(campaign) else None


def next_offers(campaign: Campaign, at_s: int) -> Offers:
    """Return how many devices may be ordered now, none if the campaign is halted.

    A device that took a step of several is ordered the next one also after the campaign's time: it
    is under way.
    """
    goes_on = campaign.state in _WATCHED and not campaign.tripped
    pace = campaign.plan.pace
    count = max(0, pace.at_once - campaign.under_way) if campaign.state is State.RUNNING else 0
    if pace.per_minute is not None:
        ordered = campaign.ordered if campaign.minute == at_s // _MINUTE_S else 0
        count = min(count, max(0, pace.per_minute - ordered))
    if pace.bytes_per_s is None:
        return Offers(count, campaign.open_wave, goes_on=goes_on)
    free = max(0, pace.bytes_per_s * _AHEAD_S - _ahead_bytes(campaign, at_s))
    return Offers(count if free else 0, campaign.open_wave, free, goes_on=goes_on and free > 0)


def may_revert(campaign: Campaign) -> bool:
    """Return whether devices are to run again what they ran before."""
    return campaign.state is State.REVERTING and _has_to_revert(campaign)


def to_withdraw(campaign: Campaign) -> frozenset[MemberState]:
    """Return of which devices the orders that are under way are to be taken back."""
    match campaign.state:
        case State.ABORTING:
            return _UNENDED
        case State.REVERTING:
            return _ORDERED
        case State.CLOSING if campaign.tripped:
            # They are ordered nothing more, so that they would never come to an end.
            return frozenset({MemberState.BETWEEN})
        case _:
            return frozenset()


def _has_to_revert(campaign: Campaign) -> bool:
    return campaign.of(TO_REVERT) > 0 or campaign.halfway > 0


def _counted(
    campaign: Campaign, wave: int, before: MemberState | None, after: MemberState
) -> Campaign:
    moved = campaign.tallies[wave].moved(before, after)
    tallies = (*campaign.tallies[:wave], moved, *campaign.tallies[wave + 1 :])
    return replace(campaign, tallies=tallies)


def _judged(campaign: Campaign, at_s: int) -> Campaign:
    """Stop a campaign with too many failures, and note whether its wave has enough successes."""
    if campaign.state in _WATCHED and not campaign.tripped:
        trip = stopping.tripped(campaign.plan, campaign.tallies)
        if trip is not None:
            stopped = TABLE.get((campaign.state, _TRIPS[campaign.plan.on_trip]), campaign.state)
            return replace(campaign, state=stopped, reason=trip.reason, tripped=trip.reason)
    if campaign.state is State.REVERTED and _has_to_revert(campaign):
        # A device committed the release after it was asked to leave it.
        return replace(campaign, state=State.REVERTING)
    is_satisfied = _is_satisfied(campaign)
    if is_satisfied == bool(campaign.satisfied_at_s):
        return campaign
    return replace(campaign, satisfied_at_s=at_s if is_satisfied else 0)


def _is_satisfied(campaign: Campaign) -> bool:
    tally, wave = campaign.tallies[campaign.open_wave], campaign.plan.waves[campaign.open_wave]
    return tally.successes * 100 >= wave.success_percent * tally.counted


def _may_open(campaign: Campaign, at_s: int) -> bool:
    is_last = campaign.open_wave + 1 == len(campaign.plan.waves)
    if is_last or not campaign.satisfied_at_s:
        return False
    return at_s >= campaign.satisfied_at_s + campaign.plan.waves[campaign.open_wave].wait_s


def _is_over(campaign: Campaign) -> bool:
    match campaign.state:
        case State.RUNNING:
            is_open = campaign.open_wave + 1 < len(campaign.plan.waves) or campaign.plan.is_dynamic
            return not is_open and not campaign.of(ACTIVE | {MemberState.WAITING})
        case State.CLOSING:
            return not campaign.of(ACTIVE)
        case State.ABORTING:
            return not campaign.of(_UNENDED)
        case State.REVERTING:
            return not campaign.of(ACTIVE) and not _has_to_revert(campaign)
        case _:
            return False


def _moved(campaign: Campaign, decided: Decided) -> Campaign:
    state = TABLE.get((campaign.state, decided.event))
    if state is None:
        raise RefusedError(f"the campaign is {campaign.state}: it can not be {decided.event}")
    if decided.event is Event.STARTED and len(campaign.approved_by) < campaign.plan.approvals:
        state = State.UNAPPROVED
    moved = replace(campaign, state=state, reason=decided.reason)
    match decided.event:
        case Event.RESUMED if campaign.tripped:
            return _forgiving(moved)
        case Event.PAUSED | Event.RESUMED | Event.RETRIED | Event.REVERTED | Event.ABORTED:
            return moved
        case _:
            return replace(moved, reason=campaign.reason)


def _opened(campaign: Campaign) -> Campaign:
    if campaign.state not in (State.RUNNING, State.PAUSED):
        raise RefusedError(f"the campaign is {campaign.state}: no wave can begin")
    if campaign.open_wave + 1 == len(campaign.plan.waves):
        raise RefusedError("the last wave has begun already")
    return replace(campaign, open_wave=campaign.open_wave + 1, satisfied_at_s=0)


def _forgiving(campaign: Campaign) -> Campaign:
    """Go on in spite of a trip: what was seen by then counts no more."""
    tallies = tuple(one.forgiving() for one in campaign.tallies)
    return replace(campaign, tallies=tallies, tripped="")


def _approved(campaign: Campaign, decided: Decided) -> Campaign:
    if (campaign.state, Event.APPROVED) not in TABLE:
        raise RefusedError(f"the campaign is {campaign.state}: it can not be approved")
    if decided.by in campaign.approved_by:
        raise RefusedError(f"{decided.by} has approved it already")
    by = (*campaign.approved_by, decided.by)
    is_enough = len(by) >= campaign.plan.approvals
    return replace(
        campaign, approved_by=by, state=State.SCHEDULED if is_enough else State.UNAPPROVED
    )


def _edited(campaign: Campaign, decided: Decided) -> Campaign:
    plan = decided.plan
    assert plan is not None
    plan.check()
    if campaign.state in _SETTLED:
        raise RefusedError(f"the campaign is {campaign.state}: its plan is what it was")
    if plan.approvals or campaign.plan.approvals:
        raise RefusedError(
            "people approve a plan as it was made: it can not be changed",
            hint="make another campaign",
        )
    _require_same_devices(campaign.plan, plan)
    if campaign.state is not State.DRAFT and plan.start_at_s != campaign.plan.start_at_s:
        raise RefusedError("a campaign that was started keeps its start")
    return replace(campaign, plan=plan)


def _require_same_devices(before: Plan, after: Plan) -> None:
    """Refuse a change of what or whom the campaign is about: its devices are in it already."""

    def about(plan: Plan) -> tuple[object, ...]:
        sizes = [(one.percent, one.count, one.filter, one.devices) for one in plan.waves]
        return plan.releases, plan.target, plan.is_dynamic, plan.within, sizes

    if about(before) != about(after):
        raise RefusedError(
            "a campaign keeps its releases, devices and waves",
            hint="its limits, pace, times, policy, end and priority can be changed",
        )


def _paced(campaign: Campaign, planned_bytes: int, at_s: int, *, is_new: bool) -> Campaign:
    minute = at_s // _MINUTE_S
    ordered = campaign.ordered if campaign.minute == minute else 0
    return replace(
        campaign,
        minute=minute,
        ordered=ordered + is_new,
        ahead_bytes=_ahead_bytes(campaign, at_s) + planned_bytes,
        ahead_at_s=at_s,
    )


def _ahead_bytes(campaign: Campaign, at_s: int) -> int:
    speed = campaign.plan.pace.bytes_per_s or 0
    return max(0, campaign.ahead_bytes - speed * max(0, at_s - campaign.ahead_at_s))
