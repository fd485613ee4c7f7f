"""Pages and counts of devices are the same, whatever way leads to them."""

from functools import partial
from itertools import product
from random import Random

import pytest
from sqlalchemy import Connection, event

from edge.console.audit import Actor
from edge.console.devices import device_filter, finding, listing, reach, services, values
from edge.console.devices.finding import Count, Meant
from edge.console.devices.ways import Part
from edge.console.filters import versions
from edge.console.store.database import Database
from edge.console.store.ddi_tables import REPORTED
from edge.console.store.tables import (
    ATTRIBUTES,
    DEVICES,
    GROUPS,
    MEMBERS,
    RELEASES,
    SIGHTINGS,
    TAGS,
    TENANTS,
)
from edge.console.visitor import Visitor

NOW_S = 1_800_000_000
DEVICES_OF = 30
NAMED = {"old": "version<1.1"}
TEXTS = (
    "",
    "version<1.1",
    "tag:a",
    "tag~a*",
    "tag:a and tag:b",
    "tag:a or tag:b",
    "tag:a or seen<5m",
    "not tag:a",
    "group:half",
    "group:half and tag:a and version>=1.1",
    "group~*l*",
    "group:old",
    "attr.site=north",
    "attr.site~*TH and not group:half",
    "seen<5m",
    "seen>1d and tag:a",
    "seen=never",
    "tag:nobody",
    "id~*-1?",
    "id~MINE-1*",
    "id~m?ne-2* and version>=1.1",
    "id~th*",
    "reason~*DISK*",
    'reason="disk full" and tag:a',
    "reason~* and tag:b",
    "version=1.2 or tag:a",
    "not version<1.2",
    "attr.site~N*",
    "attr.site~*o* or reason~*disk*",
    "tag~?",
    "not service:web",
    "not tag:b and version>=1.1",
    "service:web and tag:a",
    "service~W*",
    "service.web<1.1",
)


def _fill(one: Connection, tenant: str) -> None:
    chance = Random(tenant)
    one.execute(TENANTS.insert().values(tenant=tenant))
    one.execute(GROUPS.insert().values(tenant=tenant, group="half"))
    own = {"path": "x", "product": "", "version": "web+1", "own_version": "0123"}
    key = versions.key("1")
    one.execute(RELEASES.insert().values(tenant=tenant, kind="service", version_key=key, **own))
    for number in range(DEVICES_OF):
        same = {"tenant": tenant, "device": f"{tenant}-{number}"}
        version = chance.choice(("1.0", "1.1", "1.2", ""))
        said = {"version": version, "version_key": versions.key(version), "state": "accepted"}
        said["reason"] = chance.choice(("", "disk full"))
        one.execute(DEVICES.insert().values(**same, **said))
        seen_s = chance.choice((0, NOW_S - 10, NOW_S - 100, NOW_S - 200_000))
        one.execute(SIGHTINGS.insert().values(**same, last_seen_s=seen_s))
        for tag in ("a", "b", "ab"):
            if chance.random() < 0.4:
                one.execute(TAGS.insert().values(**same, tag=tag))
        if chance.random() < 0.5:
            one.execute(MEMBERS.insert().values(**same, group="half"))
        if chance.random() < 0.5:
            running = chance.choice(("web+1.0", "web+1.1", "0123"))
            services.store(one, **same, services={"web": running})
        for table in (ATTRIBUTES, REPORTED):
            if chance.random() < 0.5:
                value = chance.choice(("north", "south"))
                one.execute(table.insert().values(**same, name="site", value=value))


@pytest.fixture
def filled(database: Database) -> Database:
    for tenant in ("mine", "theirs"):
        database.write_now(partial(_fill, tenant=tenant))
    return database


def _walked(database: Database, meant: Meant, sort: str) -> list[str]:
    names: list[str] = []
    after = ""
    while True:
        found = database.read_now(
            partial(listing.page, meant=meant, after=after, most=16, sort=sort)
        )
        names += [one.row.device for one in found.devices]
        if len(found.devices) < 16:
            return names
        after = listing.place(found.devices[-1], sort)


def _plain(text: str) -> Meant:
    """Return what a filter means without any way."""
    return Meant("mine", (Part(device_filter.device_filter(text, NOW_S, NAMED)),))


def test_each_way_leads_to_the_same_devices_in_each_order(filled: Database) -> None:
    for text, sort in product(TEXTS, ("-id", "seen", "-version")):
        meant = device_filter.meant(text, "mine", NOW_S, NAMED)

        found = _walked(filled, meant, sort)

        assert found == _walked(filled, _plain(text), sort), (text, sort)
        assert all(name.startswith("mine-") for name in found)
        count = filled.read_now(partial(finding.count, meant=meant))
        assert count == Count(len(found)), text


def test_long_ways_and_many_devices_are_found_too(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_MANY", "_NAMED_MOST", "_LOOKED_AT", "_SORTED_MOST"):
        monkeypatch.setattr(finding, name, 3)
    monkeypatch.setattr(values, "VALUES_MOST", 1)

    test_each_way_leads_to_the_same_devices_in_each_order(filled)


def test_what_is_looked_up_for_each_is_counted_up_to_a_bound(filled: Database) -> None:
    def count(text: str, most: int) -> Count:
        meant = device_filter.meant(text, "mine", NOW_S, NAMED)
        return filled.read_now(lambda one: finding.count(one, meant, most))

    every = count("not tag:a", DEVICES_OF).devices

    assert count("not tag:a", every) == Count(every)
    assert count("not tag:a", every - 1) == Count(every - 1, is_least=True)
    # What is quick to count is counted to its end.
    assert not count("tag:a", 1).is_least
    assert not count("version<1.1 and reason~*d*", 1).is_least


def test_a_page_knows_the_number_of_few_devices_without_another_look(filled: Database) -> None:
    asked: list[str] = []
    meant = device_filter.meant("reason~*disk*", "mine", NOW_S)
    with filled._engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *all_: asked.append(all_[2]))
        found = listing.page(connection, meant, most=2, count_most=9)

    assert found.total is not None
    assert found.total.devices > 2
    assert not any("count(*)" in one for one in asked)


def test_who_is_limited_to_groups_finds_their_devices_alone(filled: Database) -> None:
    eve = Visitor(Actor("mine", "eve", NOW_S), "eve", frozenset(), groups=frozenset({"half"}))

    meant = reach.meant(eve) + device_filter.meant("tag:a", "mine", NOW_S)

    both = device_filter.meant("tag:a and group:half", "mine", NOW_S)
    assert _walked(filled, meant, "id") == _walked(filled, both, "id") != []
    nobody = reach.meant(Visitor(eve.actor, "eve", frozenset(), groups=frozenset()))
    assert _walked(filled, nobody, "id") == []
