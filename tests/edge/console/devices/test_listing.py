"""Devices in several orders, page by page, and the audit log from its end."""

from urllib.parse import quote

import pytest
from sqlalchemy import Connection, update

from edge.console import audit
from edge.console.audit import Actor, Chosen
from edge.console.devices import history, known_values, listing, registry
from edge.console.devices.listing import Device
from edge.console.filters import versions
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES, SIGHTINGS
from tests.fakes.console import TENANT, Console

# Two of a kind each, so that pages end within them.
FLEET = {"a": ("1.10", 30), "b": ("1.9", 10), "c": ("1.9", 30), "d": ("1.10", 20), "e": ("", 0)}


@pytest.fixture(scope="module")
def sorted_site(shared: Console) -> Console:
    for name in FLEET:
        shared.good("POST", "/devices", {"device": name})

    def change(one: Connection) -> None:
        for name, (version, seen_s) in FLEET.items():
            values = {"version": version, "version_key": versions.key(version), "board": "sorted"}
            one.execute(update(DEVICES).where(DEVICES.c.device == name).values(values))
            same = SIGHTINGS.c.device == name
            one.execute(update(SIGHTINGS).where(same).values(last_seen_s=seen_s))

    shared.running.office.database.write_now(change)
    return shared


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("id", "abcde"),
        ("-id", "edcba"),
        ("version", "ebcad"),
        ("-version", "dacbe"),
        ("seen", "ebdac"),
        ("-seen", "cadbe"),
    ],
)
def test_pages_in_any_order_tell_each_device_once(
    sorted_site: Console, sort: str, found: str, limit: int
) -> None:
    names, after = "", ""
    while True:
        page = sorted_site.good(
            "GET",
            f"/devices?filter=board%3Dsorted&sort={sort}&limit={limit}&after={_quoted(after)}",
        )
        names += "".join(one["device"] for one in page["devices"])
        after = page["next"]
        if not after:
            break

    assert names == found


def _quoted(text: str) -> str:
    return quote(text, safe="")


@pytest.mark.parametrize(
    "after", ["x", "[]", '["a", "b"]', "[1]", '[1, "a", 2]', "{}", "null", "[tr"]
)
def test_a_place_that_no_page_gave_is_refused(sorted_site: Console, after: str) -> None:
    answer = sorted_site.ask("GET", f"/api/v1/devices?sort=seen&after={_quoted(after)}")

    assert answer.status == 400


def test_the_audit_log_is_told_from_its_end(shared: Console) -> None:
    every = shared.good("GET", "/audit?limit=500")["entries"]

    found, before = [], 0
    while True:
        page = shared.good("GET", f"/audit?newest=true&limit=3&before={before}")
        found += page["entries"]
        before = page["next"]
        if not before:
            break

    assert found == every[::-1]


def test_entries_are_chosen_by_act_actor_and_what_a_subject_begins_with(shared: Console) -> None:
    def asked(words: str, what: str = "act") -> set[str]:
        return {one[what] for one in shared.good("GET", f"/audit?limit=500&{words}")["entries"]}

    assert asked("act=group.*") == {"group.set", "group.members"}
    assert asked("subject=group:*") == {"group.set", "group.members"}
    assert asked("actor=console", "actor") == {"console"}
    # Signs of LIKE are letters.
    assert asked("act=group_*") == asked("act=%25*") == set()


def test_a_filter_that_is_written_is_told_its_mistake_and_what_may_follow(shared: Console) -> None:
    wrong = shared.good("GET", "/filters/check?text=tag%3Aa%20and%20vershun%3C1&at=3")
    begun = shared.good("GET", "/filters/check?text=gr&at=2")
    value = shared.good("GET", "/filters/check?text=id%3Dunit&at=7")

    assert (wrong["mistake"]["start"], wrong["mistake"]["end"]) == (10, 17)
    assert "version" in wrong["mistake"]["hint"]
    assert wrong["devices"] is None
    assert [one["text"] for one in begun["suggestions"]] == ["group"]
    assert [one["text"] for one in value["suggestions"]] == ["unit-1", "unit-2"]
    assert shared.good("GET", "/filters/check?text=id%3Dunit-1")["devices"] == 1


def test_a_release_is_told_by_its_images_payloads_and_documents(shared: Console) -> None:
    found = shared.good("GET", "/releases/1/contents")

    assert [one["partition"] for one in found["images"]] == ["boot", "rootfs"]
    assert {one["kind"] for one in found["payloads"]} == {"full"}
    assert [one["path"] for one in found["documents"]] == ["gateway/1/release.json"]
    assert shared.ask("GET", "/api/v1/releases/none/contents").status == 404


def test_either_database_keeps_the_orders_and_finds_what_begins_so(database: Database) -> None:
    def fill(one: Connection) -> None:
        for name, (version, seen_s) in FLEET.items():
            registry.register(one, Actor(TENANT, "console", 1000), name)
            key = versions.key(version)
            values = {"version": version, "version_key": key, "board": "B_x"}
            one.execute(update(DEVICES).where(DEVICES.c.device == name).values(values))
            same = SIGHTINGS.c.device == name
            one.execute(update(SIGHTINGS).where(same).values(last_seen_s=seen_s))

    def page(after: str, sort: str) -> list[Device]:
        return database.read_now(
            lambda one: listing.devices(one, TENANT, after=after, most=2, sort=sort)
        )

    def names(sort: str) -> str:
        found, after = "", ""
        while some := page(after, sort):
            found += "".join(one.row.device for one in some)
            after = listing.place(some[-1], sort)
        return found

    database.write_now(fill)
    chosen = Chosen(act="device.*", is_newest_first=True)

    assert [names(sort) for sort in ("id", "version", "-seen")] == ["abcde", "ebcad", "cadbe"]
    assert database.read_now(lambda one: known_values.of(one, TENANT, "board", "b_")) == ["B_x"]
    assert database.read_now(lambda one: known_values.of(one, TENANT, "board", "bx")) == []
    acts = database.read_now(lambda one: audit.entries(one, TENANT, most=9, where=chosen))
    assert [one.subject for one in acts] == [f"device:{name}" for name in "edcba"]
    items = database.read_now(
        lambda one: history.of_device(one, TENANT, "a", most=9, with_audit=True)
    )
    assert [one.what for one in items] == ["device.register"]
