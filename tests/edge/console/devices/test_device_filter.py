"""The filter language over the tables of the console means what the pure predicate means."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Connection

from edge.console.devices import listing
from edge.console.devices.device_filter import device_filter
from edge.console.filters import versions
from edge.console.filters.match import matches
from edge.console.filters.parse import parse
from edge.console.filters.row import DeviceRow
from edge.console.store.database import Database
from edge.console.store.tables import ATTRIBUTES, DEVICES, SIGHTINGS, TAGS, TENANTS
from edge.errors import InputError

NOW_S = 1_800_000_000
FLEET = (
    DeviceRow("gw-1", "accepted", "rpi4", "gateway", "1.2.0", "a", "idle", "", True, NOW_S - 30),
    DeviceRow(
        "gw-2", "accepted", "rpi4", "gateway", "1.10.0", "b", "idle", "", False, NOW_S - 9000
    ),
    DeviceRow(
        "gw-3", "accepted", "rpi4", "gateway", "1.9.0-rc1", "a", "trial", "sick", True, NOW_S
    ),
    DeviceRow("cam", "revoked", "rpi3", "camera", "", "", "", "", False, None),
)
TAGS_OF = {"gw-1": {"berlin", "canary"}, "gw-2": {"berlin"}}
SITES = {"gw-1": "Hall 3", "cam": "roof"}


def _fill(one: Connection, tenant: str) -> None:
    one.execute(TENANTS.insert().values(tenant=tenant))
    for row in FLEET:
        name = f"{row.id}" if tenant == "mine" else f"{tenant}-{row.id}"
        same = {"tenant": tenant, "device": name}
        said = {"board": row.board, "product": row.product, "version": row.version}
        said |= {"slot": row.slot, "phase": row.phase, "reason": row.reason, "state": row.state}
        key = versions.key(row.version)
        one.execute(
            DEVICES.insert().values(
                **same, **said, version_key=key, is_online=row.is_online, created_at_s=NOW_S - 10
            )
        )
        one.execute(SIGHTINGS.insert().values(**same, last_seen_s=row.seen_at_s or 0))
        for tag in TAGS_OF.get(row.id, ()):
            one.execute(TAGS.insert().values(**same, tag=tag))
        if row.id in SITES:
            one.execute(ATTRIBUTES.insert().values(**same, name="site", value=SITES[row.id]))


TEXTS = (
    "version<1.10",
    "version<1.9 and tag:berlin",
    "version>=1.2.0 and not tag:canary",
    "board=rpi4 or product=camera",
    "seen<2h",
    "seen=never",
    "online=yes",
    'attr.site="Hall 3"',
    "attr.site~r*",
    "id~gw-* and state=accepted",
    "tag in (canary, berlin)",
    "not (slot=a or slot=b)",
    "enrolled<1m",
    "group:eu",
    "reason~s?ck",
)


def test_a_filter_means_what_the_predicate_means_and_of_one_tenant(database: Database) -> None:
    for tenant in ("mine", "theirs"):
        asyncio.run(database.write(partial(_fill, tenant=tenant)))

    for text in TEXTS:
        term = parse(text)
        meant = {
            row.id
            for row in FLEET
            if matches(
                term,
                replace(
                    row,
                    tags=frozenset(TAGS_OF.get(row.id, ())),
                    attributes={"site": SITES[row.id]} if row.id in SITES else {},
                    enrolled_at_s=NOW_S - 10,
                ),
                now_s=NOW_S,
            )
        }
        assert _found(database, text) == meant, text


def test_a_filter_that_can_not_be_read_names_the_place() -> None:
    with pytest.raises(InputError, match="versoin"):
        device_filter("versoin<1.2", NOW_S)


def _found(database: Database, text: str) -> set[str]:
    where = [device_filter(text, NOW_S)]
    found = database.read_now(lambda one: listing.devices(one, "mine", where=where, most=100))
    return {one.row.device for one in found}
