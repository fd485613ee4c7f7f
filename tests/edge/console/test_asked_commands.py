"""The commands that ask a device, against a console and a device with the agent's own link."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.cli.main import main
from edge_agent.errors import AgentError
from edge_agent.request import RefusedError
from edge_signing.inventory import Inventory, Service
from tests.agent.reach.bench import FakeWork
from tests.fakes import asked_device
from tests.fakes.console import Console

Run = Callable[..., tuple[int, str, str]]
INVENTORY = Inventory(
    (Service("web", "ready", "0a1b2c", 41, 7, 2),), "a", "ab", "rpi4", "gateway", "1.2", "6.12",
    90, 1 << 30, 1 << 29, 1 << 33, 1 << 32, ("eth0 192.0.2.7",),
)  # fmt: skip


@pytest.fixture
def edge(
    shared: Console, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.setenv("EDGE_CONSOLE_URL", shared.api_url)
    monkeypatch.setenv("EDGE_CONSOLE_TOKEN_FILE", str(shared.site.admin_token))
    monkeypatch.setenv("EDGE_CONSOLE_CA", str(shared.site.authority))

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main([str(word) for word in words])
        return status, *capfd.readouterr()

    return run


@pytest.fixture
def work(shared: Console, tmp_path: Path) -> Iterator[FakeWork]:
    """The work of a device `asked` that polls all the time."""
    known = {one["device"] for one in shared.good("GET", "/devices")["devices"]}
    if "asked" not in known:
        shared.good("POST", "/devices", {"device": "asked"})
    link, ended, work = shared.link("asked"), threading.Event(), FakeWork()

    def poll() -> None:
        while not ended.wait(0.05):
            link.desired()

    polling = threading.Thread(target=poll)
    with asked_device.running(tmp_path / "device", link, shared.link("asked"), work):
        polling.start()
        yield work
        ended.set()
        polling.join()


def test_logs_are_printed(edge: Run, work: FakeWork) -> None:
    work.said = b"1 first\n2 \x1b[31msecond\n"

    status, said, _err = edge("devices", "logs", "asked", "--service", "web", "--lines", "7")

    assert (status, said) == (0, "1 first\n2 \\x1b[31msecond\n")
    assert work.done == ["logs web 7"]


def test_a_service_is_restarted(edge: Run, work: FakeWork) -> None:
    status, said, _err = edge("devices", "restart", "asked", "web", "--yes")

    assert (status, said) == (0, "asked: web was restarted\n")
    assert work.done == ["restart web"]


def test_an_inventory_is_shown_and_kept(edge: Run, work: FakeWork, shared: Console) -> None:
    shared.good("POST", "/devices", {"device": "asked-never"})
    missing = edge("devices", "inventory", "asked-never")
    work.said = INVENTORY.pack()

    fresh = edge("devices", "inventory", "asked", "--refresh", "--json")
    kept = edge("devices", "inventory", "asked")

    assert (missing[0], "--refresh" in missing[2]) == (3, True)
    assert json.loads(fresh[1])["services"][0]["name"] == "web"
    assert [word in kept[1] for word in ("0a1b2c", "192.0.2.7", "512.0 MiB free of 1.0 GiB")] == [
        True
    ] * 3
    assert work.done == ["inventory"]


@pytest.mark.parametrize(
    ("fails", "status"),
    [
        pytest.param(RefusedError("reboot: an update is under way"), 5, id="refused"),
        pytest.param(AgentError("reboot: no pipe"), 1, id="failed"),
    ],
)
def test_a_device_that_does_not_do_it_says_why(
    edge: Run, work: FakeWork, fails: AgentError, status: int
) -> None:
    work.fails = fails

    ended, _said, err = edge("devices", "reboot", "asked", "--yes")

    assert (ended, fails.reason in err) == (status, True)


def test_a_device_that_is_away_is_not_waited_for_longer_than_is_said(
    edge: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("edge.cli.devices_reach.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(
        "edge.cli.devices_reach.time.sleep",
        lambda wait_s: clock.__setitem__(0, clock[0] + wait_s + 1),
    )

    status, said, err = edge("devices", "logs", "unit-1", "--timeout", "10")

    assert (status, said) == (6, "")
    assert "no answer within 10 s" in err
    assert "hint" in err


def test_a_device_that_nobody_knows_is_not_asked(edge: Run) -> None:
    assert edge("devices", "logs", "nobody")[0] == 3


def test_nothing_is_restarted_without_a_yes(edge: Run) -> None:
    assert edge("devices", "restart", "unit-1", "web")[0] == 5
    assert edge("devices", "reboot", "unit-1")[0] == 5
