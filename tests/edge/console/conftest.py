"""Consoles for tests: keys and an authority once, a console for each test."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from edge.console.store.database import Database
from edge.keys import create
from edge_signing.messages import EventId, ReportEvent
from tests.agent.power.system import System, tiny_units
from tests.fakes import console, empty_database, postgresql
from tests.fakes.asked import Asked
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.make(tmp_path_factory.mktemp("factory"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The factory of somebody else."""
    return Pki.make(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ring") / "keys"
    create.init(folder, now=datetime.now(UTC), products=("gateway",))
    return folder


@pytest.fixture(scope="module", autouse=True)
def _tiny_units() -> Iterator[None]:
    with tiny_units():
        yield


@pytest.fixture
def site(tmp_path: Path, pki: Pki, keys: Path) -> Iterator[Console]:
    with console.running(tmp_path / "console", pki, keys) as one:
        yield one


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, pki: Pki, keys: Path
) -> Iterator[Console]:
    """A console with two devices, an event and a release, for tests that change none of them."""
    folder = tmp_path_factory.mktemp("shared")
    operator = Operator(folder / "operator", keys)
    operator.release(System.make("1", 1))
    with console.running(folder / "console", pki, keys) as one:
        one.good("POST", "/releases", operator.bundle("1"))
        for name in ("unit-1", "unit-2"):
            one.good("POST", "/devices", {"device": name})
            one.link(name).desired()
        one.good("PUT", "/groups/hall-3", {})
        one.good("POST", "/groups/hall-3/members", {"add": ["unit-1"]})
        one.good("POST", "/people", {"person": "carla", "role": "viewer"})
        one.link("unit-1").send_events([ReportEvent(EventId("boot-1", 1), 1, "started")])
        yield one


_numbers = count(1)


@pytest.fixture
def asked(shared: Console) -> Asked:
    """A device of the shared console that no other test has, and another one."""
    names = [f"asked-{next(_numbers)}" for _device in range(2)]
    for name in names:
        shared.good("POST", "/devices", {"device": name})
        shared.link(name).desired()
    return Asked(shared, *names)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql.running() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database: of SQLite, and with `-m slow` of PostgreSQL too."""
    if request.param == "sqlite":
        empty_database.put(tmp_path / "test.db")
        url = f"sqlite:///{tmp_path / 'test.db'}"
    else:
        url = postgresql.new_database(request.getfixturevalue("postgresql_server"))
    one = Database(url)
    yield one
    one.close()


@pytest.fixture
def operator(tmp_path: Path, keys: Path) -> Operator:
    return Operator(tmp_path / "operator", keys)
