"""What each device should run: orders, signed by the director of its tenant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select, update

from edge.console import audit, releases
from edge.console.audit import CONSOLE, Actor
from edge.console.campaigns import hearing
from edge.console.devices import registry, services
from edge.console.devices.reports import OPEN, REPLACED, STAY
from edge.console.devices.states import State
from edge.console.releases import Release
from edge.console.store.tables import DEVICES, ORDERS
from edge.errors import EdgeError, RefusedError
from edge_signing.approval import Approval
from edge_signing.messages import Desired, Policy
from edge_signing.trust.offline import Target


class UnsignedError(RefusedError):
    """The director could not sign: it is about no device, and no order can be given now."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A document of the director.

    Attributes:
        renew_at_s: When it is time for another one: long before it expires.
    """

    document: bytes
    renew_at_s: int


class Director(Protocol):
    """Signs orders with the online key of a tenant, for releases of its repository."""

    def targets(self, tenant: str, release: Release) -> Mapping[str, Target]:
        """Return what the release role says of the documents of a release.

        Raises:
            ThingNotFoundError: It is published no longer.
        """

    def sign(
        self, tenant: str, targets: Mapping[str, Target], *, device: str, epoch: int, version: int
    ) -> Signed:
        """Return what orders these targets of one device.

        Raises:
            RefusedError: The director's key is not here.
        """


@dataclass(frozen=True, slots=True)
class Order:
    """An order that was given.

    Attributes:
        action: Names it in all reports.
        seq: Its number for the device.
    """

    device: str
    action: str
    seq: int


def deploy(
    connection: Connection,
    actor: Actor,
    director: Director,
    device: str,
    release: Release,
    *,
    policy: Policy,
    word: Callable[[], str],
    approval: bytes = b"",
) -> Order:
    """Order a release of a device, in place of what was ordered before.

    Args:
        connection: Of the transaction.
        actor: Who orders.
        director: Signs the order.
        device: Its id.
        release: What it should run.
        policy: How the update may go on.
        word: Gives a word that is not given twice.
        approval: What people signed for it, packed; the device decides whether it is enough.

    Raises:
        ThingNotFoundError: There is no such device, or the release is published no longer.
        RefusedError: It is not accepted, or the release is not for it, not published yet, or not
            among those that were approved.
        UnsignedError: The director's key is not here.
    """
    row = registry.get(connection, actor.tenant, device)
    if registry.speaks_ddi(connection, actor.tenant, device):
        raise RefusedError(
            f"{device} speaks DDI: it can not install the Edge release"
            f" {release.product} {release.version}",
            hint="edge releases add-file, or edge devices re-enrol if it runs Edge now",
        )
    _require_fit(connection, row, release)
    _require_approved(release, approval)
    _replace(connection, actor, device)
    order = _give(
        connection, actor, director, row, release, policy=policy, word=word, approval=approval
    )
    details: dict[str, object] = {
        "action": order.action,
        "release": release.path,
        "seq": order.seq,
    }
    audit.record(connection, actor, "device.deploy", f"device:{device}", details)
    return order


def stay(
    connection: Connection,
    actor: Actor,
    director: Director,
    device: str,
    *,
    word: Callable[[], str],
) -> Order:
    """Order a device to stay as it is, in place of what was ordered before.

    An update that it may still leave ends as `cancelled`; one that it has started goes on, and ends
    as the device says. The order itself ends as soon as the device has heard of it.

    Raises:
        ThingNotFoundError: There is no such device.
        RefusedError: It is not accepted, or speaks DDI.
    """
    row = registry.get(connection, actor.tenant, device)
    _require_accepted(row)
    if registry.speaks_ddi(connection, actor.tenant, device):
        raise RefusedError(
            f"{device} speaks DDI: it knows no order to stay as it is",
            hint="edge orders cancel takes its open order back",
        )
    _replace(connection, actor, device, cancel_asked_at_s=actor.now_s)
    order = _give(connection, actor, director, row, None, policy=Policy(), word=word)
    details: dict[str, object] = {"action": order.action, "seq": order.seq}
    audit.record(connection, actor, "device.stay", f"device:{device}", details)
    return order


def cancel(
    connection: Connection,
    actor: Actor,
    director: Director,
    device: str,
    *,
    word: Callable[[], str],
) -> str:
    """Take the open order of a device back, by an order to stay as it is; return its action.

    Raises:
        ThingNotFoundError: There is no such device.
        RefusedError: It has no open order for a release, is not accepted, or speaks DDI.
    """
    registry.get(connection, actor.tenant, device)
    open_ = (*_open_of(actor.tenant, device), ORDERS.c.release != STAY)
    action = connection.scalar(select(ORDERS.c.action).where(*open_))
    if action is None:
        raise RefusedError(f"{device} has no open order")
    made = stay(connection, actor, director, device, word=word)
    details: dict[str, object] = {"action": action, "by": made.action}
    audit.record(connection, actor, "device.cancel-order", f"device:{device}", details)
    return str(action)


def _give(
    connection: Connection,
    actor: Actor,
    director: Director,
    row: Row[Any],
    release: Release | None,
    *,
    policy: Policy,
    word: Callable[[], str],
    approval: bytes = b"",
) -> Order:
    seq = max(row.desired_seq, row.seq) + 1
    action = f"{seq}-{word()}"
    path = release.path if release else None
    made = {
        "tenant": actor.tenant,
        "action": action,
        "device": row.device,
        "release": path or STAY,
        "version": release.version if release else "",
        "state": OPEN,
        "created_at_s": actor.now_s,
    }
    connection.execute(insert(ORDERS).values(made))
    desired = Desired(seq, action, path, b"", policy, approval=approval)
    _write(connection, actor.tenant, director, row, release, desired)
    return Order(row.device, action, seq)


def renew(
    connection: Connection, director: Director, tenant: str, device: str, now_s: int
) -> bytes | None:
    """Return the order of a device, signed anew if the document would expire before long.

    The action stays the same, so that the device goes on with it. An order that has ended is left
    as it is, unless the device does not know it any more.

    Raises:
        ThingNotFoundError: There is no such device, or the release is published no longer.
    """
    row = registry.get(connection, tenant, device)
    if row.desired is None:
        return None
    if now_s < row.desired_renew_at_s or not _is_needed(connection, row):
        return bytes(row.desired)
    before = Desired.unpack(bytes(row.desired))
    release = None
    if row.desired_release != STAY:
        release = releases.get(connection, tenant, row.desired_release)
    seq = row.desired_seq + 1
    packed = _write(connection, tenant, director, row, release, replace(before, seq=seq))
    details: dict[str, object] = {"action": before.action, "seq": seq}
    actor = Actor(tenant, CONSOLE, now_s)
    audit.record(connection, actor, "device.renew-order", f"device:{device}", details)
    return packed


def _write(
    connection: Connection,
    tenant: str,
    director: Director,
    row: Row[Any],
    release: Release | None,
    desired: Desired,
) -> bytes:
    """Sign what is desired of a device, and store it in place of what was."""
    seq = desired.seq
    targets = director.targets(tenant, release) if release else {}
    try:
        signed = director.sign(tenant, targets, device=row.device, epoch=row.epoch, version=seq)
    except EdgeError as error:
        raise UnsignedError(str(error), hint=error.hint) from error
    packed = replace(desired, director=signed.document).pack()
    same = (DEVICES.c.tenant == tenant, DEVICES.c.device == row.device)
    values = {
        "desired": packed,
        "desired_seq": seq,
        "desired_action": desired.action,
        "desired_release": desired.release or STAY,
        "desired_renew_at_s": signed.renew_at_s,
    }
    connection.execute(update(DEVICES).where(*same).values(values))
    return packed


def due(connection: Connection, tenant: str, now_s: int) -> list[str]:
    """Return the devices with an open order that it is time to sign anew."""
    same = (ORDERS.c.tenant == DEVICES.c.tenant, ORDERS.c.action == DEVICES.c.desired_action)
    asked = select(DEVICES.c.device).join(ORDERS, and_(*same))
    is_due = (DEVICES.c.desired.is_not(None), DEVICES.c.desired_renew_at_s <= now_s)
    found = asked.where(DEVICES.c.tenant == tenant, ORDERS.c.state == OPEN, *is_due)
    return list(connection.scalars(found.order_by(DEVICES.c.device)))


def _is_needed(connection: Connection, row: Row[Any]) -> bool:
    if row.seq < row.desired_seq:
        return True
    asked = select(ORDERS.c.state).where(
        ORDERS.c.tenant == row.tenant, ORDERS.c.action == row.desired_action
    )
    return connection.scalar(asked) == OPEN


def _open_of(tenant: str, device: str) -> tuple[ColumnElement[bool], ...]:
    return ORDERS.c.tenant == tenant, ORDERS.c.device == device, ORDERS.c.state == OPEN


def _replace(connection: Connection, actor: Actor, device: str, **facts: int) -> None:
    hearing.replaced(connection, actor.tenant, device, actor.name, actor.now_s)
    values = {"state": REPLACED, "closed_at_s": actor.now_s, **facts}
    connection.execute(update(ORDERS).where(*_open_of(actor.tenant, device)).values(values))


def _require_accepted(row: Row[Any]) -> None:
    if row.state != State.ACCEPTED:
        raise RefusedError(f"{row.device} is {row.state}, not accepted")


def _require_fit(connection: Connection, row: Row[Any], release: Release) -> None:
    _require_accepted(row)
    if not release.is_published:
        raise RefusedError(
            f"{release.product} {release.version} is not published",
            hint="documents that its metadata names are not here: upload their bundles too",
        )
    if row.board and row.board not in release.boards:
        raise RefusedError(
            f"{release.product} {release.version} is for {', '.join(release.boards)},"
            f" and {row.device} is {row.board}"
        )
    if row.product and row.product != release.product:
        raise RefusedError(f"{row.device} runs {row.product}, the release is {release.product}")
    told = services.told(row.services)
    if release.service and told and release.service not in told:
        raise RefusedError(
            f"{row.device} has no service {release.service} that is updated in place"
        )
    if release.counter < row.counter:
        raise RefusedError(
            f"{release.product} {release.version}: its counter {release.counter} is below"
            f" {row.counter} of {row.device}, which would refuse it"
        )
    _require_hop(connection, row, release)


def _require_approved(release: Release, approval: bytes) -> None:
    """Refuse an approval of other releases; who signed it is for the device to say."""
    if approval and release.path not in Approval.unpack(approval).statement.releases:
        raise RefusedError(
            f"the approval is of other releases than {release.product} {release.version}"
        )


def _require_hop(connection: Connection, row: Row[Any], release: Release) -> None:
    """Refuse a release that wants another one to be taken first."""
    first = way_to(connection, row, release)
    if first is not release:
        hint = f"order {first.version} first" if first else "no release here is a step to it"
        raise RefusedError(_needs_another(row, release), hint=hint)


def way_to(connection: Connection, row: Row[Any], release: Release) -> Release | None:
    """Return the release that a device takes first to get to one; None if there is no way.

    Args:
        connection: To read from.
        row: The device, of `DEVICES`.
        release: Where it is to get to; comes back if it can be taken at once.
    """
    if not row.version or row.counter >= release.from_counter:
        return release
    # That of a service says which systems it is for; none of them is a step to it.
    if release.kind == releases.SERVICE:
        return None
    known = releases.list_(connection, row.tenant, product=release.product)
    ways = [
        one
        for one in known
        if one.kind == releases.EDGE
        and one.is_published
        and one.from_counter <= row.counter < one.counter < release.counter
    ]
    return max(ways, key=lambda one: one.counter, default=None)


def _needs_another(row: Row[Any], release: Release) -> str:
    return (
        f"{release.product} {release.version} is for systems from counter"
        f" {release.from_counter} on, and {row.device} runs {row.version} with {row.counter}"
    )
