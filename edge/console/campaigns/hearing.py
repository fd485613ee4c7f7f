"""What devices and people do, as far as it is about an order of a campaign.

Each is a step of the transaction that stores the report or the order itself: none is lost, and none
counts twice.
"""

from typing import Final

from sqlalchemy import Connection, select

from edge.console import releases
from edge.console.campaigns import sets, store
from edge.console.campaigns.campaign import State
from edge.console.campaigns.ledger import Ledger, actor_of, opened
from edge.console.campaigns.members import Member, MemberEvent, MemberState
from edge.console.desk import Caller
from edge.console.devices import registry, services
from edge.console.store.tables import DEVICES, ORDERS
from edge_signing.messages import ReportEvent, Status

_COMMITTED: Final = frozenset({MemberState.SOAKING, MemberState.SUCCEEDED, MemberState.BETWEEN})
_WATCHING: Final = frozenset({State.RUNNING, State.PAUSED, State.CLOSING})
_PASSED: Final = "waiting"
_HELD: Final = frozenset({_PASSED, "waiting-for-user"})
_RESTARTING: Final = frozenset({"arming", "rebooting", "trial", "committing", "reverting"})
_WORKING: Final = frozenset({"checking", "permitting", "installing", "verifying"})


def is_news(before: tuple[str, str], told: Status) -> bool:
    """Return whether a status may change how a campaign stands.

    Args:
        before: Action and phase of the one before.
        told: The new one.
    """
    is_other = before != (told.action, told.phase)
    # A device that restarts is silent for a while: each sign of it counts. What one that waits
    # waits for comes after that it does.
    is_said = told.phase in _RESTARTING or (told.phase in _HELD and bool(told.reason))
    return bool(told.action) and (is_other or is_said)


def status(
    connection: Connection, caller: Caller, told: Status, *, has_started: bool, now_s: int
) -> None:
    """Note how far a device has come with an order.

    Args:
        connection: Of the transaction.
        caller: The device.
        told: What it told.
        has_started: It is another start than that of its status before.
        now_s: The console's clock.
    """
    event = _event_of(told.phase, has_started=has_started)
    if event is None:
        return
    found = store.by_action(connection, caller.tenant, caller.device, told.action)
    if found is None:
        return
    id_, member = found
    if event is MemberEvent.STARTED and member.state is not MemberState.SOAKING:
        return
    with opened(connection, caller.tenant, id_, now_s) as ledger:
        if event is MemberEvent.HELD and _passes(told, ledger):
            event = MemberEvent.TOOK_UP
        ledger.happen(member, event, reason=told.reason if event is MemberEvent.HELD else "")


def took_up(connection: Connection, caller: Caller, action: str, now_s: int) -> None:
    """Note that a device has begun to do what was ordered."""
    _happen(connection, caller, action, MemberEvent.TOOK_UP, "", now_s)


def ended(connection: Connection, caller: Caller, told: ReportEvent, now_s: int) -> None:
    """Note how an order ended, as the device reports it for the first time."""
    found = store.by_action(connection, caller.tenant, caller.device, told.action)
    if found is None:
        return
    id_, member = found
    with opened(connection, caller.tenant, id_, now_s) as ledger:
        event, reason = _end_of(member.state, told.kind), told.reason
        if event is MemberEvent.COMMITTED:
            ordered = _version(connection, caller.tenant, told.action)
            if told.version and told.version != ordered:
                event, reason = MemberEvent.FAILED, f"reports {told.version}, not {ordered}"
            elif _has_more(ledger, member):
                event = MemberEvent.STEPPED
        ledger.happen(member, event, reason=reason)


def fell_back(connection: Connection, caller: Caller, reason: str, now_s: int) -> None:
    """Note that a device left the system that it had committed."""
    same = (DEVICES.c.tenant == caller.tenant, DEVICES.c.device == caller.device)
    action = connection.scalar(select(DEVICES.c.desired_action).where(*same)) or ""
    _happen(connection, caller, action, MemberEvent.FAILED, reason, now_s)


def unsteady(connection: Connection, caller: Caller, told: ReportEvent, now_s: int) -> None:
    """Note that services of a system end again and again since it was committed."""
    found = store.by_action(connection, caller.tenant, caller.device, told.action)
    if found is None:
        found = _took(connection, caller, told.action)
    elif found[1].state not in _COMMITTED:
        return
    if found is None:
        return
    with opened(connection, caller.tenant, found[0], now_s) as ledger:
        # What comes long after is no matter of a campaign that is over.
        if ledger.campaign.state in _WATCHING:
            ledger.happen(found[1], MemberEvent.FAILED, reason=told.reason)


