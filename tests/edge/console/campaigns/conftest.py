"""A tenant with two releases, copied for each test."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.console.tenants import Tenant
from tests.agent.power.system import System
from tests.edge.console.campaigns import set_ground
from tests.edge.console.campaigns.ground import TENANT, Ground
from tests.edge.console.campaigns.set_ground import SetGround
from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, keys: Path) -> Path:
    """The folder of tenants with one that has the releases 1, 2 and 3."""
    folder = tmp_path_factory.mktemp("campaigns")
    made = Operator(folder / "operator", keys)
    vault = Vaults(folder / "tenants", lambda: datetime.now(UTC)).open(Tenant(TENANT, str(keys)))
    for version in ("1", "2", "3"):
        made.release(System.make(version, 1))
        made.bundle(version)
        vault.take(made.folder / "update.edge", now=made.now)
    return folder / "tenants"


@pytest.fixture
def ground(database: Database, keys: Path, stock: Path, tmp_path: Path) -> Ground:
    shutil.copytree(stock, tmp_path / "tenants")
    return Ground(database, keys, tmp_path / "tenants")


@pytest.fixture(scope="module")
def set_stock(tmp_path_factory: pytest.TempPathFactory, _tiny_units: None, keys: Path) -> Path:
    """The folder of tenants with one that has systems and releases of services."""
    return set_ground.stock(tmp_path_factory.mktemp("sets"), keys)


@pytest.fixture
def sets(database: Database, keys: Path, set_stock: Path, tmp_path: Path) -> SetGround:
    return set_ground.stand(database, keys, set_stock, tmp_path / "tenants")


@pytest.fixture
def fleet(tmp_path: Path, pki: Pki, keys: Path) -> Iterator[Console]:
    """See `campaign_console`."""
    with campaign_console(tmp_path, pki, keys) as one:
        yield one


@contextmanager
def campaign_console(folder: Path, pki: Pki, keys: Path) -> Iterator[Console]:
    """Run a console with the releases 1 and 2, and three devices."""
    operator = Operator(folder / "operator", keys)
    with console.running(folder / "console", pki, keys) as one:
        for version in ("1", "2"):
            operator.release(System.make(version, 1))
            one.good("POST", "/releases", operator.bundle(version))
        for number in range(3):
            one.good("POST", "/devices", {"device": f"unit-{number}"})
        yield one


@pytest.fixture
def edge(
    fleet: Console,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Run a command of somebody who has logged in."""
    monkeypatch.setenv("EDGE_CONSOLE_URL", fleet.api_url)
    monkeypatch.setenv("EDGE_CONSOLE_TOKEN_FILE", str(fleet.site.admin_token))
    monkeypatch.setenv("EDGE_CONSOLE_CA", str(fleet.site.authority))

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main([str(word) for word in words])
        return status, *capfd.readouterr()

    return run
