"""The tables of the console; each row belongs to a tenant, and so does each query.

A change here needs a migration in `migrations/versions`: a test compares both.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql_text

from edge.console.store import (
    campaign_tables,
    command_tables,
    ddi_tables,
    enrolment_tables,
    factory_tables,
    overview_tables,
    people_tables,
    service_tables,
    terminal_tables,
)
from edge.console.store.columns import BYTES_IN_ORDER as _BYTES_IN_ORDER
from edge.console.store.columns import CARD, METADATA, SQLITE_ONLY
from edge.console.store.columns import NUMBER as _NUMBER
from edge.console.store.columns import integer as _integer
from edge.console.store.columns import key as _key
from edge.console.store.columns import of_device as _of_device
from edge.console.store.columns import text as _text

# Whoever asks for the tables gets those that have a file of their own with them.
__all__ = [
    "METADATA",
    "campaign_tables",
    "command_tables",
    "ddi_tables",
    "enrolment_tables",
    "factory_tables",
    "overview_tables",
    "people_tables",
    "service_tables",
    "terminal_tables",
]

TENANTS: Final = Table(
    "tenants",
    METADATA,
    _key("tenant"),
    # Of the key ring whose online keys sign for this tenant.
    _text("keys_folder"),
    # SHA-256 of the token that may speak for devices without their own; null: there is none.
    Column("gateway_digest", Text),
    _integer("created_at_s"),
)

# Whose certificates are those of a tenant's devices.
AUTHORITIES: Final = Table(
    "authorities",
    METADATA,
    _key("tenant"),
    _key("fingerprint"),
    Column("certificate", LargeBinary, nullable=False),
    # Of a station of a factory line: the fingerprint of the authority that signed it.
    _text("issued_by"),
    _integer("added_at_s"),
    UniqueConstraint("fingerprint"),
)

DEVICES: Final = Table(
    "devices",
    METADATA,
    _key("tenant"),
    _key("device"),
    Column("state", Text, nullable=False),
    # SHA-256 of the certificate in hex; null until the first call of a device known by its id.
    Column("fingerprint", Text),
    Column("epoch", BigInteger, nullable=False, server_default="1"),
    _text("notes"),
    _integer("created_at_s"),
    # What it said last: `edge_signing.messages.Status`.
    _text("boot_id"),
    # The boot ids before that one, newest first, separated by blanks.
    _text("past_boots"),
    _integer("seq"),
    _text("action"),
    _text("phase"),
    _text("slot"),
    _text("board"),
    _text("product"),
    _text("version"),
    # `edge.console.filters.versions.key` of it, by which versions are in order.
    Column("version_key", _BYTES_IN_ORDER, nullable=False, server_default=""),
    _integer("counter"),
    _text("release"),
    _integer("done_bytes"),
    _integer("planned_bytes"),
    _integer("bytes_per_s"),
    _text("reason"),
    # Canonical JSON: versions by the names of services; `service_tables` has them by rows.
    _text("services"),
    _integer("status_at_s"),
    Column("is_online", Boolean, nullable=False, server_default="0"),
    # What it should run.
    _integer("desired_seq"),
    _text("desired_action"),
    _text("desired_release"),
    _integer("desired_renew_at_s"),
    Column("desired", LargeBinary),
    # A topic names no tenant, so that an id is given once.
    UniqueConstraint("device"),
    UniqueConstraint("fingerprint"),
    # The overview counts these for all devices: it reads the index alone.
    Index(None, "tenant", "state", "product", "version", "is_online", "device"),
    Index(None, "tenant", "version_key", "device"),
    # Why nothing goes on: most have no reason.
    Index(
        "ix_devices_reason",
        "tenant",
        "reason",
        "device",
        sqlite_where=sql_text("reason != ''"),
        info=SQLITE_ONLY,
    ),
    # What filters ask of a device, in the order of pages: they read this alone, without its order.
    Index(
        CARD,
        "tenant",
        "device",
        "state",
        "board",
        "product",
        "version",
        "version_key",
        "slot",
        "phase",
        "reason",
        "is_online",
        "created_at_s",
        "desired_action",
        "counter",
        info=SQLITE_ONLY,
    ),
)

# Apart, for it is written at every call.
SIGHTINGS: Final = Table(
    "sightings",
    METADATA,
    _key("tenant"),
    _key("device"),
    _integer("first_seen_s"),
    _integer("last_seen_s"),
    _text("via"),
    _of_device(),
    # The next call is the newest one: only the ends of the index change.
    Index(None, "tenant", "last_seen_s", "device"),
)

# Certificates that were those of a device and are never let in again.
RETIRED: Final = Table(
    "retired_certificates",
    METADATA,
    _key("tenant"),
    _key("fingerprint"),
    Column("device", Text, nullable=False),
    _integer("retired_at_s"),
    # The device renewed it itself: who had its key was this device, and nobody else.
    Column("is_renewed", Boolean, nullable=False, server_default="0"),
)

# What the certificates said that devices showed, so that a list of revoked ones can name them.
CERTIFICATES: Final = Table(
    "certificates",
    METADATA,
    _key("tenant"),
    _key("fingerprint"),
    Column("device", Text, nullable=False),
    # The serial number in hex.
    _text("serial"),
    # SHA-256 of the public key of the authority that signed it, in hex.
    _text("issuer"),
    _integer("ends_at_s"),
    _integer("first_seen_s"),
    Index(None, "tenant", "device"),
)

ATTRIBUTES: Final = Table(
    "attributes",
    METADATA,
    _key("tenant"),
    _key("device"),
    _key("name"),
    Column("value", Text, nullable=False),
    _of_device(),
    Index(None, "tenant", "name", "value", "device", info=SQLITE_ONLY),
)

TAGS: Final = Table(
    "tags",
    METADATA,
    _key("tenant"),
    _key("device"),
    _key("tag"),
    _of_device(),
    Index(None, "tenant", "tag", "device"),
)

# A set of devices with a name: those that a filter means, or else its members.
GROUPS: Final = Table(
    "groups",
    METADATA,
    _key("tenant"),
    _key("group"),
    _text("filter"),
    _text("notes"),
    _integer("created_at_s"),
)

MEMBERS: Final = Table(
    "members",
    METADATA,
    _key("tenant"),
    _key("group"),
    _key("device"),
    ForeignKeyConstraint(["tenant", "group"], ["groups.tenant", "groups.group"]),
    _of_device(),
    Index(None, "tenant", "device"),
)

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("n", BigInteger, nullable=False),
    _integer("at_s"),
    _integer("received_at_s"),
    Column("kind", Text, nullable=False),
    _text("action"),
    _text("version"),
    _text("reason"),
    _of_device(),
    UniqueConstraint("tenant", "device", "boot_id", "n"),
    Index(None, "tenant", "number"),
)

# One order to one device, open until the device has told how it ended.
ORDERS: Final = Table(
    "orders",
    METADATA,
    _key("tenant"),
    _key("action"),
    Column("device", Text, nullable=False),
    _text("release"),
    _text("version"),
    Column("state", Text, nullable=False),
    _text("reason"),
    _integer("created_at_s"),
    _integer("closed_at_s"),
    # When it was asked back; the device decides.
    _integer("cancel_asked_at_s"),
    _of_device(),
    Index(None, "tenant", "device"),
    Index(None, "tenant", "state", "closed_at_s"),
)

RELEASES: Final = Table(
    "releases",
    METADATA,
    _key("tenant"),
    # Of its document: `<product>/<version>/release.json`.
    _key("path"),
    Column("product", Text, nullable=False),
    Column("version", Text, nullable=False),
    _integer("counter"),
    _integer("from_counter"),
    _text("boards"),
    _text("notes"),
    # Paths of the documents of its patches, separated by blanks.
    _text("patches"),
    Column("is_published", Boolean, nullable=False, server_default="0"),
    # `edge`, or `foreign`: files whose signatures the updater of the device checks.
    Column("kind", Text, nullable=False, server_default="edge"),
    # Of one service: how devices say the system's own version that it is equal to.
    _text("own_version"),
    # `edge.console.filters.versions.key` of it, of one service of what is behind the `+`.
    Column("version_key", _BYTES_IN_ORDER, nullable=False, server_default=""),
    _integer("added_at_s"),
    UniqueConstraint("tenant", "product", "version"),
    Index(None, "tenant", "own_version"),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    _key("tenant"),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _integer("at_s"),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # Canonical JSON.
    Column("details", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index(None, "tenant", "subject"),
)

TOKENS: Final = Table(
    "tokens",
    METADATA,
    _key("tenant"),
    _key("token"),
    Column("name", Text, nullable=False),
    # SHA-256 of the secret, which is as long: nothing is gained by a slow hash.
    Column("digest", Text, nullable=False),
    # Separated by blanks.
    Column("scopes", Text, nullable=False),
    _integer("created_at_s"),
    # 0: never.
    _integer("expires_at_s"),
    _integer("revoked_at_s"),
    # As the audit log names actors; empty for tokens of before there were people.
    _text("made_by"),
    UniqueConstraint("token"),
)

HOOKS: Final = Table(
    "hooks",
    METADATA,
    _key("tenant"),
    _key("hook"),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    # The key of its signatures: no hash of it would do.
    Column("secret", Text, nullable=False),
    # Patterns, separated by blanks.
    _text("kinds"),
    Column("is_on", Boolean, nullable=False),
    # Numbers of the last event and entry of the audit log that it is through with.
    _integer("event"),
    _integer("entry"),
    _integer("failures"),
    _integer("retry_at_s"),
    _integer("created_at_s"),
)

DELIVERIES: Final = Table(
    "deliveries",
    METADATA,
    _key("tenant"),
    _key("hook"),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _integer("at_s"),
    _integer("status"),
    _text("error"),
    _integer("items"),
    _integer("duration_ms"),
)

# Answers to requests with an idempotency key.
ANSWERS: Final = Table(
    "answers",
    METADATA,
    _key("tenant"),
    _key("token"),
    _key("key"),
    Column("request", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _integer("at_s"),
)
