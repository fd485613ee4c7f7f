"""Versions of a service, of a few blocks."""

import logging
from collections.abc import Iterator, Mapping

import pytest

from edge_signing.release import Partition
from tests.agent.in_place.service_room import DIGEST
from tests.agent.power.system import System, tiny_units

BLOCKS: Mapping[Partition, int] = {"service": 3}


@pytest.fixture(autouse=True)
def _small_and_quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    with tiny_units():
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def first() -> System:
    """A version that was installed in place before."""
    with tiny_units():
        return System.make("web+1", 1, blocks=BLOCKS)


@pytest.fixture(scope="session")
def second() -> System:
    """The version that is ordered."""
    with tiny_units():
        return System.make("web+2", 1, blocks=BLOCKS)


@pytest.fixture(scope="session")
def own() -> System:
    """The release that is equal to the system's own version."""
    with tiny_units():
        return System.make("web+0", 1, blocks=BLOCKS).equal_to(DIGEST)
