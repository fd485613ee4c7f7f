"""A fleet whose devices a line makes: in a database alone, or at a console that runs."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.store.database import Database
from edge_agent.link import RefusedByServerError
from edge_agent.links.http import HttpLink
from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.made_line import NOW, Device, Line, pem_of
from tests.fakes.pki import Pki

NOW_S = int(NOW.timestamp())
US, THEM = Actor("us", "token:1", NOW_S), Actor("them", "token:2", NOW_S)
_FILE = "test.db"


@pytest.fixture(scope="session")
def _line() -> Line:
    return Line()


@pytest.fixture
def line(_line: Line) -> Line:
    """A line with the same authority for all tests, and with no stations yet."""
    one = Line(_line.name)
    one.root = _line.root
    return one


def know(database: Database, line: Line) -> None:
    """Let a tenant know the authority of a line, and make another one that does not."""
    for actor in (US, THEM):
        database.write_now(partial(tenants.ensure, actor=actor, keys_folder="k"))
    root = line.root.certificate
    database.write_now(partial(tenants.add_authority, actor=US, certificate=root))


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory, _line: Line) -> Path:
    """A database that was made once: to make one takes longer than what is tested."""
    folder = tmp_path_factory.mktemp("template")
    database = Database(f"sqlite:///{folder / _FILE}")
    know(database, _line)
    database.close()
    return folder


@pytest.fixture
def fleet(tmp_path: Path, _template: Path) -> Iterator[Database]:
    """A tenant that knows the line's authority, and another one that does not."""
    shutil.copytree(_template, tmp_path / "fleet")
    database = Database(f"sqlite:///{tmp_path / 'fleet' / _FILE}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def line_pki(tmp_path_factory: pytest.TempPathFactory, _line: Line) -> Pki:
    """The certificates of a fleet whose factory is the line's."""
    folder = tmp_path_factory.mktemp("line")
    (folder / "factory-ca.crt").write_text(pem_of(_line.root.certificate))
    (folder / "factory-ca.key").write_bytes(_line.root.pem)
    return Pki.make(folder)


@pytest.fixture
def plant(tmp_path: Path, line_pki: Pki, keys: Path) -> Iterator[Console]:
    """A console that knows the line's authority."""
    with console.running(tmp_path / "console", line_pki, keys) as one:
        yield one


@pytest.fixture
def station_token(plant: Console) -> str:
    """A token that can tell what a station has made, and do nothing else."""
    body = {"name": "line hall-3", "scopes": ["factory:write"]}
    return str(plant.good("POST", "/tokens", body)["text"])


def call(plant: Console, device: Device, folder: Path) -> int:
    """Let a device ask for its order; return the status."""
    identity = device.identity(folder / device.made.digest, plant.site.authority)
    with closing(HttpLink(plant.url, identity, pace=console.PACE)) as link:
        try:
            link.desired()
        except RefusedByServerError as error:
            return error.status
    return 200
