"""What is made once: the first tenant of a console, other ones, and the first token of each."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from sqlalchemy import Connection

from edge.console import site as sites
from edge.console import tenants, tokens
from edge.console.audit import CONSOLE, Actor
from edge.console.site import Site
from edge.console.store.database import Database
from edge.console.tenants import Tenant
from edge.console.tokens import Scope
from edge.errors import RefusedError


def found(
    connection: Connection,
    actor: Actor,
    keys_folder: str,
    authorities: Sequence[x509.Certificate],
    token_file: Path,
) -> None:
    """Make what a tenant needs, and a token that may do all; what is there already stays.

    Raises:
        InputError: It can not be called that.
        RefusedError: An authority is that of another tenant.
    """
    tenants.ensure(connection, actor, keys_folder=keys_folder)
    for authority in authorities:
        tenants.add_authority(connection, actor, authority)
    if not tokens.list_(connection, actor.tenant):
        _token, text = tokens.create(connection, actor, "admin", Scope, noise=secrets.token_hex)
        # Before the commit: without the file nobody could come in.
        sites.write_secret(token_file, f"{text}\n")


def add_tenant(
    site: Site,
    database_url: str,
    name: str,
    keys_folder: str,
    authorities: Sequence[x509.Certificate],
    *,
    now_s: int,
) -> Path:
    """Make a tenant of a console; return the file with its first token.

    Raises:
        RefusedError: There is one of that name, or an authority is that of another one.
        InputError: It can not be called that.
    """
    token_file = site.tenants / name / "admin.token"

    def make(connection: Connection) -> None:
        if name in {one.tenant for one in tenants.all_of(connection)}:
            raise RefusedError(f"tenant {name!r}: there is one of that name")
        tenants.check(name)
        found(connection, Actor(name, CONSOLE, now_s), keys_folder, authorities, token_file)

    database = Database(database_url or site.database_url)
    try:
        database.write_now(make)
    finally:
        database.close()
    return token_file


def tenants_of(site: Site, database_url: str) -> list[Tenant]:
    """Return the tenants of a console."""
    database = Database(database_url or site.database_url)
    try:
        return database.read_now(tenants.all_of)
    finally:
        database.close()
