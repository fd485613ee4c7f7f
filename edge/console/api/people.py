"""Endpoints about people: who may do what, and who is logged in."""

import secrets
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from sqlalchemy import Connection

from edge.console import audit
from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.people_views import (
    InvitedView,
    PeopleView,
    PersonBody,
    PersonChangeBody,
    PersonSessionsView,
    PersonSessionView,
    PersonView,
)
from edge.console.notices import Topic
from edge.console.people import invitations, people, sessions
from edge.console.people.people import Change, Person, Way
from edge.console.tokens import Scope

T = TypeVar("T")


async def list_(call: Call) -> PeopleView:
    """List people."""
    tenant = call.actor.tenant
    found = await call.office.database.read(lambda one: people.all_of(one, tenant))
    return PeopleView(people=[_view(one) for one in found])


async def show(call: Call) -> PersonView:
    """Show somebody."""
    tenant, name = call.actor.tenant, call.part("person")
    return _view(await call.office.database.read(lambda one: people.get(one, tenant, name)))


async def add(call: Call) -> InvitedView:
    """Let somebody in who was not, by a link."""
    body, allowed = call.body_as(PersonBody), call.visitor.scopes

    def step(connection: Connection) -> InvitedView:
        made = people.add(
            connection,
            call.actor,
            body.person,
            body.role,
            shown_name=body.shown_name,
            groups=None if body.groups is None else frozenset(body.groups),
            way=body.way,
            allowed=allowed,
        )
        if body.way is Way.PASSWORD:
            return _invited(connection, call, body.person)
        return InvitedView(person=_view(made), link="", expires_at_s=0)

    return await _act(call, step)


async def change(call: Call) -> PersonView:
    """Change what somebody is, may do or reaches; his sessions end."""
    body, name = call.body_as(PersonChangeBody), call.part("person")
    said = {field: getattr(body, field) for field in body.model_fields_set - {"groups"}}
    if "groups" in body.model_fields_set:
        said["reach"] = (None if body.groups is None else frozenset(body.groups),)
    wanted = Change(**said)
    return await _act(
        call,
        lambda one: _view(
            people.change(one, call.actor, name, wanted, allowed=call.visitor.scopes)
        ),
    )


async def remove(call: Call) -> None:
    """Remove somebody; his sessions end."""
    name = call.part("person")
    await _act(call, lambda one: people.remove(one, call.actor, name, allowed=call.visitor.scopes))


async def invite(call: Call) -> InvitedView:
    """Make a link by which somebody sets his password, who has none or forgot it."""
    return await _act(call, lambda one: _invited(one, call, call.part("person")))


async def list_sessions(call: Call) -> PersonSessionsView:
    """List the sessions of somebody."""
    actor, name = call.actor, call.part("person")

    def read(connection: Connection) -> PersonSessionsView:
        people.get(connection, actor.tenant, name)
        found = sessions.of_person(connection, actor.tenant, name, actor.now_s)
        views = [_session_view(one) for one in found]
        return PersonSessionsView(sessions=views)

    return await call.office.database.read(read)


async def end_sessions(call: Call) -> None:
    """Log somebody out everywhere, at once."""
    actor, name = call.actor, call.part("person")

    def step(connection: Connection) -> None:
        people.require_no_more(people.get(connection, actor.tenant, name), call.visitor.scopes)
        ended: dict[str, object] = {"sessions": sessions.end_all(connection, actor.tenant, name)}
        audit.record(connection, actor, "person.log-out", people.subject(name), ended)

    await _act(call, step)


def _invited(connection: Connection, call: Call, name: str) -> InvitedView:
    secret = invitations.make(
        connection, call.actor, name, allowed=call.visitor.scopes, noise=secrets.token_hex
    )
    return InvitedView(
        person=_view(people.get(connection, call.actor.tenant, name)),
        link=invitations.link(secret),
        expires_at_s=call.actor.now_s + invitations.HOLDS_S,
    )


async def _act(call: Call, step: Callable[[Connection], T]) -> T:
    # Who listens need not be allowed to know their names.
    return await call.office.act(call.actor, Topic.PERSON, "", step)


def _session_view(one: sessions.Session) -> PersonSessionView:
    facts = asdict(one)
    del facts["person"]
    return PersonSessionView(**facts)


def _view(one: Person) -> PersonView:
    facts = asdict(one)
    del facts["tenant"]
    return PersonView(
        **facts
        | {
            "scopes": sorted(one.scopes),
            "groups": None if one.groups is None else sorted(one.groups),
        }
    )


_ONE, _SCOPE = "/people/{person}", Scope.PEOPLE_WRITE
ENDPOINTS = (
    Endpoint("GET", "/people", _SCOPE, "List people", list_, PeopleView),
    Endpoint(
        "POST",
        "/people",
        _SCOPE,
        "Let somebody in, by a link",
        add,
        InvitedView,
        body=PersonBody,
        tells_secret=True,
    ),
    Endpoint("GET", _ONE, _SCOPE, "Show somebody", show, PersonView),
    Endpoint(
        "PATCH",
        _ONE,
        _SCOPE,
        "Change what somebody may do or reaches",
        change,
        PersonView,
        body=PersonChangeBody,
    ),
    Endpoint("DELETE", _ONE, _SCOPE, "Remove somebody", remove),
    Endpoint(
        "POST",
        f"{_ONE}/invitation",
        _SCOPE,
        "Make a link by which somebody sets his password",
        invite,
        InvitedView,
        tells_secret=True,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/sessions",
        _SCOPE,
        "List the sessions of somebody",
        list_sessions,
        PersonSessionsView,
    ),
    Endpoint("DELETE", f"{_ONE}/sessions", _SCOPE, "Log somebody out everywhere", end_sessions),
)
