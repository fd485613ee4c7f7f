"""What the desk keeps in memory never outlives what it was made of."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import registry
from edge.console.front_desk import FrontDesk
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database, Step, T
from edge.console.store.tables import DEVICES
from edge.errors import ThingNotFoundError
from edge_signing.messages import Want

PRINT = b"\1" * 32
ACTOR = Actor("us", "token:1", 1)


class Interrupted(Database):
    """A database where something else happens after the next query, before who asked hears."""

    between: Callable[[], None] | None = None

    async def read(self, step: Step[T]) -> T:
        found = await super().read(step)
        happens, self.between = self.between, None
        if happens is not None:
            happens()
        return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Interrupted]:
    one = Interrupted(f"sqlite:///{tmp_path / 'test.db'}")
    one.write_now(lambda c: registry.register(c, ACTOR, "d-1", PRINT))
    yield one
    one.close()


@pytest.fixture
def desk(store: Interrupted, tmp_path: Path) -> FrontDesk:
    vaults = Vaults(tmp_path, lambda: datetime(2026, 11, 1, tzinfo=UTC))
    return FrontDesk(store, vaults, now_s=lambda: 100)


def call(desk: FrontDesk, device: str = "d-1") -> Caller | None:
    return asyncio.run(desk.caller(device, PRINT, Via.MQTT))


def test_a_device_that_is_revoked_while_it_is_looked_up_is_not_let_in(
    store: Interrupted, desk: FrontDesk
) -> None:
    def revoke() -> None:
        store.write_now(lambda c: registry.revoke(c, ACTOR, "d-1"))
        desk.shut_out("us", "d-1")

    store.between = revoke

    assert [call(desk), call(desk)] == [None, None]


def test_links_hear_of_who_is_shut_out_and_who_is_to_do_something_else(
    store: Interrupted, desk: FrontDesk
) -> None:
    heard: list[tuple[str, ...]] = []
    desk.on_shut_out.append(lambda *words: heard.append(("out", *words)))
    desk.on_desired.append(lambda *words: heard.append(("other", *words)))

    desk.shut_out("us", "d-1")
    desk.wants_other("us", "d-1")

    assert heard == [("out", "us", "d-1"), ("other", "us", "d-1")]


def test_a_certificate_opens_its_own_device_alone(store: Interrupted, desk: FrontDesk) -> None:
    assert call(desk, "d-2") is None
    assert call(desk) == Caller("us", "d-1", Via.MQTT)


def test_polls_of_a_known_device_ask_the_database_nothing(
    store: Interrupted, desk: FrontDesk
) -> None:
    def want(connection: Connection) -> None:
        values = {"desired": b"order", "desired_renew_at_s": 1000}
        connection.execute(update(DEVICES).values(values))

    store.write_now(want)
    caller = call(desk)
    assert caller is not None
    store.close()  # whoever asks it now, fails

    assert call(desk) == caller
    assert asyncio.run(desk.desired(caller)) == b"order"


def test_sightings_are_stored_together(store: Interrupted, desk: FrontDesk) -> None:
    call(desk)
    call(desk)

    assert [asyncio.run(desk.store_sightings()) for _time in range(2)] == [1, 0]


def test_blocks_come_from_the_repository_of_the_caller_alone(
    store: Interrupted, desk: FrontDesk
) -> None:
    caller = Caller("them", "d-1", Via.MQTT)

    with pytest.raises(ThingNotFoundError):
        asyncio.run(desk.block(caller, Want("metadata/timestamp.json", 0, 10)))
