"""Who it is that a provider names: somebody who was invited, or, if so set up, somebody new.

A person is bound to the subject of the provider at his first time, and known by nothing else from
then on. Names are given by providers, and by some to whoever asks: so a name binds only who was
invited to log in so, and nobody who has a password.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from edge.console.audit import CONSOLE, Actor
from edge.console.people import credentials, people
from edge.console.people.oidc.provider import OidcError, Provider
from edge.console.people.people import Change, Person, Way
from edge.console.people.roles import Role
from edge.errors import InputError, RefusedError, ThingNotFoundError


def known(
    connection: Connection, claims: Mapping[str, Any], provider: Provider, tenant: str, now_s: int
) -> Person:
    """Return who is meant by claims that were verified, with the role that they give him.

    Raises:
        OidcError: Nobody who may come in.
    """
    actor = Actor(tenant, CONSOLE, now_s)
    role = _role(claims, provider)
    try:
        found = credentials.bound(connection, provider.issuer, claims["sub"])
        if found is None:
            found = _bound_now(connection, actor, claims, provider, role)
        if found.is_disabled:
            raise OidcError("disabled", f"{found.person}: disabled")
        if role is not None and found.role is not role:
            reach = (None,) if role is Role.ADMIN else None
            change = Change(role=role, reach=reach)
            found = people.change(connection, actor, found.person, change)
    except (InputError, RefusedError) as error:
        raise OidcError("role", str(error)) from error
    return found


def _bound_now(
    connection: Connection,
    actor: Actor,
    claims: Mapping[str, Any],
    provider: Provider,
    role: Role | None,
) -> Person:
    name = _name(claims, provider)
    if people.anywhere(connection, name) is None:
        if not provider.admits_unknown or role is None:
            raise OidcError("unknown", f"{name}: was not invited")
        people.add(
            connection, actor, name, role, shown_name=_shown(claims.get("name")), way=Way.OIDC
        )
    try:
        return credentials.bind(connection, actor, name, provider.issuer, claims["sub"])
    except (RefusedError, ThingNotFoundError) as error:
        raise OidcError("unknown", str(error)) from error


def _name(claims: Mapping[str, Any], provider: Provider) -> str:
    said = claims.get(provider.name_claim)
    if provider.name_claim == "email" and claims.get("email_verified") is not True:
        raise OidcError("unknown", "the address was not verified")
    if not isinstance(said, str) or not people.NAME.fullmatch(said.lower()):
        raise OidcError("unknown", f"{provider.name_claim}: no name")
    return said.lower()


def _role(claims: Mapping[str, Any], provider: Provider) -> Role | None:
    """Return the role that the claims give, None where the console says it."""
    if not provider.role_claim:
        return None
    said = claims.get(provider.role_claim)
    values = said if isinstance(said, list) else [said]
    for value, role in provider.roles.items():
        if value in values:
            return role
    raise OidcError("role", f"{provider.role_claim}: no role follows from it")


def _shown(said: object) -> str:
    fits = isinstance(said, str) and said.isprintable() and len(said) <= people.SHOWN_MOST
    return str(said) if fits else ""
