"""What a visitor can reach: all devices of his tenant, or those of some groups."""

from sqlalchemy import ColumnElement, Connection, select

from edge.console.devices import groups, ways
from edge.console.devices.finding import Meant
from edge.console.devices.ways import Part
from edge.console.store.tables import DEVICES
from edge.console.visitor import Visitor


def conditions(visitor: Visitor) -> list[ColumnElement[bool]]:
    """Return what holds for the rows of `DEVICES` that he can reach; nothing if it is all."""
    return [] if visitor.groups is None else [groups.within(visitor.groups)]


def meant(visitor: Visitor) -> Meant:
    """Return the devices that he can reach."""
    tenant = visitor.actor.tenant
    if visitor.groups is None:
        return Meant(tenant)
    part = Part(groups.within(visitor.groups), ways.of_groups(tenant, visitor.groups))
    return Meant(tenant, (part,))


def reached(connection: Connection, visitor: Visitor, devices: list[str]) -> set[str]:
    """Return those of some devices that he can reach."""
    same = (DEVICES.c.tenant == visitor.actor.tenant, DEVICES.c.device.in_(devices))
    return set(connection.scalars(select(DEVICES.c.device).where(*same, *conditions(visitor))))
