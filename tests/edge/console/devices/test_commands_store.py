"""Commands as steps of transactions, on each database."""

from functools import partial
from random import Random

import pytest
from sqlalchemy import Connection

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import commands, registry
from edge.console.devices.commands import State
from edge.console.store.database import Database
from edge.errors import RefusedError, ThingNotFoundError
from edge_signing.commands import Command, replies

ACTOR = Actor("acme", "token:1", 1000)
CALLER = Caller("acme", "unit-1", Via.HTTP)
COMMAND = Command("logs-1", "logs", 1900, 900, "web", 7)


@pytest.fixture
def store(database: Database) -> Database:
    """A database with two tenants, each with a device."""

    def make(one: Connection) -> None:
        for tenant, device in (("acme", "unit-1"), ("other", "unit-2")):
            actor = Actor(tenant, "console", 1)
            tenants.ensure(one, actor, keys_folder="")
            registry.register(one, actor, device)

    database.write_now(make)
    return database


def ask(store: Database, command: Command = COMMAND) -> None:
    store.write_now(lambda one: commands.ask(one, ACTOR, "unit-1", command))


def test_a_command_is_open_until_its_answer_is_whole(store: Database) -> None:
    ask(store)
    content = Random(1).randbytes(300_000)
    parts = replies("logs-1", "done", content=content)

    ended = [
        store.write_now(partial(commands.take_reply, caller=CALLER, reply=part, now_s=1500))
        for part in reversed(parts)
    ]

    row = store.write_now(lambda one: commands.get(one, "acme", "unit-1", "logs-1"))
    assert ended == [False, False, True]
    assert (row.state, row.answered_at_s, row.length_bytes) == (State.DONE, 1500, 300_000)
    assert store.write_now(lambda one: commands.open_of(one, "acme", "unit-1", 1500)) == []
    assert store.write_now(lambda one: commands.asked(one, "acme", 1500)) == []


def test_what_is_asked_is_told_with_the_time_that_is_left(store: Database) -> None:
    ask(store)

    def look(one: Connection, now_s: int) -> list[Command]:
        return commands.open_of(one, "acme", "unit-1", now_s)

    assert store.write_now(lambda one: look(one, 1000)) == [COMMAND]
    assert store.write_now(lambda one: look(one, 1899))[0].expires_in_s == 1
    assert store.write_now(lambda one: look(one, 1900)) == []
    assert store.write_now(lambda one: commands.asked_until_s(one, "acme", "unit-1")) == 1900
    assert [
        one.device for one in store.write_now(lambda one: commands.asked(one, "acme", 1899))
    ] == ["unit-1"]


def test_what_expires_is_given_up_and_what_is_old_is_forgotten(store: Database) -> None:
    ask(store)

    assert store.write_now(lambda one: commands.expire(one, "other", 5000)) == []
    assert store.write_now(lambda one: commands.is_any_due(one, "acme", 1899)) is False
    assert store.write_now(lambda one: commands.expire(one, "acme", 1900)) == ["unit-1"]
    listed = store.write_now(lambda one: commands.list_(one, "acme", "unit-1", most=9))
    assert [one.state for one in listed] == [State.EXPIRED]
    store.write_now(lambda one: commands.expire(one, "acme", 1001 + commands.KEPT_S))
    assert store.write_now(lambda one: commands.list_(one, "acme", "unit-1", most=9)) == []


def test_nothing_is_reached_across_tenants_and_devices(store: Database) -> None:
    ask(store)
    part = replies("logs-1", "done")[0]

    for caller in (
        Caller("other", "unit-2", Via.HTTP),
        Caller("acme", "unit-2", Via.HTTP),
        Caller("other", "unit-1", Via.HTTP),
    ):
        with pytest.raises(ThingNotFoundError):
            store.write_now(partial(commands.take_reply, caller=caller, reply=part, now_s=1500))
    for tenant, device in (("other", "unit-1"), ("other", "unit-2")):
        with pytest.raises(ThingNotFoundError):
            store.write_now(partial(commands.get, tenant=tenant, device=device, command="logs-1"))


def test_a_device_that_waits_or_was_revoked_is_not_asked(store: Database) -> None:
    store.write_now(lambda one: registry.revoke(one, ACTOR, "unit-1"))

    with pytest.raises(RefusedError, match="revoked"):
        ask(store)
