"""The table of what runs on devices of the services that are updated in place."""

from typing import Final

from sqlalchemy import Column, Index, Table

from edge.console.store.columns import BYTES_IN_ORDER, METADATA
from edge.console.store.columns import key as _key
from edge.console.store.columns import of_device as _of_device
from edge.console.store.columns import text as _text

# What a device says; written when it says something else.
DEVICE_SERVICES: Final = Table(
    "device_services",
    METADATA,
    _key("tenant"),
    _key("device"),
    _key("service"),
    # As it is said: `web+1.1.0`, or the start of the digest of the system's own version.
    _text("version"),
    # `edge.console.filters.versions.key` of what is behind the `+`; empty for the system's own.
    Column("version_key", BYTES_IN_ORDER, nullable=False, server_default=""),
    _of_device(),
    Index(None, "tenant", "service", "device"),
    Index(None, "tenant", "service", "version", "device"),
    Index(None, "tenant", "service", "version_key", "device"),
)
