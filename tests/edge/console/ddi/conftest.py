"""A console with two devices that speak DDI, and foreign releases."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import console
from tests.fakes.console import Console
from tests.fakes.ddi_device import PAYLOAD, DdiDevice, add_file, device_with_token
from tests.fakes.pki import Pki

Order = Callable[..., str]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory, pki: Pki, keys: Path) -> Iterator[Console]:
    """A console with two releases, for all tests of a module: each has devices of its own."""
    folder = tmp_path_factory.mktemp("stand")
    with console.running(folder / "console", pki, keys) as one:
        for version in ("1", "2"):
            assert add_file(one, PAYLOAD + version.encode(), version=version).status == 200
        yield one


@pytest.fixture
def alone(tmp_path: Path, pki: Pki, keys: Path) -> Iterator[Console]:
    """A console for one test."""
    with console.running(tmp_path / "console", pki, keys) as one:
        yield one


@pytest.fixture
def site(stand: Console) -> Console:
    """The console that tests share, for the acts of people."""
    return stand


@pytest.fixture
def device(stand: Console) -> DdiDevice:
    """A device that has a token."""
    return device_with_token(stand)


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory, pki: Pki, keys: Path) -> Iterator[DdiDevice]:
    """A device of a console with an order that it has read, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("ordered")
    with console.running(folder / "console", pki, keys) as one:
        add_file(one, PAYLOAD + b"1")
        device = device_with_token(one, "unit-1")
        one.good("POST", "/deployments", {"device": "unit-1", "version": "1"})
        device.take()
        yield device


@pytest.fixture
def order() -> Order:
    """Order a release of a device, and return what the device calls the order."""

    def give(device: DdiDevice, version: str = "1", **policy: object) -> str:
        body = {"device": device.name, "version": version, **policy}
        action: str = device.site.good("POST", "/deployments", body)["action"]
        return action.partition("-")[0]

    return give


@pytest.fixture
def state() -> Callable[[DdiDevice], list[tuple[str, str]]]:
    """Return the states of the orders of a device, newest first, with the reasons."""

    def states(device: DdiDevice) -> list[tuple[str, str]]:
        found = device.site.good("GET", f"/devices/{device.name}/orders")["orders"]
        return [(one["state"], one["reason"]) for one in found]

    return states
