"""The tables of terminals: who had one of which device, and the record of it."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text

from edge.console.store.columns import METADATA
from edge.console.store.columns import integer as _integer
from edge.console.store.columns import key as _key
from edge.console.store.columns import of_device as _of_device
from edge.console.store.columns import text as _text

TERMINALS: Final = Table(
    "terminals",
    METADATA,
    _key("tenant"),
    _key("session"),
    Column("device", Text, nullable=False),
    # Counts for each device, so that sessions of one second are in order.
    _integer("number"),
    Column("state", Text, nullable=False),
    # As the grant names him, and as the audit log does.
    _text("who"),
    _text("opened_by"),
    _text("reason"),
    _text("command"),
    # By what the person knows the device: `factory` or `console`.
    _text("checked_by"),
    _integer("asked_at_s"),
    _integer("not_after_s"),
    # 0: it has not.
    _integer("answered_at_s"),
    _integer("ended_at_s"),
    # Why it ended, and with which status: -1 if what ran did not end by itself.
    _text("ended"),
    Column("status", BigInteger, nullable=False, server_default="-1"),
    _integer("chunks"),
    _integer("length_bytes"),
    # The record is the whole one that the device has signed.
    Column("is_whole", Boolean, nullable=False),
    Column("grant_bytes", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("closing", LargeBinary),
    _of_device(),
    Index(None, "tenant", "device"),
    Index(None, "tenant", "state"),
)

CHUNKS: Final = Table(
    "terminal_chunks",
    METADATA,
    _key("tenant"),
    _key("session"),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
