"""`edge fastboot`: single commands to a boot loader, on ports that are made up and over TCP."""

import json
from pathlib import Path

import pytest

from tests.edge.conftest import Edge
from tests.fakes.usb import dfu_board, fastboot_board, fastboot_net
from tests.fakes.usb.fastboot_board import Core
from tests.fakes.usb.in_process import Bus


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    made = Bus()
    monkeypatch.setattr("edge.cli.flash_boards.ports", lambda: made)
    return made


@pytest.fixture
def core(bus: Bus) -> Core:
    """A board in fastboot."""
    made = Core()
    bus.plug("1-2", fastboot_board.gadget(made))
    return made


def test_variables_are_asked(core: Core, edge: Edge) -> None:
    assert edge("fastboot", "getvar", "product").out == "edge-board\n"
    assert json.loads(edge("--json", "fastboot", "getvar", "all").out)["serialno"] == "FB0001"
    absent = edge("fastboot", "getvar", "mood")
    assert absent.status == 3
    assert "it has no variable mood" in absent.err


@pytest.mark.parametrize(
    ("words", "told", "said"),
    [
        (("erase", "userdata", "--yes"), "erase:userdata", "userdata is erased"),
        (("set-active", "b"), "set_active:b", "b starts next, it says"),
        (("oem", "run:env", "-f"), "oem run:env -f", ""),
        (("oem", "format"), "oem format", "oem format"),
        (("reboot",), "reboot", "it restarts"),
        (("reboot", "bootloader"), "reboot-bootloader", "it restarts"),
    ],
)
def test_a_command_is_given(
    core: Core, edge: Edge, words: tuple[str, ...], told: str, said: str
) -> None:
    ended = edge("fastboot", *words, "--to", "fastboot:1-2")

    assert core.commands[-1] == told
    assert ended.status == (1 if "run" in told else 0), ended.err
    assert said in ended.out


def test_nothing_is_erased_unasked(core: Core, edge: Edge) -> None:
    assert edge("fastboot", "erase", "userdata").status != 0
    assert not core.commands


def test_what_a_board_gives_is_kept_whole_or_not_at_all(
    core: Core, edge: Edge, tmp_path: Path
) -> None:
    core.memory[:] = b"staged" * 1000
    file = tmp_path / "staged.bin"

    assert edge("fastboot", "upload", "-o", str(file)).status == 0

    assert file.read_bytes() == core.memory
    core.memory = bytearray((1 << 20) + 1)
    assert edge("fastboot", "upload", "-o", str(file), "--most-mib", "1").status == 6
    assert file.read_bytes() == b"staged" * 1000
    assert edge("fastboot", "upload", "erase:all", "-o", str(file)).status == 2
    assert core.commands == ["upload", "upload"]


def test_a_board_in_the_network_is_asked(edge: Edge) -> None:
    with fastboot_net.tcp_board(Core()) as port:
        ended = edge("fastboot", "getvar", "product", "--to", f"fastboot:tcp:127.0.0.1:{port}")

    assert ended.out == "edge-board\n"


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("fastboot", 3, "no board waits for fastboot"),
        ("fastboot:1-2", 3, "does not speak fastboot"),
        ("dfu", 2, "not a board with fastboot"),
        ("/dev/sdb", 2, "not a board with fastboot"),
    ],
)
def test_what_is_no_board_with_fastboot_is_said(
    bus: Bus, edge: Edge, target: str, status: int, said: str
) -> None:
    bus.plug("1-2", dfu_board.gadget())

    ended = edge("fastboot", "reboot", "--to", target)

    assert ended.status == status
    assert said in ended.err
