"""Endpoints about the console itself: tokens and the audit log."""

import secrets
from dataclasses import asdict

from edge.console import audit, tokens
from edge.console.api.endpoint import Call, Endpoint
from edge.console.api.token_views import NewTokenView, TokenBody, TokensView, TokenView
from edge.console.api.views import (
    AuditQuery,
    AuditView,
    EntryView,
)
from edge.console.audit import Chosen
from edge.console.tokens import Scope, Token


async def entries(call: Call) -> AuditView:
    """List entries of the audit log."""
    query, tenant = call.query_as(AuditQuery), call.actor.tenant
    chosen = Chosen(
        query.subject, query.actor, query.act, query.before, query.since_s, query.newest
    )
    found = await call.office.database.read(
        lambda one: audit.entries(one, tenant, after=query.after, most=query.limit, where=chosen)
    )
    views = [EntryView(**asdict(one)) for one in found]
    if query.newest:
        is_end = len(views) < query.limit
        return AuditView(entries=views, next=0 if is_end else views[-1].number)
    return AuditView(entries=views, next=views[-1].number if views else query.after)


async def list_tokens(call: Call) -> TokensView:
    """List tokens."""
    tenant = call.actor.tenant
    found = await call.office.database.read(lambda one: tokens.list_(one, tenant))
    return TokensView(tokens=[TokenView(**_facts(one)) for one in found])


async def create_token(call: Call) -> NewTokenView:
    """Make a token."""
    body = call.body_as(TokenBody)
    expires_at_s = call.actor.now_s + body.expires_in_s if body.expires_in_s else 0
    made, text = await call.office.database.write(
        lambda one: tokens.create(
            one,
            call.actor,
            body.name,
            body.scopes,
            expires_at_s=expires_at_s,
            allowed=call.visitor.scopes,
            noise=secrets.token_hex,
        )
    )
    return NewTokenView(**_facts(made), text=text)


async def revoke_token(call: Call) -> None:
    """Make a token useless."""
    await call.office.database.write(lambda one: tokens.revoke(one, call.actor, call.part("token")))


def _facts(token: Token) -> dict[str, object]:
    facts = asdict(token)
    del facts["tenant"]
    return {**facts, "scopes": sorted(token.scopes)}


ENDPOINTS = (
    Endpoint(
        "GET",
        "/audit",
        Scope.AUDIT_READ,
        "List entries of the audit log",
        entries,
        AuditView,
        query=AuditQuery,
    ),
    Endpoint("GET", "/tokens", Scope.TOKENS_WRITE, "List tokens", list_tokens, TokensView),
    Endpoint(
        "POST",
        "/tokens",
        Scope.TOKENS_WRITE,
        "Make a token",
        create_token,
        NewTokenView,
        body=TokenBody,
        tells_secret=True,
    ),
    Endpoint("DELETE", "/tokens/{token}", Scope.TOKENS_WRITE, "Make a token useless", revoke_token),
)
