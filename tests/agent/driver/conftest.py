"""A device for each test, with images of a few blocks."""

from collections.abc import Iterator

import pytest

from edge_agent.payload import full
from edge_signing.formats import payload_table
from tests.agent.driver.bench import Bench
from tests.agent.power.system import System


@pytest.fixture(scope="module", autouse=True)
def _tiny_units() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(full, "UNIT_BYTES", 4096)
        patch.setattr(payload_table, "UNIT_BYTES", 4096)
        yield


@pytest.fixture(scope="module")
def systems(_tiny_units: None) -> tuple[System, System]:
    return System.make("1", 1), System.make("2", 5)


@pytest.fixture
def bench(systems: tuple[System, System]) -> Bench:
    return Bench(*systems)
