"""Which versions of services devices run: as they say it, and as releases call it."""

from collections.abc import Mapping
from functools import partial

import pytest
from sqlalchemy import ColumnElement, Engine, event, insert, select

from edge.console import releases
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import device_filter, finding, registry, reports, services
from edge.console.devices.finding import Place
from edge.console.releases import SERVICE, Release
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES
from edge_signing.messages import Status

ACTOR = Actor("us", "x", 1)
OWN = "0123456789abcdef"
DEVICES_SAY: Mapping[str, Mapping[str, str]] = {
    "in-place": {"web": "web+1.1", "db": OWN},
    "own": {"web": OWN},
    "other": {"db": "db+2"},
    "silent": {},
}


def release(version: str, own_version: str = "", product: str = "gateway") -> Release:
    path = f"{product}/{version}/release.json"
    said = (path, product, version, 1, ("rpi4",), "", ())
    return Release(*said, is_published=True, kind=SERVICE, own_version=own_version)


def say(database: Database, device: str, said: Mapping[str, str], boot: str = "b-1") -> None:
    caller = Caller("us", device, Via.HTTP)
    status = Status(boot, product="gateway", version="1", services=said)
    database.write_now(lambda one: reports.take_status(one, caller, status, 9))


@pytest.fixture
def fleet(database: Database) -> Database:
    for device, said in DEVICES_SAY.items():
        database.write_now(partial(registry.register, actor=ACTOR, device=device))
        say(database, device, said)
    return database


def know(database: Database, *known: Release) -> None:
    database.write_now(lambda one: releases.take(one, ACTOR, known))


def of(database: Database, device: str) -> Mapping[str, str] | None:
    return database.read_now(lambda one: services.of(one, "us", device))


def meant(database: Database, where: ColumnElement[bool]) -> list[str]:
    asked = select(DEVICES.c.device).where(DEVICES.c.tenant == "us", where)
    return database.read_now(lambda one: sorted(one.scalars(asked)))


def test_versions_are_told_as_the_device_says_them(fleet: Database) -> None:
    assert {device: of(fleet, device) for device in DEVICES_SAY} == {
        **DEVICES_SAY,
        "silent": None,
    }


def test_the_systems_own_version_is_called_as_its_newest_release(fleet: Database) -> None:
    know(fleet, release("web+1.9", OWN), release("web+1.10", OWN), release("web+2"))

    assert of(fleet, "own") == {"web": "web+1.10"}
    assert of(fleet, "in-place") == {"web": "web+1.1", "db": OWN}, "it is no release of db"


def test_what_is_said_no_longer_is_known_no_longer(fleet: Database) -> None:
    say(fleet, "in-place", {"db": "db+1"})
    say(fleet, "own", {}, "b-2")

    assert (of(fleet, "in-place"), of(fleet, "own")) == ({"db": "db+1"}, None)


def test_a_status_from_before_changes_nothing(fleet: Database) -> None:
    say(fleet, "own", {"web": "web+2"}, "b-2")
    say(fleet, "own", {"web": "web+1"}, "b-1")

    assert of(fleet, "own") == {"web": "web+2"}


def test_a_device_runs_a_release_in_place_or_as_its_systems_own(fleet: Database) -> None:
    cases = {
        "web+1.1": release("web+1.1"),
        "equal to the system's own": release("web+1", OWN),
        "both": release("web+1.1", OWN),
        "of another service": release("db+2"),
        "of another product": release("web+1.1", OWN, "other"),
        "nobody": release("web+3", "f" * 16),
    }

    found = {name: meant(fleet, services.runs(one)) for name, one in cases.items()}

    assert found == {
        "web+1.1": ["in-place"],
        "equal to the system's own": ["own"],
        "both": ["in-place", "own"],
        "of another service": ["other"],
        "of another product": [],
        "nobody": [],
    }


def test_only_who_says_what_runs_is_known_to_lack_a_service(fleet: Database) -> None:
    assert meant(fleet, services.lacks("web")) == ["other"]
    assert meant(fleet, services.lacks("none")) == ["in-place", "other", "own"]


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("service:web", "in-place own"),
        ("service~*", "in-place other own"),
        ("service.web=1.1", "in-place"),
        ("service.web=web+1.1.0", "in-place"),
        ("service.web<1.5", "in-place"),
        ("service.web>=1.9", "own"),
        ("service.web in (1.9, 7)", "own"),
        ("service.web=1.10", "own"),
        ("service.web~1.*", "in-place own"),
        ("service.web~web+1.1", "in-place"),
        ("service.web!=1.1", "other own silent"),
        ('service.db=""', "in-place"),
        ("service.db>0", "other"),
        ("service.db~*", "in-place other"),
        ("service.web<1 or service.db=2", "other"),
    ],
)
def test_filters_find_versions_as_they_are_called(fleet: Database, text: str, devices: str) -> None:
    know(fleet, release("web+1.9", OWN), release("web+1.10", OWN), release("db+7", "f" * 16))
    looked_up = device_filter.meant(text, "us", 9)

    found = fleet.read_now(lambda one: finding.page(one, looked_up, Place(), 10))

    assert found.names == devices.split()
    assert meant(fleet, device_filter.device_filter(text, 9)) == devices.split()


def test_services_of_other_tenants_are_not_seen(fleet: Database) -> None:
    values = {"tenant": "them", "device": "theirs", "state": "accepted"}
    fleet.write_now(lambda one: one.execute(insert(DEVICES).values(values)).rowcount)

    assert fleet.read_now(lambda one: services.of(one, "them", "own")) is None


def test_a_status_that_says_the_same_writes_no_services(fleet: Database) -> None:
    asked: list[str] = []

    def heard(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        say(fleet, "in-place", DEVICES_SAY["in-place"])
    finally:
        event.remove(Engine, "before_cursor_execute", heard)

    assert asked
    assert not any("device_services" in one for one in asked)
