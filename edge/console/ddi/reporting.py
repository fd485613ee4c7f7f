"""What devices report over DDI, as steps of a transaction: it becomes what all devices report."""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.ddi import actions
from edge.console.ddi.config_data import MOST, ConfigData
from edge.console.ddi.credentials import BOOT_ID
from edge.console.ddi.documents import Action
from edge.console.ddi.feedback import Channel, Feedback, Verdict, verdict
from edge.console.ddi.machine import Event, State
from edge.console.desk import Caller
from edge.console.devices import registry, reports
from edge.console.store.ddi_tables import DDI_DEVICES, REPORTED
from edge.console.store.tables import EVENTS, ORDERS
from edge.errors import RefusedError, ThingNotFoundError
from edge_signing.messages import EventId, ReportEvent, Status

# Of one order; what comes after them shows as its state alone, but for how it ended.
EVENTS_MOST: Final = 1000
_WORD_MOST: Final = 128
_PHASES: Final = {
    Verdict.SUCCEEDED: "idle",
    Verdict.FAILED: "idle",
    Verdict.CANCELLED: "idle",
    Verdict.SCHEDULED: "waiting",
}


class GoneError(RefusedError):
    """The order has ended already, and otherwise."""


class NotCancellingError(RefusedError):
    """Nobody asked for the order back."""


class QuotaError(RefusedError):
    """A device says more than is stored of one."""


def take_feedback(
    connection: Connection,
    caller: Caller,
    number: int,
    channel: Channel,
    feedback: Feedback,
    now_s: int,
) -> None:
    """Store what a device says of an order; a repeat changes nothing.

    Raises:
        ThingNotFoundError: The device has no such order, or it is not to begin with it yet.
        GoneError: It has ended.
        NotCancellingError: Nobody asked for it back.
    """
    action = actions.get(connection, caller, number)
    found = verdict(channel, feedback)
    if found is Verdict.DOWNLOADED and action.download_only:
        found = Verdict.SUCCEEDED
    # A device that is asked once more may well say the same.
    is_asked = channel is Channel.CANCEL and action.state is State.CANCELLING
    if not is_asked and _is_known(connection, caller, action, channel, feedback, found):
        return
    _require_open(action, channel)
    _store_event(connection, caller, action, channel, feedback, found, now_s)
    _store_status(connection, caller, action, feedback, found, now_s)
    if found.is_final:
        actions.move(connection, caller.tenant, caller.device, action, Event.ENDED)
    elif found is Verdict.CANCEL_REFUSED:
        actions.move(connection, caller.tenant, caller.device, action, Event.KEPT)
    if found is Verdict.SUCCEEDED:
        _ask_for_data(connection, caller)


def take_data(connection: Connection, caller: Caller, said: ConfigData, now_s: int) -> None:
    """Store the attributes that a device says of itself.

    Raises:
        QuotaError: They are too many.
    """
    before = reported(connection, caller.tenant, caller.device)
    after = said.after(before)
    if len(after) > MOST:
        raise QuotaError(f"{len(after)} attributes are more than {MOST}")
    if after != before:
        same = (REPORTED.c.tenant == caller.tenant, REPORTED.c.device == caller.device)
        connection.execute(delete(REPORTED).where(*same))
        of_device = {"tenant": caller.tenant, "device": caller.device}
        rows = [{**of_device, "name": name, "value": value} for name, value in after.items()]
        if rows:
            connection.execute(insert(REPORTED), rows)
    row = registry.get(connection, caller.tenant, caller.device)
    before_it, known = _status(row), said.known
    status = replace(
        before_it,
        board=known.get("board", before_it.board),
        product=known.get("product", before_it.product),
        version=known.get("version", before_it.version),
    )
    reports.take_status(connection, caller, status, now_s)
    _of_device(connection, caller, wants_data=False)


def reported(connection: Connection, tenant: str, device: str) -> dict[str, str]:
    """Return the attributes that a device says of itself."""
    same = (REPORTED.c.tenant == tenant, REPORTED.c.device == device)
    found = connection.execute(select(REPORTED).where(*same).order_by(REPORTED.c.name))
    return {row.name: row.value for row in found}


def confirm(
    connection: Connection, caller: Caller, number: int, *, is_agreed: bool, text: str, now_s: int
) -> None:
    """Store what the user of a device says of an order that waits for that.

    Raises:
        ThingNotFoundError: There is no such order, or it does not wait.
        GoneError: It has ended.
    """
    action = actions.get(connection, caller, number)
    if action.state is State.ENDED:
        raise GoneError(f"order {number} has ended")
    if action.state is not State.WAITING:
        raise ThingNotFoundError(f"order {number} does not wait")
    row = registry.get(connection, caller.tenant, caller.device)
    phase = "checking" if is_agreed else "waiting-for-user"
    reason = "" if is_agreed else f"not confirmed: {text}"
    status = replace(_status(row), seq=number, action=action.action, phase=phase, reason=reason)
    reports.take_status(connection, caller, status, now_s)
    if is_agreed:
        actions.move(connection, caller.tenant, caller.device, action, Event.CONFIRMED)


def go_on(connection: Connection, caller: Caller, number: int, now_s: int) -> None:
    """Let an order go on whose user did not agree in the time that he had."""
    action = actions.get(connection, caller, number)
    if action.state is not State.WAITING or not action.is_over(now_s):
        return
    status = replace(_status(registry.get(connection, caller.tenant, caller.device)), seq=number)
    status = replace(status, action=action.action, phase="checking", reason="")
    reports.take_status(connection, caller, status, now_s)
    actions.move(connection, caller.tenant, caller.device, action, Event.CONFIRMED)


