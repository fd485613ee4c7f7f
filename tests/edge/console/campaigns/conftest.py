"""A tenant with two releases, copied for each test."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.console.tenants import Tenant
from tests.agent.power.system import System
from tests.edge.console.campaigns.ground import TENANT, Ground
from tests.fakes.operator import Operator


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
