"""Two devices with one key are told apart from one device in a bad network."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection

from edge.console.desk import Caller, Via
from edge.console.devices import doubles, quarantine, registry
from edge.console.devices.states import State
from edge.console.store.database import Database
from edge_agent.link import RefusedByServerError
from edge_agent.links.http import HttpLink
from edge_signing.messages import Status
from tests.edge.console.factory.conftest import NOW_S, US
from tests.fakes import console
from tests.fakes.console import Console, sql

GW = Caller("us", "gw-1", Via.HTTP)


@pytest.fixture
def device(fleet: Database) -> Database:
    fleet.write_now(lambda c: registry.register(c, US, "gw-1", b"\1" * 32))
    return fleet


def heard(fleet: Database, *boots: str, every_s: int = 60, address: str = "10.0.0.1") -> bool:
    """Let starts be heard one after the other; whether it is in quarantine at the end."""

    def hear(connection: Connection) -> bool:
        found = False
        for number, boot_id in enumerate(boots):
            at_s = NOW_S + number * every_s
            found = doubles.hear(connection, GW, boot_id, address, at_s) or found
        return found

    return fleet.write_now(hear)


def state(fleet: Database) -> State | None:
    return fleet.read_now(lambda c: registry.state_of(c, "us", "gw-1"))


def test_two_devices_that_call_by_turns_are_put_in_quarantine(device: Database) -> None:
    assert heard(device, *"ababab")

    assert state(device) is State.QUARANTINED
    (found,) = device.read_now(lambda c: quarantine.of(c, "us"))
    places = found.details["places"]
    assert isinstance(places, list)
    assert [(one["boot_id"], one["address"]) for one in places] == [
        ("a", "10.0.0.1"),
        ("b", "10.0.0.1"),
    ]


def test_after_somebody_let_it_in_again_it_has_to_be_seen_anew(device: Database) -> None:
    heard(device, *"ababab")
    device.write_now(lambda c: registry.accept(c, US, "gw-1"))

    assert not heard(device, *"ababa")
    assert state(device) is State.ACCEPTED


def test_a_device_that_starts_again_and_again_is_one(device: Database) -> None:
    assert not heard(device, *(f"boot-{number}" for number in range(50)))


def test_late_messages_after_each_restart_are_not_another_device(device: Database) -> None:
    boots = [f"boot-{number}" for number in range(30)]
    late = [name for old, new in pairwise(boots) for name in (new, old, new)]

    assert not heard(device, boots[0], *late)
    assert state(device) is State.ACCEPTED


def test_messages_in_any_order_within_a_minute_are_not_another_device(device: Database) -> None:
    order = random.Random(1).choices("ab", k=50)

    assert not heard(device, *order, every_s=2)


def test_two_devices_in_quarantine_stay_there_and_are_told_once(device: Database) -> None:
    heard(device, *"ababab")

    assert not heard(device, *"ababab")
    assert len(device.read_now(lambda c: quarantine.of(c, "us"))) == 1


def test_who_polls_from_two_places_is_out_and_hears_why(site: Console, tmp_path: Path) -> None:
    site.good("POST", "/devices", {"device": "gw-1"})
    identity = site.identity("gw-1")
    one, two = (
        HttpLink(site.url, identity, boot_id=boot, pace=console.PACE) for boot in ("a", "b")
    )
    for link in (one, two, one, two, one):
        link.desired()
    sql(site.running.office.database, "update heard_boots set returned_at_s = 1")

    with pytest.raises(RefusedByServerError):
        two.desired()

    found = site.good("GET", "/devices/gw-1/made")["quarantine"]
    assert [(place["boot_id"], place["address"]) for place in found["details"]["places"]] == [
        ("a", "127.0.0.1"),
        ("b", "127.0.0.1"),
    ]
    site.good("POST", "/devices/gw-1/accept")
    two.desired()
    # What the agents before say: the start is named by their states alone.
    two.send_state(Status("b"))
    one.close()
    two.close()