def set_consent(connection: Connection, caller: Caller, by: str, remark: str, now_s: int) -> None:
    """Let all orders of a device go on, those to come too, without asking its user.

    Raises:
        RefusedError: That is so already.
    """
    if actions.consent(connection, caller.tenant, caller.device).at_s:
        raise RefusedError("confirmed already")
    words = {"auto_confirm_by": by[:_WORD_MOST], "auto_confirm_remark": remark[:_WORD_MOST]}
    _of_device(connection, caller, auto_confirm_at_s=now_s, **words)
    for one in actions.active(connection, caller.tenant, caller.device):
        if one.state is State.WAITING:
            actions.move(connection, caller.tenant, caller.device, one, Event.CONFIRMED)
    actor = Actor(caller.tenant, f"device:{caller.device}", now_s)
    audit.record(connection, actor, "device.auto-confirm", f"device:{caller.device}", {"on": 1})


def remove_consent(connection: Connection, caller: Caller, now_s: int) -> None:
    """Ask the user of a device again, at orders to come that say so."""
    _of_device(connection, caller, auto_confirm_at_s=0, auto_confirm_by="", auto_confirm_remark="")
    actor = Actor(caller.tenant, f"device:{caller.device}", now_s)
    audit.record(connection, actor, "device.auto-confirm", f"device:{caller.device}", {"on": 0})


def _require_open(action: Action, channel: Channel) -> None:
    if action.state is State.ENDED:
        raise GoneError(f"order {action.number} has ended")
    if action.state is State.WAITING:
        raise ThingNotFoundError(f"order {action.number} waits for the user")
    if channel is Channel.CANCEL and action.state is not State.CANCELLING:
        raise NotCancellingError(f"order {action.number} was not asked back")


def _is_known(
    connection: Connection,
    caller: Caller,
    action: Action,
    channel: Channel,
    feedback: Feedback,
    found: Verdict,
) -> bool:
    """Whether feedback is stored already, or says of an order that ended how it ended."""
    same = (
        EVENTS.c.tenant == caller.tenant,
        EVENTS.c.device == caller.device,
        EVENTS.c.boot_id == _boot_id(action),
        EVENTS.c.n == feedback.number(channel),
    )
    if connection.execute(select(EVENTS.c.number).where(*same)).first() is not None:
        return True
    order = (ORDERS.c.tenant == caller.tenant, ORDERS.c.action == action.action)
    ended = action.state is State.ENDED and found.is_final
    return ended and connection.scalar(select(ORDERS.c.state).where(*order)) == found


def _store_event(
    connection: Connection,
    caller: Caller,
    action: Action,
    channel: Channel,
    feedback: Feedback,
    found: Verdict,
    now_s: int,
) -> None:
    same = (
        EVENTS.c.tenant == caller.tenant,
        EVENTS.c.device == caller.device,
        EVENTS.c.boot_id == _boot_id(action),
    )
    count = connection.scalar(select(func.count()).select_from(EVENTS).where(*same)) or 0
    if count >= EVENTS_MOST and not found.is_final:
        return
    event = ReportEvent(
        EventId(_boot_id(action), feedback.number(channel)),
        now_s,
        found.value,
        action.action,
        action.version,
        feedback.reason,
    )
    reports.take_events(connection, caller, [event], now_s)


def _store_status(
    connection: Connection,
    caller: Caller,
    action: Action,
    feedback: Feedback,
    found: Verdict,
    now_s: int,
) -> None:
    row = registry.get(connection, caller.tenant, caller.device)
    has_reason = found in (Verdict.FAILED, Verdict.WARNING)
    status = replace(
        _status(row),
        seq=action.number,
        action=action.action,
        phase=_PHASES.get(found, "installing"),
        release="" if found.is_final else action.release,
        reason=feedback.reason if has_reason else "",
    )
    if feedback.steps:
        length = action.file.length_bytes
        # Rounded up, so that the percent is that of the steps.
        done = -(-length * min(feedback.done, feedback.steps) // feedback.steps)
        status = replace(status, done_bytes=done, planned_bytes=length)
    elif found.is_final or row.action != action.action:
        status = replace(status, done_bytes=0, planned_bytes=0)
    if found is Verdict.SUCCEEDED and not action.download_only:
        status = replace(status, product=action.product, version=action.version)
    reports.take_status(connection, caller, status, now_s)


def _status(row: Row[Any]) -> Status:
    """Return what is known of a device, to be changed in part."""
    names = (one for one in Status.__dataclass_fields__ if one not in ("boot_id", "services"))
    known = {name: getattr(row, name) for name in names}
    return Status(BOOT_ID, **{**known, "phase": row.phase or "idle"})


def _boot_id(action: Action) -> str:
    return f"{BOOT_ID}-{action.action}"


def _ask_for_data(connection: Connection, caller: Caller) -> None:
    _of_device(connection, caller, wants_data=True)


def _of_device(connection: Connection, caller: Caller, **values: object) -> None:
    same = (DDI_DEVICES.c.tenant == caller.tenant, DDI_DEVICES.c.device == caller.device)
    connection.execute(update(DDI_DEVICES).where(*same).values(values))
