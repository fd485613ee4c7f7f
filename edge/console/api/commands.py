"""Endpoints about what is asked of devices once: logs, an inventory, a restart."""

from typing import Any, Final

from sqlalchemy import Row

from edge.console.api.command_views import (
    AnswerView,
    CommandBody,
    CommandsQuery,
    CommandsView,
    CommandView,
)
from edge.console.api.endpoint import Call, Endpoint
from edge.console.devices import commands
from edge.console.tokens import Scope

LINES: Final = 200
_MANY: Final = "/devices/{device}/commands"


async def ask(call: Call) -> CommandView:
    """Ask something of a device."""
    body, device = call.body_as(CommandBody), call.part("device")
    lines = body.lines or (LINES if body.word == "logs" else 0)
    made = await call.office.ask(
        call.actor,
        device,
        body.word,
        service=body.service,
        lines=lines,
        expires_s=body.expires_s,
    )
    tenant = call.actor.tenant
    row = await call.office.database.read(lambda one: commands.get(one, tenant, device, made))
    return CommandView(**_shown(row))


async def list_(call: Call) -> CommandsView:
    """List the commands of a device."""
    query, tenant, device = call.query_as(CommandsQuery), call.actor.tenant, call.part("device")
    rows = await call.office.database.read(
        lambda one: commands.list_(
            one, tenant, device, word=query.word or "", state=query.state or "", most=query.limit
        )
    )
    return CommandsView(commands=[CommandView(**_shown(row)) for row in rows])


async def show(call: Call) -> AnswerView:
    """Show a command, and what the device answered."""
    tenant, device, name = call.actor.tenant, call.part("device"), call.part("command")

    def read(one: Any) -> AnswerView:
        row = commands.get(one, tenant, device, name)
        return AnswerView(**_shown(row), content=commands.content(row))

    return await call.office.database.read(read)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in CommandView.model_fields}


ENDPOINTS = (
    Endpoint(
        "POST",
        _MANY,
        Scope.DEVICES_REACH,
        "Ask something of a device, once",
        ask,
        CommandView,
        body=CommandBody,
    ),
    Endpoint(
        "GET",
        _MANY,
        Scope.DEVICES_REACH,
        "List what was asked of a device",
        list_,
        CommandsView,
        query=CommandsQuery,
    ),
    Endpoint(
        "GET",
        f"{_MANY}/{{command}}",
        Scope.DEVICES_REACH,
        "Show what a device answered",
        show,
        AnswerView,
    ),
)
