"""How one device goes through a campaign: what each event sets, and when something is due."""

from dataclasses import dataclass, replace
from typing import Final

from edge.console.campaigns.members import Member, MemberEvent, MemberState, Ran, Step, following
from edge.console.campaigns.plan import Plan, Times

# More starts than this in a soak are not normal.
STARTS_MOST: Final = 3
# A device that did not answer has its turn again after all others.
LATER: Final = 1 << 32
_E = MemberEvent
_TRYING: Final = frozenset(
    {
        *(MemberState.WAITING, MemberState.OFFERED, MemberState.UPDATING, MemberState.HELD),
        MemberState.BETWEEN,
    }
)
# Begin a new order, or are about no order.
_UNORDERED: Final = frozenset(
    {_E.OFFERED, _E.REFUSED, _E.FOUND, _E.LEFT, _E.RETRIED, _E.CALLED_BACK}
)


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to a device.

    Attributes:
        at_s: On the campaign's clock.
        action: The order that it is about; empty if it is about none.
        reason: Why.
        release: Of the order.
        service: That this is a release of; empty for a system.
        from_release: The system that the device ran then, and its version.
        from_services: What it ran then of the services that are meant.
        left: Services that are to go back after it.
        planned_bytes: What the device has to fetch.
    """

    event: MemberEvent
    at_s: int
    action: str = ""
    reason: str = ""
    release: str = ""
    from_release: str = ""
    from_version: str = ""
    planned_bytes: int = 0
    service: str = ""
    from_services: tuple[Ran, ...] = ()
    left: tuple[str, ...] = ()


def after(plan: Plan, member: Member, happened: Happened) -> Member:
    """Return how a device stands after something happened to it; the same one if nothing changes.

    Args:
        plan: Of the campaign.
        member: How it stood.
        happened: What happened.
    """
    event = happened.event
    if event not in _UNORDERED and happened.action != member.action:
        return member
    event, reason = _meant(plan, member, event, happened.reason)
    state = following(member.state, event)
    if state is None:
        return member
    deadline_s = _deadline_s(plan.times, member, event, state, happened.at_s)
    if (
        event is _E.RESTARTING
        and state is member.state
        and not _is_later(plan.times, member.deadline_s, deadline_s)
    ):
        return member
    changed = replace(member, state=state, reason=reason, deadline_s=deadline_s)
    return _noted(changed, event, happened)


def overdue(plan: Plan, member: Member, at_s: int, seen_at_s: int) -> MemberEvent | None:
    """Return what it means that the deadline of a device has passed; None if nothing yet.

    Args:
        plan: Of the campaign.
        member: The device.
        at_s: The time on the campaign's clock.
        seen_at_s: When the device was there last, on the same clock.
    """
    if not member.deadline_s or at_s < member.deadline_s:
        return None
    match member.state:
        case MemberState.OFFERED:
            return _E.UNANSWERED
        case MemberState.SOAKING if seen_at_s >= member.deadline_s:
            return _E.SOAKED
        case MemberState.SOAKING if at_s < member.deadline_s + plan.times.silence_s:
            return None
        case MemberState.UPDATING | MemberState.REVERTING | MemberState.SOAKING:
            return _E.SILENT
        case _:
            return None


def _meant(plan: Plan, member: Member, event: MemberEvent, reason: str) -> tuple[MemberEvent, str]:
    """Return what an event is, once what was before counts too."""
    match event, member.state:
        case _E.HELD, _ if plan.policy.download_only:
            return _E.DOWNLOADED, reason
        case _E.FAILED, _ if member.state in _TRYING:
            is_last = member.tries + 1 >= plan.tries
            return (_E.FAILED if is_last else _E.AGAIN), reason
        case _E.WENT_BACK, MemberState.REVERTING | MemberState.STRANDED if member.left:
            return _E.STEPPED_BACK, reason
        case _E.STARTED, _ if member.starts >= STARTS_MOST:
            return _E.FAILED, f"started {member.starts + 1} times in its soak"
        case _:
            return event, reason


def _deadline_s(
    times: Times, member: Member, event: MemberEvent, state: MemberState, at_s: int
) -> int:
    match event:
        case _E.OFFERED:
            return at_s + times.answer_s
        case _E.TOOK_UP | _E.CALLED_BACK:
            return at_s + times.timeout_s
        case _E.RESTARTING:
            return at_s + times.silence_s
        case _E.COMMITTED | _E.COMPLETED:
            return at_s + times.soak_s
        case _:
            return member.deadline_s if state is member.state else 0


def _is_later(times: Times, before_s: int, after_s: int) -> bool:
    """Return whether a deadline moved enough to be stored, also to an earlier time."""
    return after_s < before_s or after_s - before_s > times.silence_s // 4


def _noted(member: Member, event: MemberEvent, happened: Happened) -> Member:
    match event:
        case _E.OFFERED | _E.CALLED_BACK:
            return _ordered(member, event, happened)
        case _E.STEPPED:
            step = Step(member.service, member.release)
            return replace(member, taken=(*(one for one in member.taken if one != step), step))
        case _E.UNANSWERED:
            return replace(member, rank=member.rank + LATER)
        case _E.PASSED | _E.RETRIED:
            return replace(member, tries=0 if event is _E.RETRIED else member.tries, action="")
        case _E.AGAIN | _E.FAILED:
            again = member.action if event is _E.FAILED else ""
            return replace(member, tries=member.tries + 1, action=again)
        case _:
            return replace(member, starts=member.starts + (event is _E.STARTED))


def _ordered(member: Member, event: MemberEvent, happened: Happened) -> Member:
    changed = replace(
        member,
        action=happened.action,
        release=happened.release,
        service=happened.service,
        left=happened.left,
    )
    if event is _E.CALLED_BACK:
        return changed
    return replace(
        changed,
        from_release=member.from_release or happened.from_release,
        from_version=member.from_version or happened.from_version,
        from_services=member.from_services or happened.from_services,
        planned_bytes=happened.planned_bytes,
        starts=0,
    )
