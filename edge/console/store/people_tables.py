"""The tables of people, of their sessions, and of the links that let them in."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    UniqueConstraint,
)

from edge.console.store.columns import METADATA, integer, key, text

# People, known in the whole console by one name: who logs in names no tenant.
PEOPLE: Final = Table(
    "people",
    METADATA,
    key("tenant"),
    key("person"),
    text("shown_name"),
    # `edge.console.people.people.Way`.
    Column("way", Text, nullable=False),
    # As argon2 writes it, with its parameters; empty for who has no password.
    text("password"),
    Column("role", Text, nullable=False),
    # Names separated by blanks; null for all devices, empty for none.
    Column("groups", Text),
    Column("is_disabled", Boolean, nullable=False, server_default="0"),
    # Who he is to a provider of OpenID Connect; empty for nobody.
    text("issuer"),
    text("subject"),
    integer("created_at_s"),
    # 0: never.
    integer("logged_in_at_s"),
    UniqueConstraint("person"),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    key("tenant"),
    key("session"),
    Column("person", Text, nullable=False),
    # SHA-256 of the secret, which is as long.
    Column("digest", Text, nullable=False),
    text("way"),
    text("address"),
    text("browser"),
    integer("created_at_s"),
    integer("seen_at_s"),
    ForeignKeyConstraint(["tenant", "person"], ["people.tenant", "people.person"]),
    UniqueConstraint("digest"),
    Index(None, "tenant", "person"),
)

# Links that let somebody set his password, once.
INVITATIONS: Final = Table(
    "invitations",
    METADATA,
    key("tenant"),
    # SHA-256 of the secret.
    key("digest"),
    # Empty for the first person of all.
    text("person"),
    integer("expires_at_s"),
    UniqueConstraint("digest"),
)
