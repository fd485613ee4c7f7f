"""Endpoints about webhooks."""

import secrets
from dataclasses import asdict

from pydantic import Field

from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.views import View, Words
from edge.console.hooks import hooks
from edge.console.hooks.hooks import Hook
from edge.console.notices import Topic
from edge.console.tokens import Scope


class HookView(View):
    """A webhook and how it goes."""

    hook: str
    name: str
    url: str
    kinds: list[str]
    is_on: bool
    failures: int = Field(description="How often the next delivery has failed")
    retry_at_s: int
    created_at_s: int


class HooksView(View):
    """The webhooks, newest last."""

    hooks: list[HookView]


class NewHookView(HookView):
    """A webhook with the key of its signatures, which is told only now."""

    secret: str


class HookBody(Words):
    """Where it goes, and patterns of what it tells: `event.failed`, `audit.device.*`."""

    name: str
    url: str
    kinds: list[str] = Field(["*"], max_length=20)


class TurnBody(Words):
    """Whether it is on."""

    is_on: bool


class DeliveryView(View):
    """An attempt to deliver."""

    at_s: int
    status: int
    error: str
    items: int
    duration_ms: int


class DeliveriesView(View):
    """The last attempts, newest first."""

    deliveries: list[DeliveryView]


async def list_(call: Call) -> HooksView:
    """List webhooks."""
    tenant = call.actor.tenant
    found = await call.office.database.read(lambda one: hooks.all_of(one, tenant))
    return HooksView(hooks=[HookView(**_facts(one)) for one in found])


async def create(call: Call) -> NewHookView:
    """Make a webhook."""
    body = call.body_as(HookBody)
    allowed = call.office.courier.route.allowed
    made = await call.office.act(
        call.actor,
        Topic.HOOK,
        "",
        lambda one: hooks.create(
            one,
            call.actor,
            body.name,
            body.url,
            body.kinds,
            allowed=allowed,
            noise=secrets.token_hex,
        ),
    )
    return NewHookView(**_facts(made), secret=made.secret)


async def turn(call: Call) -> HookView:
    """Turn a webhook on or off."""
    hook, is_on = call.part("hook"), call.body_as(TurnBody).is_on
    made = await call.office.act(
        call.actor, Topic.HOOK, hook, lambda one: hooks.turn(one, call.actor, hook, is_on=is_on)
    )
    return HookView(**_facts(made))


async def remove(call: Call) -> None:
    """Remove a webhook."""
    hook = call.part("hook")
    await call.office.act(
        call.actor, Topic.HOOK, hook, lambda one: hooks.remove(one, call.actor, hook)
    )


async def deliveries(call: Call) -> DeliveriesView:
    """List the last deliveries."""
    tenant, hook = call.actor.tenant, call.part("hook")
    found = await call.office.database.read(lambda one: hooks.deliveries(one, tenant, hook))
    return DeliveriesView(deliveries=[DeliveryView(**asdict(one)) for one in found])


async def test(call: Call) -> DeliveryView:
    """Send a test, and tell how it went."""
    tenant, hook = call.actor.tenant, call.part("hook")
    found = await call.office.database.read(lambda one: hooks.get(one, tenant, hook))
    return DeliveryView(**asdict(await call.office.courier.send_trial(found)))


def _facts(hook: Hook) -> dict[str, object]:
    facts = asdict(hook)
    for name in ("tenant", "secret", "event", "entry"):
        del facts[name]
    return {**facts, "kinds": list(hook.kinds)}


_ONE = "/hooks/{hook}"
_WRITE = Scope.HOOKS_WRITE
ENDPOINTS = (
    Endpoint("GET", "/hooks", _WRITE, "List webhooks", list_, HooksView),
    Endpoint(
        "POST",
        "/hooks",
        _WRITE,
        "Make a webhook",
        create,
        NewHookView,
        body=HookBody,
        tells_secret=True,
    ),
    Endpoint("PATCH", _ONE, _WRITE, "Turn a webhook on or off", turn, HookView, body=TurnBody),
    Endpoint("DELETE", _ONE, _WRITE, "Remove a webhook", remove),
    Endpoint(
        "GET",
        f"{_ONE}/deliveries",
        _WRITE,
        "List the last deliveries of a webhook",
        deliveries,
        DeliveriesView,
    ),
    Endpoint("POST", f"{_ONE}/test", _WRITE, "Send a test", test, DeliveryView),
)
