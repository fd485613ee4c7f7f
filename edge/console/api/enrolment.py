"""Endpoints about keys of enrolment."""

import secrets
from dataclasses import asdict

from pydantic import Field

from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.views import View, Words
from edge.console.enrolment import keys
from edge.console.enrolment.keys import EnrolmentKey
from edge.console.notices import Topic
from edge.console.tokens import Scope

_YEAR_S = 366 * 86400


class EnrolmentKeyView(View):
    """A key of enrolment; never its text."""

    key: str
    name: str
    pattern: str
    group: str
    is_trusted: bool
    uses_left: int
    created_at_s: int
    expires_at_s: int
    revoked_at_s: int = Field(description="0: not revoked")


class EnrolmentKeysView(View):
    """The keys, newest last."""

    keys: list[EnrolmentKeyView]


class NewEnrolmentKeyView(EnrolmentKeyView):
    """A key with its text, which is told only now."""

    text: str


class EnrolmentKeyBody(Words):
    """For which devices, how many, how long, and whether they are let in at once."""

    name: str
    pattern: str = Field("*", description="Of their ids: `gw-*`")
    group: str = Field("", description="That they become members of")
    is_trusted: bool = Field(False, description="Let them in at once; else they wait")
    uses: int = Field(1, ge=1, le=keys.USES_MOST)
    expires_in_s: int = Field(86400, ge=60, le=_YEAR_S)


async def list_(call: Call) -> EnrolmentKeysView:
    """List keys of enrolment."""
    tenant = call.actor.tenant
    found = await call.office.database.read(lambda one: keys.all_of(one, tenant))
    return EnrolmentKeysView(keys=[EnrolmentKeyView(**_facts(one)) for one in found])


async def create(call: Call) -> NewEnrolmentKeyView:
    """Make a key of enrolment."""
    body, actor = call.body_as(EnrolmentKeyBody), call.actor
    made, text = await call.office.act(
        actor,
        Topic.ENROLMENT,
        "",
        lambda one: keys.create(
            one,
            actor,
            body.name,
            pattern=body.pattern,
            group=body.group,
            is_trusted=body.is_trusted,
            uses=body.uses,
            expires_at_s=actor.now_s + body.expires_in_s,
            noise=secrets.token_hex,
        ),
    )
    return NewEnrolmentKeyView(**_facts(made), text=text)


async def revoke(call: Call) -> None:
    """Make a key useless."""
    key = call.part("key")
    await call.office.act(
        call.actor, Topic.ENROLMENT, key, lambda one: keys.revoke(one, call.actor, key)
    )


def _facts(key: EnrolmentKey) -> dict[str, object]:
    facts = asdict(key)
    del facts["tenant"]
    return facts


_WRITE = Scope.DEVICES_WRITE
ENDPOINTS = (
    Endpoint("GET", "/enrolment-keys", _WRITE, "List keys of enrolment", list_, EnrolmentKeysView),
    Endpoint(
        "POST",
        "/enrolment-keys",
        _WRITE,
        "Make a key of enrolment",
        create,
        NewEnrolmentKeyView,
        body=EnrolmentKeyBody,
        tells_secret=True,
    ),
    Endpoint("DELETE", "/enrolment-keys/{key}", _WRITE, "Make a key of enrolment useless", revoke),
)
