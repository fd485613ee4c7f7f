"""What somebody reaches who is limited to groups: asked before each act, in this one place."""

from collections.abc import Iterable

from aiohttp import web
from sqlalchemy import Connection, exists, select

from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.views import DeployBody
from edge.console.campaigns import scope
from edge.console.devices import groups, registry
from edge.console.store.tables import DEVICES

_PART = "{device}"


async def require(one: Endpoint, call: Call) -> None:
    """Refuse what somebody does not reach; a device that he does not is as one that is not there.

    Raises:
        HTTPForbidden: The act is none for people who are limited to groups, or is about a campaign
            that has other devices too.
        ThingNotFoundError: It is about a device or a campaign that he does not reach.
    """
    names = call.visitor.groups
    if names is None:
        return
    named = _named(one, call)
    if not named and one.reach in (Reach.NOTHING, Reach.NAMED):
        raise web.HTTPForbidden(text=f"{call.visitor.name} is limited to groups: not for him")
    await call.office.database.read(lambda one: _require(one, call.actor.tenant, names, named))
    if one.reach in (Reach.SEEN, Reach.WHOLE):
        tenant, id_ = call.actor.tenant, call.part("campaign")
        seen = await call.office.database.read(lambda one: scope.see(one, tenant, id_, names))
        if seen.is_part and one.reach is Reach.WHOLE:
            raise web.HTTPForbidden(
                text=f"{call.visitor.name} is limited to groups, and {id_} has other devices too"
            )


def _named(one: Endpoint, call: Call) -> list[str]:
    found = [call.part("device")] if _PART in one.path else []
    if one.reach is Reach.NAMED:
        found.append(call.body_as(DeployBody).device)
    return found


def _require(
    connection: Connection, tenant: str, names: frozenset[str], devices: Iterable[str]
) -> None:
    for device in devices:
        same = (DEVICES.c.tenant == tenant, DEVICES.c.device == device)
        if not connection.scalar(select(exists().where(*same, groups.within(names)))):
            raise registry.unknown(device)
