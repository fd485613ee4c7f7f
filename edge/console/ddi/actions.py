"""Orders of devices that speak DDI, as steps of a transaction.

They are orders like all others; beside each is what the device sees of it. No director signs them,
for such a device would not ask. A device that has heard of an order is told that it is taken back,
before it is told of another one; one that has not never hears of it.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, desc, insert, select, update

from edge.console import audit, foreign
from edge.console.audit import Actor
from edge.console.campaigns import hearing
from edge.console.ddi.documents import Action, Agenda, Consent, oldest
from edge.console.ddi.machine import Event, State, following
from edge.console.desk import Caller
from edge.console.devices import registry, states
from edge.console.devices.reports import OPEN, REPLACED
from edge.console.orders import Order
from edge.console.releases import Release
from edge.console.store.ddi_tables import DDI_ACTIONS, DDI_DEVICES, FILES
from edge.console.store.tables import DEVICES, EVENTS, ORDERS, RELEASES
from edge.errors import RefusedError, ThingNotFoundError
from edge_signing.messages import Policy

_CANCELLED: Final = "cancelled"
_NEVER_HEARD: Final = "taken back before the device had heard of it"


def deploy(
    connection: Connection,
    actor: Actor,
    device: str,
    release: Release,
    *,
    policy: Policy,
    word: Callable[[], str],
) -> Order:
    """Order a foreign release of a device, in place of what was ordered before.

    Raises:
        ThingNotFoundError: There is no such device.
        RefusedError: It is not accepted, does not speak DDI, or the release is not for it.
    """
    row = registry.get(connection, actor.tenant, device)
    _require_fit(connection, row, release, policy)
    file = foreign.file_for(connection, actor.tenant, release, row.board)
    seq = max(row.desired_seq, row.seq) + 1
    action = f"{seq}-{word()}"
    _take_back_all(connection, actor, device)
    order = {
        "tenant": actor.tenant,
        "action": action,
        "device": device,
        "release": release.path,
        "version": release.version,
        "state": OPEN,
        "created_at_s": actor.now_s,
    }
    connection.execute(insert(ORDERS).values(order))
    # Only an order that says so waits for the user: most updaters do not know how to ask.
    agrees = bool(consent(connection, actor.tenant, device).at_s)
    is_asked = policy.confirm == "always" and not agrees
    beside = {
        "tenant": actor.tenant,
        "device": device,
        "number": seq,
        "action": action,
        "state": State.WAITING if is_asked else State.RUNNING,
        "release": release.path,
        "file": file.name,
        "download_only": policy.download_only,
        "is_forced": policy.reboot == "now",
        "until_s": 0 if agrees else policy.confirm_until_s,
    }
    connection.execute(insert(DDI_ACTIONS).values(beside))
    _note_wanted(connection, actor, device, Order(device, action, seq), release)
    return Order(device, action, seq)


def cancel(connection: Connection, actor: Actor, device: str) -> Order:
    """Take the open order of a device back; one that has heard of it decides itself.

    Raises:
        ThingNotFoundError: There is no such device.
        RefusedError: It has no open order, or does not speak DDI.
    """
    registry.get(connection, actor.tenant, device)
    if not registry.speaks_ddi(connection, actor.tenant, device):
        raise RefusedError(
            f"{device} does not speak DDI: its order is replaced, not taken back",
            hint="edge deploy the release that it should run",
        )
    ours = (ORDERS.c.tenant == actor.tenant, ORDERS.c.device == device, ORDERS.c.state == OPEN)
    action = connection.scalar(select(ORDERS.c.action).where(*ours))
    known = active(connection, actor.tenant, device)
    found = next((one for one in known if one.action == action), None)
    if found is None:
        raise RefusedError(f"{device} has no open order")
    if found.state is not State.CANCELLING:
        state = _take_back(connection, actor.tenant, device, found)
        values: dict[str, object] = {"cancel_asked_at_s": actor.now_s}
        if state is State.ENDED:
            values |= {"state": _CANCELLED, "reason": _NEVER_HEARD, "closed_at_s": actor.now_s}
        connection.execute(
            update(ORDERS).where(*ours, ORDERS.c.action == found.action).values(values)
        )
    details: dict[str, object] = {"action": found.action}
    audit.record(connection, actor, "device.cancel-order", f"device:{device}", details)
    return Order(device, found.action, found.number)


def agenda(connection: Connection, caller: Caller) -> Agenda:
    """Return what there is for a device to do."""
    current = oldest(active(connection, caller.tenant, caller.device))
    same = (DDI_DEVICES.c.tenant == caller.tenant, DDI_DEVICES.c.device == caller.device)
    wants_data = connection.scalar(select(DDI_DEVICES.c.wants_data).where(*same))
    return Agenda(current, installed(connection, caller), bool(wants_data))


def active(connection: Connection, tenant: str, device: str) -> list[Action]:
    """Return the orders of a device that are under way, oldest first."""
    is_active = DDI_ACTIONS.c.state != State.ENDED
    asked = _asked(tenant, device).where(is_active).order_by(DDI_ACTIONS.c.number)
    return [_action(row) for row in connection.execute(asked)]


def installed(connection: Connection, caller: Caller) -> Action | None:
    """Return the newest order that a device has done."""
    is_done = (ORDERS.c.state == "succeeded", DDI_ACTIONS.c.download_only.is_(False))
    same = (ORDERS.c.tenant == DDI_ACTIONS.c.tenant, ORDERS.c.action == DDI_ACTIONS.c.action)
    asked = _asked(caller.tenant, caller.device).join(ORDERS, and_(*same)).where(*is_done)
    row = connection.execute(asked.order_by(desc(DDI_ACTIONS.c.number)).limit(1)).first()
    return _action(row) if row is not None else None


def get(connection: Connection, caller: Caller, number: int) -> Action:
    """Return an order of a device.

    Raises:
        ThingNotFoundError: The device has none of this number.
    """
    asked = _asked(caller.tenant, caller.device).where(DDI_ACTIONS.c.number == number)
    row = connection.execute(asked).first()
    if row is None:
        raise ThingNotFoundError(f"no order {number}")
    return _action(row)


def done(connection: Connection, caller: Caller, number: int) -> Action:
    """Return an order that a device has done.

    Raises:
        ThingNotFoundError: There is no such order, or it ended otherwise.
    """
    found = get(connection, caller, number)
    order = (ORDERS.c.tenant == caller.tenant, ORDERS.c.action == found.action)
    if connection.scalar(select(ORDERS.c.state).where(*order)) != "succeeded":
        raise ThingNotFoundError(f"order {number} is not done")
    return found


def retrieve(connection: Connection, caller: Caller, number: int, now_s: int) -> Action:
    """Return what a device is to install, and remember that it knows it now.

    Its campaign hears that it has taken the order up: an updater may say nothing until it is done.

    Raises:
        ThingNotFoundError: There is no such order, or it is not to be installed.
    """
    found = get(connection, caller, number)
    if found.state is not State.RUNNING:
        raise ThingNotFoundError(f"order {number} is {found.state}")
    if not found.is_retrieved:
        _change(connection, caller.tenant, caller.device, number, is_retrieved=True)
        hearing.took_up(connection, caller, found.action, now_s)
    return found


def move(connection: Connection, tenant: str, device: str, action: Action, event: Event) -> State:
    """Bring an order to the state that follows, and return that.

    Raises:
        RefusedError: The event can not happen now.
    """
    state = following(action.state, event)
    # Who has agreed puts it off no more.
    more = {"until_s": 0} if event is Event.CONFIRMED else {}
    _change(connection, tenant, device, action.number, state=state, **more)
    return state


def consent(connection: Connection, tenant: str, device: str) -> Consent:
    """Return whether the user of a device agrees to all orders."""
    same = (DDI_DEVICES.c.tenant == tenant, DDI_DEVICES.c.device == device)
    row = connection.execute(select(DDI_DEVICES).where(*same)).first()
    if row is None:
        return Consent()
    return Consent(row.auto_confirm_at_s, row.auto_confirm_by, row.auto_confirm_remark)


def history(connection: Connection, caller: Caller, action: Action, most: int) -> list[str]:
    """Return what a device has said of an order, newest first."""
    asked = select(EVENTS.c.reason).where(
        EVENTS.c.tenant == caller.tenant,
        EVENTS.c.device == caller.device,
        EVENTS.c.action == action.action,
        EVENTS.c.reason != "",
    )
    return list(connection.scalars(asked.order_by(desc(EVENTS.c.number)).limit(most)))


def _note_wanted(
    connection: Connection, actor: Actor, device: str, order: Order, release: Release
) -> None:
    same = (DEVICES.c.tenant == actor.tenant, DEVICES.c.device == device)
    wanted = {
        "desired_seq": order.seq,
        "desired_action": order.action,
        "desired_release": release.path,
    }
    connection.execute(update(DEVICES).where(*same).values(wanted))
    details: dict[str, object] = {
        "action": order.action,
        "release": release.path,
        "seq": order.seq,
    }
    audit.record(connection, actor, "device.deploy", f"device:{device}", details)


def _change(
    connection: Connection, tenant: str, device: str, number: int, **values: object
) -> None:
    same = (
        DDI_ACTIONS.c.tenant == tenant,
        DDI_ACTIONS.c.device == device,
        DDI_ACTIONS.c.number == number,
    )
    connection.execute(update(DDI_ACTIONS).where(*same).values(values))


def _require_fit(connection: Connection, row: Row[Any], release: Release, policy: Policy) -> None:
    if row.state != states.State.ACCEPTED:
        raise RefusedError(f"{row.device} is {row.state}, not accepted")
    if not registry.speaks_ddi(connection, row.tenant, row.device):
        raise RefusedError(
            f"{release.product} {release.version} is no Edge release, and {row.device} has never"
            " called over DDI",
            hint="such a device is let in with `edge devices token`, or calls with a certificate",
        )
    if policy.window is not None:
        raise RefusedError(
            f"{row.device} speaks DDI: it is told no maintenance window",
            hint="without a window, its own updater decides when it restarts",
        )
    if row.product and row.product != release.product:
        raise RefusedError(f"{row.device} runs {row.product}, the release is {release.product}")


def _take_back_all(connection: Connection, actor: Actor, device: str) -> None:
    hearing.replaced(connection, actor.tenant, device, actor.name, actor.now_s)
    for one in active(connection, actor.tenant, device):
        if one.state is not State.CANCELLING:
            _take_back(connection, actor.tenant, device, one)
    ours = (ORDERS.c.tenant == actor.tenant, ORDERS.c.device == device, ORDERS.c.state == OPEN)
    values = {"state": REPLACED, "closed_at_s": actor.now_s}
    connection.execute(update(ORDERS).where(*ours).values(values))


def _take_back(connection: Connection, tenant: str, device: str, action: Action) -> State:
    event = Event.ASKED_BACK if action.is_retrieved else Event.TAKEN_BACK
    return move(connection, tenant, device, action, event)


def _asked(tenant: str, device: str) -> Any:
    release = (RELEASES.c.tenant == DDI_ACTIONS.c.tenant, RELEASES.c.path == DDI_ACTIONS.c.release)
    file = (
        FILES.c.tenant == DDI_ACTIONS.c.tenant,
        FILES.c.release == DDI_ACTIONS.c.release,
        FILES.c.name == DDI_ACTIONS.c.file,
    )
    columns = (DDI_ACTIONS, RELEASES.c.product, RELEASES.c.version, *foreign.COLUMNS)
    joined = select(*columns).join(RELEASES, and_(*release)).join(FILES, and_(*file))
    return joined.where(DDI_ACTIONS.c.tenant == tenant, DDI_ACTIONS.c.device == device)


def _action(row: Row[Any]) -> Action:
    return Action(
        number=row.number,
        action=row.action,
        state=State(row.state),
        release=row.release,
        product=row.product,
        version=row.version,
        file=foreign.file_of(row),
        download_only=row.download_only,
        is_forced=row.is_forced,
        is_retrieved=row.is_retrieved,
        until_s=row.until_s,
    )
