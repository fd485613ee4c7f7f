"""The tables of how fleets stood: overviews that are kept, and versions over time."""

from typing import Final

from sqlalchemy import BigInteger, Column, Table, Text

from edge.console.store.columns import METADATA
from edge.console.store.columns import integer as _integer
from edge.console.store.columns import key as _key

# How a large fleet stood when it was counted last, for whom: `edge.console.overviews`.
OVERVIEWS: Final = Table(
    "overviews",
    METADATA,
    _key("tenant"),
    # The groups that somebody can reach, as JSON; `null` for all devices.
    _key("groups"),
    _integer("counted_at_s"),
    _integer("took_ms"),
    # JSON: `edge.console.overview.Overview`.
    Column("body", Text, nullable=False),
)

# How many accepted devices ran a version at a time.
SAMPLES: Final = Table(
    "samples",
    METADATA,
    _key("tenant"),
    Column("at_s", BigInteger, primary_key=True, autoincrement=False),
    _key("product"),
    _key("version"),
    _integer("devices"),
)
