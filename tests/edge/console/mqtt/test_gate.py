"""The rules of the broker follow the database, whatever fails on the way."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from edge.console.broker.broker import Broker
from edge.console.mqtt import gate as module
from edge.console.mqtt.admission import Standing
from edge.console.mqtt.desk import Admissions
from edge.console.mqtt.gate import Gate
from edge.console.store.database import StoreError
from edge.errors import ToolError


class Rules(Broker):
    """A broker that only remembers, and fails for some times."""

    def __init__(self, failures: int = 0) -> None:
        self._shut_out: set[str] = set()
        self.failures = failures
        self.sent_away: list[str] = []

    async def shut_out(self, *devices: str) -> None:
        self._fail()
        self._shut_out |= set(devices)

    async def let_in(self, *devices: str) -> None:
        self._fail()
        self._shut_out -= set(devices)

    async def throw_out(self, *devices: str) -> None:
        self.sent_away += devices

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            if self.failures % 2:
                raise OSError("the disk is full")
            raise ToolError("mosquitto does not read its files again")


class Book(Admissions):
    """Standings as a test says; the database is away for some times."""

    def __init__(self, failures: int = 0) -> None:
        self.out: set[str] = set()
        self.waiting: set[str] = set()
        self.failures = failures
        self.between: Callable[[], None] = lambda: None

    async def of(self, *devices: str) -> dict[str, Standing]:
        self._fail()
        found = {name: self._standing(name) for name in devices}
        between, self.between = self.between, lambda: None
        between()
        return found

    async def denied(self) -> set[str]:
        self._fail()
        return set(self.out)

    def _standing(self, name: str) -> Standing:
        is_denied = name in self.out
        return Standing("no" if is_denied or name in self.waiting else "", is_denied)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("database: locked")


class Bench:
    """A gate with its broker, and what it told the link."""

    def __init__(self, *, broker_fails: int = 0, database_fails: int = 0) -> None:
        self.broker, self.book = Rules(broker_fails), Book(database_fails)
        self.told: list[str] = []
        self.forgotten: list[str] = []
        self.gate = Gate(
            self.broker,
            self.book,
            tell=self.told.append,
            forget=self.forgotten.append,
            recheck_s=0.02,
        )

    def run(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            running = asyncio.create_task(self.gate.run())
            await act()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(whole())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():  # noqa: ASYNC110  # it is told by nobody
                await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)


@pytest.mark.parametrize(
    ("broker", "database"),
    [
        pytest.param(0, 0, id="well"),
        pytest.param(2, 0, id="the broker fails"),
        pytest.param(0, 3, id="the database is locked"),
        pytest.param(2, 3, id="both"),
    ],
)
def test_who_is_out_is_denied_and_who_is_back_is_not(broker: int, database: int) -> None:
    bench = Bench(broker_fails=broker, database_fails=database)

    async def act() -> None:
        bench.book.out = {"d-1"}
        bench.gate.look("d-1")
        await bench.until(lambda: bench.broker.shut_out_now == {"d-1"})
        await bench.until(lambda: bench.forgotten == ["d-1"])
        bench.book.out = set()
        bench.gate.look("d-1")
        await bench.until(lambda: not bench.broker.shut_out_now)
        await bench.until(lambda: bool(bench.told))

    bench.run(act)

    assert bench.told[-1] == "d-1"


def test_what_nobody_told_is_found_when_all_is_looked_at() -> None:
    bench = Bench(database_fails=2)

    async def act() -> None:
        bench.book.out = {"d-1", "d-2"}
        await bench.until(lambda: bench.broker.shut_out_now == {"d-1", "d-2"})
        bench.book.out = {"d-2"}
        await bench.until(lambda: bench.broker.shut_out_now == {"d-2"})

    bench.run(act)


def test_what_changes_while_it_is_looked_at_is_looked_at_again() -> None:
    bench = Bench()

    def revoke() -> None:
        bench.book.out = {"d-1"}
        bench.gate.look("d-1")

    async def act() -> None:
        bench.book.between = revoke
        bench.gate.look("d-1")
        await bench.until(lambda: bench.broker.shut_out_now == {"d-1"})

    bench.run(act)


def test_who_connects_and_is_not_served_is_sent_away() -> None:
    bench = Bench()

    async def act() -> None:
        bench.book.waiting = {"d-1"}
        bench.gate.meet("d-2")
        bench.gate.meet("d-1")
        await bench.until(lambda: bench.broker.sent_away == ["d-1"])

    bench.run(act)

    assert bench.broker.shut_out_now == frozenset()
