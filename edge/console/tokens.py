"""Tokens of programs and people: what each may do, and none of their secrets."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from edge.console import audit
from edge.console.audit import Actor
from edge.console.store.tables import TOKENS
from edge.errors import InputError, RefusedError, ThingNotFoundError

_TOKEN: Final = re.compile(r"edge_([0-9a-f]{16})_([0-9a-f]{64})")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
ID_BYTES: Final = 8
SECRET_BYTES: Final = 32


class Scope(StrEnum):
    """What a token allows; stored, so the names never change."""

    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    DEVICES_REACH = "devices:reach"
    TERMINAL = "terminal"
    RELEASES_READ = "releases:read"
    RELEASES_WRITE = "releases:write"
    DEPLOY = "deploy"
    CAMPAIGNS_WRITE = "campaigns:write"
    CAMPAIGNS_APPROVE = "campaigns:approve"
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"
    HOOKS_WRITE = "hooks:write"
    TOKENS_WRITE = "tokens:write"
    PEOPLE_WRITE = "people:write"
    FACTORY_WRITE = "factory:write"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored.

    Attributes:
        token: Its id, which is no secret.
        expires_at_s: Seconds since 1970; 0 for never.
        made_by: As the audit log names actors.
    """

    tenant: str
    token: str
    name: str
    scopes: frozenset[Scope]
    created_at_s: int
    expires_at_s: int
    revoked_at_s: int
    made_by: str

    def holds(self, now_s: int) -> bool:
        """Whether it can be used."""
        return not self.revoked_at_s and (not self.expires_at_s or now_s < self.expires_at_s)


def create(
    connection: Connection,
    actor: Actor,
    name: str,
    scopes: Iterable[Scope],
    *,
    expires_at_s: int = 0,
    allowed: frozenset[Scope] = frozenset(Scope),
    noise: Callable[[int], str],
) -> tuple[Token, str]:
    """Make a token; return it and its text, which nobody can be told again.

    Args:
        connection: Of the transaction.
        actor: Who makes it.
        name: What it is for.
        scopes: What it allows.
        expires_at_s: Seconds since 1970; 0 for never.
        allowed: What its maker may do: nobody gives more than he has.
        noise: Returns so many random bytes in hex.

    Raises:
        InputError: It can not be called that, or allows nothing.
        RefusedError: It would allow more than its maker may do.
    """
    chosen = frozenset(scopes)
    if not NAME.fullmatch(name):
        raise InputError(f"token {name!r}: not 1 to 64 letters, digits, blanks or '._@-'")
    if not chosen:
        raise InputError(f"token {name!r}: no scope", hint=f"known: {', '.join(Scope)}")
    if more := chosen - allowed:
        raise RefusedError(f"token {name!r}: you may not do {', '.join(sorted(more))} yourself")
    word, secret = noise(ID_BYTES), noise(SECRET_BYTES)
    made = Token(actor.tenant, word, name, chosen, actor.now_s, expires_at_s, 0, actor.name)
    connection.execute(
        insert(TOKENS).values(
            tenant=made.tenant,
            token=made.token,
            name=made.name,
            digest=_digest(secret),
            scopes=" ".join(sorted(chosen)),
            created_at_s=made.created_at_s,
            expires_at_s=made.expires_at_s,
            made_by=made.made_by,
        )
    )
    details: dict[str, object] = {"name": name, "scopes": sorted(chosen)}
    audit.record(connection, actor, "token.create", f"token:{word}", details)
    return made, f"edge_{word}_{secret}"


def check(connection: Connection, text: str, now_s: int) -> Token | None:
    """Return the token of this text, None if there is none that holds."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    row = connection.execute(select(TOKENS).where(TOKENS.c.token == found[1])).first()
    if row is None or not hmac.compare_digest(row.digest, _digest(found[2])):
        return None
    token = _token(row)
    return token if token.holds(now_s) else None


def revoke(connection: Connection, actor: Actor, token: str) -> None:
    """Make a token useless.

    Raises:
        ThingNotFoundError: The tenant has none with this id.
    """
    same = (TOKENS.c.tenant == actor.tenant, TOKENS.c.token == token)
    values = {"revoked_at_s": actor.now_s}
    if not connection.execute(update(TOKENS).where(*same).values(values)).rowcount:
        raise ThingNotFoundError(f"no token {token!r}")
    audit.record(connection, actor, "token.revoke", f"token:{token}")


def revoke_made_by(
    connection: Connection, actor: Actor, maker: str, allowed: frozenset[Scope] = frozenset()
) -> list[Token]:
    """Make tokens useless that somebody made and that allow more than he may do now.

    Those made with one of them go with it.

    Args:
        connection: Of the transaction.
        actor: Who has changed what the maker may do.
        maker: As the audit log names him.
        allowed: What he may do now.
    """
    known = [one for one in list_(connection, actor.tenant) if one.holds(actor.now_s)]
    found = [one for one in known if one.made_by == maker and one.scopes - allowed]
    for one in found:
        known.remove(one)
        # `found` grows while it is gone through.
        found += [each for each in known if each.made_by == f"token:{one.token}"]
        revoke(connection, actor, one.token)
    return found


def list_(connection: Connection, tenant: str) -> list[Token]:
    """Return the tokens of a tenant, newest last."""
    asked = select(TOKENS).where(TOKENS.c.tenant == tenant)
    rows = connection.execute(asked.order_by(TOKENS.c.created_at_s, TOKENS.c.token))
    return [_token(row) for row in rows]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Row[Any]) -> Token:
    return Token(
        tenant=row.tenant,
        token=row.token,
        name=row.name,
        scopes=frozenset(Scope(one) for one in row.scopes.split()),
        created_at_s=row.created_at_s,
        expires_at_s=row.expires_at_s,
        revoked_at_s=row.revoked_at_s,
        made_by=row.made_by,
    )
