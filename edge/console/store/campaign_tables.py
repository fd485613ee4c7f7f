"""The tables of campaigns: their plans, their devices, and all that happened in them."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from edge.console.store.columns import METADATA, SQLITE_ONLY
from edge.console.store.columns import integer as _integer
from edge.console.store.columns import key as _key
from edge.console.store.columns import text as _text

CAMPAIGNS: Final = Table(
    "campaigns",
    METADATA,
    _key("tenant"),
    _key("campaign"),
    _text("name"),
    # `edge.console.campaigns.campaign.State`, and whether it is one in which something happens.
    Column("state", Text, nullable=False),
    Column("is_live", Boolean, nullable=False, server_default="0"),
    # Its devices are all known: until then it is none.
    Column("is_whole", Boolean, nullable=False, server_default="0"),
    _integer("priority"),
    # JSON: `edge.console.campaigns.plan.Plan`, and the rest of a `Campaign`.
    Column("plan", Text, nullable=False),
    Column("body", Text, nullable=False),
    # Canonical JSON: what people sign who approve it; empty if nobody has to.
    _text("statement"),
    # By which the turn of devices is drawn.
    _integer("seed"),
    # Entries of its journal.
    _integer("entries"),
    # When it was looked at last: what passed since then, the console was away.
    _integer("looked_at_s"),
    _text("made_by"),
    _integer("created_at_s"),
    _integer("began_at_s"),
    _integer("ended_at_s"),
    Index(None, "tenant", "is_live"),
)

# The devices of campaigns: `edge.console.campaigns.members.Member`.
CAMPAIGN_DEVICES: Final = Table(
    "campaign_devices",
    METADATA,
    _key("tenant"),
    _key("campaign"),
    _key("device"),
    Column("wave", Integer, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    _text("action"),
    _text("release"),
    _text("from_release"),
    _text("from_version"),
    _text("reason"),
    _integer("tries"),
    _integer("starts"),
    _integer("deadline_s"),
    _integer("planned_bytes"),
    _integer("changed_at_s"),
    # Of several releases: which service the order is of, and as JSON what was taken already, what
    # ran before, and what is to go back after it; empty for nothing.
    _text("service"),
    _text("taken"),
    _text("from_services"),
    _text("left_services"),
    # Whose turn it is, and lists by state.
    Index(None, "tenant", "campaign", "state", "wave", "rank"),
    # Which campaign a report is about: a fleet of devices that wait costs nothing here.
    Index(
        "ix_campaign_devices_action",
        "tenant",
        "action",
        sqlite_where=text("action != ''"),
        postgresql_where=text("action != ''"),
    ),
    Index(
        "ix_campaign_devices_deadline",
        "tenant",
        "campaign",
        "deadline_s",
        sqlite_where=text("deadline_s > 0"),
        postgresql_where=text("deadline_s > 0"),
    ),
    # Why devices did not make it: most have no reason.
    Index(
        "ix_campaign_devices_reason",
        "tenant",
        "campaign",
        "state",
        "reason",
        sqlite_where=text("reason != ''"),
        info=SQLITE_ONLY,
    ),
    # Who has a part of a set, when devices are to go back.
    Index(
        "ix_campaign_devices_taken",
        "tenant",
        "campaign",
        sqlite_where=text("taken != ''"),
        postgresql_where=text("taken != ''"),
    ),
    # The rows stand in the tree of their key: a million are stored a quarter sooner.
    sqlite_with_rowid=False,
)

# All that happened, in order: it gives the campaign once more.
JOURNAL: Final = Table(
    "campaign_journal",
    METADATA,
    _key("tenant"),
    _key("campaign"),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # The console's clock; the entry itself has that of the campaign.
    _integer("at_s"),
    _text("device"),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    # What is about the campaign as a whole: a few entries among millions.
    Index(
        "ix_campaign_journal_whole",
        "tenant",
        "campaign",
        "number",
        sqlite_where=text("device = ''"),
        postgresql_where=text("device = ''"),
    ),
)

# How many devices stood how at a time, for a chart.
CAMPAIGN_SAMPLES: Final = Table(
    "campaign_samples",
    METADATA,
    _key("tenant"),
    _key("campaign"),
    Column("at_s", BigInteger, primary_key=True, autoincrement=False),
    # JSON: by state.
    Column("counts", Text, nullable=False),
)

# Who agreed to a campaign.
CAMPAIGN_APPROVALS: Final = Table(
    "campaign_approvals",
    METADATA,
    _key("tenant"),
    _key("campaign"),
    # As the audit log names actors.
    _key("person"),
    _integer("at_s"),
    _text("reason"),
    # Of his own key, and his signature in hex; empty if he only said so.
    _text("keyid"),
    _text("sig"),
)