def replaced(connection: Connection, tenant: str, device: str, by: str, now_s: int) -> None:
    """Note that another order takes the place of the one that a device has.

    Args:
        connection: Of the transaction, before the other order is stored.
        tenant: Whose device it is.
        device: Its id.
        by: Who orders; what a campaign itself does with its devices it knows.
        now_s: The console's clock.
    """
    found = store.by_action(connection, tenant, device, _newest(connection, tenant, device))
    if found is None or by == actor_of(tenant, found[0], now_s).name:
        return
    if found[1].state is MemberState.SUCCEEDED:
        # What comes after a success is no matter of this campaign.
        return
    with opened(connection, tenant, found[0], now_s) as ledger:
        ledger.happen(found[1], MemberEvent.OVERTAKEN, reason=f"ordered otherwise by {by}")


def _happen(
    connection: Connection, caller: Caller, action: str, event: MemberEvent, reason: str, now_s: int
) -> None:
    found = store.by_action(connection, caller.tenant, caller.device, action)
    if found is not None:
        with opened(connection, caller.tenant, found[0], now_s) as ledger:
            ledger.happen(found[1], event, reason=reason)


def _passes(told: Status, ledger: Ledger) -> bool:
    """Whether a device only comes by the state in which others wait: it keeps its place."""
    is_whole = not ledger.campaign.plan.policy.download_only
    return told.phase == _PASSED and not told.reason and is_whole


def _took(connection: Connection, caller: Caller, action: str) -> tuple[str, Member] | None:
    """Return the campaign in which a device took an order as a step, and is at a later one."""
    newest = _newest(connection, caller.tenant, caller.device)
    found = store.by_action(connection, caller.tenant, caller.device, newest)
    same = (ORDERS.c.tenant == caller.tenant, ORDERS.c.action == action)
    path = connection.scalar(select(ORDERS.c.release).where(*same))
    is_step = found is not None and any(one.release == path for one in found[1].taken)
    return found if is_step else None


def _has_more(ledger: Ledger, member: Member) -> bool:
    """Whether a device has more to take than the release that it committed now."""
    plan = ledger.campaign.plan
    if member.release not in plan.releases:
        return True
    if len(plan.releases) == 1:
        return False
    connection, tenant = ledger.connection, ledger.stored.tenant
    row = registry.get(connection, tenant, member.device)
    found = (releases.by_path(connection, tenant, one) for one in plan.releases)
    known = [one for one in found if one is not None and one.is_published]
    is_ddi = registry.speaks_ddi(connection, tenant, member.device)
    done = {member.release, *(one.release for one in member.taken)}
    parts = sets.for_one(known, row, is_ddi=is_ddi)
    return bool(sets.left(parts, row, services.told(row.services), done))


def _event_of(phase: str, *, has_started: bool) -> MemberEvent | None:
    if phase in _HELD:
        return MemberEvent.HELD
    if phase in _RESTARTING:
        return MemberEvent.RESTARTING
    if phase in _WORKING:
        return MemberEvent.TOOK_UP
    return MemberEvent.STARTED if has_started else None


def _end_of(state: MemberState, kind: str) -> MemberEvent:
    is_back = state in (MemberState.REVERTING, MemberState.STRANDED)
    match kind:
        case "succeeded":
            return MemberEvent.WENT_BACK if is_back else MemberEvent.COMMITTED
        case "cancelled" if not is_back:
            return MemberEvent.CANCELLED
        case _:
            return MemberEvent.STAYED if is_back else MemberEvent.FAILED


def _newest(connection: Connection, tenant: str, device: str) -> str:
    """Return the action of the open order of a device; of the last one if that has ended."""
    open_ = (ORDERS.c.tenant == tenant, ORDERS.c.device == device, ORDERS.c.state == "open")
    action = connection.scalar(select(ORDERS.c.action).where(*open_))
    if action is None:
        same = (DEVICES.c.tenant == tenant, DEVICES.c.device == device)
        action = connection.scalar(select(DEVICES.c.desired_action).where(*same))
    return action or ""


def _version(connection: Connection, tenant: str, action: str) -> str:
    asked = select(ORDERS.c.version).where(ORDERS.c.tenant == tenant, ORDERS.c.action == action)
    return connection.scalar(asked) or ""
