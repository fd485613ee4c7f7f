"""Endpoints about groups of devices."""

from edge.console.api.endpoint import Call, Endpoint, Reach
from edge.console.api.views import GroupBody, GroupsView, GroupView, MembersBody
from edge.console.devices import groups
from edge.console.devices.groups import Group
from edge.console.notices import Topic
from edge.console.tokens import Scope


async def list_(call: Call) -> GroupsView:
    """List groups with how many devices are in them."""
    tenant, now_s = call.actor.tenant, call.actor.now_s
    found = await call.office.database.read(
        lambda one: [
            _view(group, groups.count(one, tenant, group.group, now_s))
            for group in groups.all_of(one, tenant)
            if _is_own(call, group.group)
        ]
    )
    return GroupsView(groups=found)


async def show(call: Call) -> GroupView:
    """Show a group."""
    tenant, name, now_s = call.actor.tenant, call.part("group"), call.actor.now_s
    if not _is_own(call, name):
        raise groups.unknown(name)
    return await call.office.database.read(
        lambda one: _view(groups.get(one, tenant, name), groups.count(one, tenant, name, now_s))
    )


async def put(call: Call) -> GroupView:
    """Make a group, or change it."""
    body, name = call.body_as(GroupBody), call.part("group")
    await call.office.act(
        call.actor,
        Topic.GROUP,
        name,
        lambda one: groups.put(one, call.actor, name, filter_=body.filter, notes=body.notes),
    )
    return await show(call)


async def remove(call: Call) -> None:
    """Remove a group; its devices stay."""
    name = call.part("group")
    await call.office.act(
        call.actor, Topic.GROUP, name, lambda one: groups.remove(one, call.actor, name)
    )


async def change_members(call: Call) -> GroupView:
    """Add devices to a group, and take others out."""
    body, name = call.body_as(MembersBody), call.part("group")
    await call.office.act(
        call.actor,
        Topic.GROUP,
        name,
        lambda one: groups.change_members(
            one, call.actor, name, add=body.add, take_out=body.take_out
        ),
    )
    return await show(call)


def _is_own(call: Call, group: str) -> bool:
    return call.visitor.groups is None or group in call.visitor.groups


def _view(group: Group, devices: int) -> GroupView:
    return GroupView(group=group.group, filter=group.filter, notes=group.notes, devices=devices)


_ONE = "/groups/{group}"
_READ, _WRITE = Scope.DEVICES_READ, Scope.DEVICES_WRITE
ENDPOINTS = (
    Endpoint("GET", "/groups", _READ, "List groups", list_, GroupsView, reach=Reach.OWN),
    Endpoint("GET", _ONE, _READ, "Show a group", show, GroupView, reach=Reach.OWN),
    Endpoint("PUT", _ONE, _WRITE, "Make a group, or change it", put, GroupView, body=GroupBody),
    Endpoint("DELETE", _ONE, _WRITE, "Remove a group", remove),
    Endpoint(
        "POST",
        f"{_ONE}/members",
        _WRITE,
        "Add devices to a group, and take others out",
        change_members,
        GroupView,
        body=MembersBody,
    ),
)
