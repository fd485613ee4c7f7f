"""The commands for devices that speak DDI."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.cli.main import main
from tests.fakes.console import Console
from tests.fakes.ddi_device import DdiDevice

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def edge(
    alone: Console,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Run a command of somebody who has logged in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main([str(word) for word in words])
        return status, *capfd.readouterr()

    token, authority = alone.site.admin_token, alone.site.authority
    assert run("console", "login", alone.api_url, "--token-file", token, "--ca", authority)[0] == 0
    return run


def test_a_device_is_let_in_sent_to_a_release_and_asked_back(
    alone: Console, edge: Run, tmp_path: Path
) -> None:
    file = tmp_path / "gateway.swu"
    file.write_bytes(b"an update of somebody else")
    edge("devices", "register", "unit-1")

    token = edge("devices", "token", "unit-1")[1].strip()
    added = edge(
        *("releases", "add-file", file, "--product", "gateway", "--version", "2"),
        *("--board", "imx8", "--board", "imx6"),
    )
    listed = edge("releases", "list")[1]
    shown = json.loads(edge("releases", "show", "2", "--json")[1])
    ordered = edge("deploy", "2", "--to", "unit-1")
    device = DdiDevice(alone, "unit-1", f"TargetToken {token}")
    device.take()
    asked = edge("orders", "cancel", "unit-1")
    before = edge("orders", "list", "unit-1")[1]
    device.feedback(1, "closed", "success", "as you\nlike", channel="cancelAction")
    after = edge("orders", "list", "unit-1")[1]

    assert (added[0], "gateway.swu for imx6, imx8" in added[1]) == (0, True)
    assert "foreign" in listed
    assert (shown["files"][0]["type"], "gateway.swu" in edge("releases", "show", "2")[1]) == (
        "swu",
        True,
    )
    assert (ordered[0], asked[0]) == (0, 0)
    assert ("asked back" in asked[1], "asked back" in before) == (True, True)
    assert "cancelled  as you like" in after


def test_tokens_are_taken_away(edge: Run, alone: Console) -> None:
    edge("devices", "register", "unit-1")
    token = json.loads(edge("devices", "token", "unit-1", "--json")[1])["token"]
    gateway = edge("devices", "gateway-token", "--yes")[1].strip()
    device = DdiDevice(alone, "unit-1", f"TargetToken {token}")
    other = DdiDevice(alone, "new-1", f"GatewayToken {gateway}")
    before = device.ask("GET", "").status, other.ask("GET", "").status

    ends = [
        edge("devices", "token", "unit-1", "--remove")[0],
        edge("devices", "gateway-token", "--remove")[0],
    ]

    assert (before, ends) == ((200, 403), [0, 0])
    assert (device.ask("GET", "").status, other.ask("GET", "").status) == (401, 401)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        pytest.param(["devices", "token", "none"], 3, "no device 'none'", id="no device"),
        pytest.param(["orders", "cancel", "none"], 3, "no device 'none'", id="no order"),
        pytest.param(["orders", "list", "none"], 3, "no device 'none'", id="no orders"),
        pytest.param(["devices", "gateway-token"], 5, "--yes", id="nobody is asked"),
        pytest.param(
            ["releases", "add-file", "none", "--product", "a", "--version", "1", "--board", "b"],
            3,
            "none: no such file",
            id="no file",
        ),
    ],
)
def test_what_can_not_be_done_has_its_exit_code(
    edge: Run, words: list[str], status: int, text: str
) -> None:
    found, _out, err = edge(*words)

    assert (found, text in err) == (status, True), err
