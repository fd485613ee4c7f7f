"""The tables of devices that speak hawkBit's DDI, and of the files that they install."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text

from edge.console.store.columns import METADATA, SQLITE_ONLY, integer, key, of_device, text

# What devices say of themselves; apart, so that they change nothing that people say of them.
REPORTED: Final = Table(
    "reported_attributes",
    METADATA,
    key("tenant"),
    key("device"),
    key("name"),
    Column("value", Text, nullable=False),
    of_device(),
    Index(None, "tenant", "name", "value", "device", info=SQLITE_ONLY),
)

# Devices that speak hawkBit's DDI, and no other link.
DDI_DEVICES: Final = Table(
    "ddi_devices",
    METADATA,
    key("tenant"),
    key("device"),
    # SHA-256 of its token; null: it has none.
    Column("token_digest", Text),
    # Whether it is to say its attributes.
    Column("wants_data", Boolean, nullable=False, server_default="1"),
    # When its user agreed to all orders to come; 0: not.
    integer("auto_confirm_at_s"),
    text("auto_confirm_by"),
    text("auto_confirm_remark"),
    of_device(),
)

# The order of such a device, as it sees it.
DDI_ACTIONS: Final = Table(
    "ddi_actions",
    METADATA,
    key("tenant"),
    key("device"),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("action", Text, nullable=False),
    # `edge.console.ddi.machine.State`
    Column("state", Text, nullable=False),
    # Of `FILES`: what it is to install.
    Column("release", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("download_only", Boolean, nullable=False, server_default="0"),
    Column("is_forced", Boolean, nullable=False, server_default="1"),
    Column("is_retrieved", Boolean, nullable=False, server_default="0"),
    # From then on its user can not put it off; 0: as the rest says.
    integer("until_s"),
    of_device(),
)

# What foreign releases hold, by content; never changed.
FILES: Final = Table(
    "files",
    METADATA,
    key("tenant"),
    key("release"),
    key("name"),
    Column("type", Text, nullable=False),
    # Separated by blanks.
    Column("boards", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("sha1", Text, nullable=False),
    Column("md5", Text, nullable=False),
    integer("length_bytes"),
    integer("added_at_s"),
)
