"""The tables of the factory: what lines told of devices, and devices that nobody can vouch for."""

from typing import Final

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from edge.console.store.columns import METADATA, NUMBER, integer, key, of_device, text

# `edge.factory.made.Made`, as stations told it; a device may have several.
RECORDS: Final = Table(
    "factory_records",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("station", Text, nullable=False),
    integer("number"),
    Column("digest", Text, nullable=False),
    # SHA-256 of the whole record: the same digest with other words is another one.
    Column("content", Text, nullable=False),
    # `newest`, `past` or `conflict`.
    Column("standing", Text, nullable=False),
    # Why it is one that conflicts.
    text("problem"),
    Column("device", Text, nullable=False),
    Column("fate", Text, nullable=False),
    integer("made_at_s"),
    text("operator"),
    text("product"),
    text("board"),
    text("board_serial"),
    text("order"),
    text("release"),
    text("image"),
    text("key"),
    # SHA-256 and serial number of the device's certificate, in hex.
    text("fingerprint"),
    text("serial"),
    # Serial numbers of earlier certificates, separated by blanks.
    text("retired"),
    # Canonical JSON.
    text("tests"),
    integer("received_at_s"),
    UniqueConstraint("tenant", "line", "station", "number", "content"),
    Index(None, "tenant", "device"),
    Index(None, "tenant", "key"),
    Index(None, "tenant", "standing", "made_at_s"),
)

STATIONS: Final = Table(
    "factory_stations",
    METADATA,
    key("tenant"),
    key("line"),
    key("station"),
    integer("last_sync_s"),
    # The highest number of a record.
    integer("number"),
)

# Why devices are in quarantine.
QUARANTINE: Final = Table(
    "quarantine",
    METADATA,
    key("tenant"),
    key("device"),
    Column("reason", Text, nullable=False),
    integer("since_s"),
    # Canonical JSON: what was seen.
    text("details"),
    of_device(),
)

# Starts of devices that were heard, each once: one that comes back after another is told by it.
HEARD_BOOTS: Final = Table(
    "heard_boots",
    METADATA,
    key("tenant"),
    key("device"),
    key("boot_id"),
    # The highest is the one that was heard last.
    integer("turn"),
    # How often it came back after another one.
    integer("returns"),
    integer("first_at_s"),
    integer("last_at_s"),
    integer("returned_at_s"),
    text("via"),
    text("address"),
    of_device(),
)
