"""The tables of what is asked of devices once, and of what they answer."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text

from edge.console.store.columns import METADATA
from edge.console.store.columns import integer as _integer
from edge.console.store.columns import key as _key
from edge.console.store.columns import of_device as _of_device
from edge.console.store.columns import text as _text

COMMANDS: Final = Table(
    "commands",
    METADATA,
    _key("tenant"),
    _key("command"),
    Column("device", Text, nullable=False),
    # Counts for each device, so that commands of one second are in order.
    _integer("number"),
    Column("word", Text, nullable=False),
    _text("service"),
    _integer("lines"),
    Column("state", Text, nullable=False),
    _text("reason"),
    # As the audit log names actors.
    _text("asked_by"),
    _integer("asked_at_s"),
    _integer("expires_at_s"),
    # 0: the device has not said anything.
    _integer("answered_at_s"),
    # Of the content when it is unpacked.
    _integer("length_bytes"),
    # A gzip stream that was unpacked once and looked at; null if nothing came.
    Column("content", LargeBinary),
    _of_device(),
    Index(None, "tenant", "device"),
    Index(None, "tenant", "state"),
)

# Of answers that are not whole yet.
PARTS: Final = Table(
    "command_parts",
    METADATA,
    _key("tenant"),
    _key("command"),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("is_last", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    _text("reason"),
    Column("content", LargeBinary, nullable=False),
)
