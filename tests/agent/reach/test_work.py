"""What the words mean on a device whose files are those of a test."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.errors import AgentError
from edge_agent.reach.facts import Facts
from edge_agent.reach.init import Init
from edge_agent.reach.logs import Logs
from edge_agent.reach.work import DeviceWork
from edge_agent.request import RefusedError
from edge_agent.standing import Standing
from edge_signing.inventory import Inventory, Service
from tests.agent.driver.bench import Bench
from tests.agent.power.system import System, tiny_units


class KnownInit(Init):
    """An init that tells one service."""

    def services(self) -> list[dict[str, object]]:
        return [{"name": "web", "state": "ready", "pid": 41, "age_s": 7, "restarts": 0}]


@pytest.fixture(scope="module", autouse=True)
def _tiny_units() -> Iterator[None]:
    with tiny_units():
        yield


@pytest.fixture
def work(tmp_path: Path) -> DeviceWork:
    bench = Bench(System.make("1", 1), System.make("2", 2))
    (tmp_path / "uptime").write_text("7200.50 900.00\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 400 kB\n")
    return DeviceWork(
        logs_kept=Logs(tmp_path / "log"),
        init=KnownInit(tmp_path / "request"),
        facts=Facts(tmp_path, tmp_path, tmp_path / "versions"),
        standing=Standing("rpi4", "gateway", "1.2", 3, 1000),
        control=bench.control(),
        is_at_rest=lambda: True,
        request_reboot=lambda: None,
    )


def test_an_inventory_tells_services_slots_and_what_the_kernel_says(work: DeviceWork) -> None:
    found = Inventory.unpack(work.inventory())

    assert found.services == (Service("web", "ready", pid=41, age_s=7),)
    assert (found.slot, found.board, found.product, found.version) == (
        "a", "rpi4", "gateway", "1.2",
    )  # fmt: skip
    assert (found.uptime_s, found.memory_bytes, found.memory_free_bytes) == (
        7200, 1000 << 10, 400 << 10,
    )  # fmt: skip


def test_the_system_is_restarted_when_nothing_is_under_way(work: DeviceWork) -> None:
    asked: list[bool] = []

    replace(work, request_reboot=lambda: asked.append(True)).reboot()

    assert asked == [True]


def test_no_update_is_cut_short_by_a_restart(work: DeviceWork) -> None:
    with pytest.raises(RefusedError, match="an update is under way"):
        replace(work, is_at_rest=lambda: False, request_reboot=_never).reboot()


def test_a_system_is_not_restarted_again_and_again(work: DeviceWork, tmp_path: Path) -> None:
    (tmp_path / "uptime").write_text("119.99 1.00\n")

    with pytest.raises(RefusedError, match="119 s ago"):
        replace(work, request_reboot=_never).reboot()


def test_a_device_without_its_init_says_so(work: DeviceWork, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="request"):
        replace(work, init=Init(tmp_path / "request")).inventory()


def test_an_agent_is_at_rest_when_its_slot_is_committed_and_nothing_is_ordered() -> None:
    bench = Bench(System.make("1", 1), System.make("2", 2))
    order, bench.link.order = bench.link.order, None
    agent = bench.start()
    before = agent.is_at_rest()

    agent.step()
    kept = agent.is_at_rest()
    bench.link.order = order
    while agent.record.action is None:
        agent.step()

    assert (before, kept, agent.is_at_rest()) == (False, True, False)


def _never() -> None:
    raise AssertionError("the system was restarted")
