"""How a campaign orders something of one device, and what that ran before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from edge.console import orders, releases
from edge.console.campaigns.ledger import Ledger
from edge.console.campaigns.members import Ran
from edge.console.campaigns.ways import Ways
from edge.console.ddi import actions
from edge.console.devices import services
from edge.console.orders import Director, Order
from edge.console.releases import FOREIGN, SERVICE, Release
from edge.errors import EdgeError
from edge_signing.messages import Policy


@dataclass(frozen=True, slots=True)
class Desk:
    """What orders are made with.

    Attributes:
        director: Signs them.
        word: Gives a word that is not given twice.
        ways: What releases cost, by path.
        approval: What people signed for the campaign, for devices that want that.
    """

    director: Director
    word: Callable[[], str]
    ways: Mapping[str, Ways]
    approval: bytes = b""


def give(ledger: Ledger, desk: Desk, device: str, release: Release, policy: Policy) -> Order:
    """Order a release of a device.

    Raises:
        UnsignedError: There is no key to sign it now.
        EdgeError: The device can not be ordered it.
    """
    connection, actor = ledger.connection, ledger.actor
    if release.kind == FOREIGN:
        return actions.deploy(connection, actor, device, release, policy=policy, word=desk.word)
    return orders.deploy(
        connection,
        actor,
        desk.director,
        device,
        release,
        policy=policy,
        word=desk.word,
        approval=desk.approval,
    )


def plan_releases(ledger: Ledger) -> list[Release]:
    """Return the releases of the plan that can be ordered now."""
    connection, tenant = ledger.connection, ledger.stored.tenant
    found = (releases.by_path(connection, tenant, one) for one in ledger.campaign.plan.releases)
    return [one for one in found if one is not None and one.is_published]


def released(connection: Connection, tenant: str, product: str, version: str) -> Release | None:
    """Return the release that a device runs which says this of itself; None if it is not here."""
    if not version:
        return None
    known = releases.list_(connection, tenant, product=product)
    return next((one for one in known if one.version == version and one.kind != SERVICE), None)


def ran(ledger: Ledger, row: Row[Any], service: str, version: str) -> Ran:
    """Return what a device runs of a service, as it told."""
    found = services.release_of(ledger.connection, row.tenant, row.product, service, version)
    return Ran(service, found.path if found else "", version)


def said(error: EdgeError) -> str:
    """Return an error as the reason why a device stands so."""
    return f"{error}; {error.hint}" if error.hint else str(error)
