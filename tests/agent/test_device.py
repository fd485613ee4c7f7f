"""The agent of a whole device of files: a bundle from the command line to the commit."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent import device
from edge_agent.__main__ import main
from edge_agent.device import Waker
from edge_agent.errors import AgentError
from edge_agent.machine import State
from edge_agent.outbox import Outbox
from edge_agent.record import Record
from edge_agent.store import files_in
from edge_signing import canonical
from tests.agent.conftest import AgentFiles
from tests.fakes.small_bundle import BOARD, CLOCK_S, PRODUCT, Workshop, noise

MIB = 1 << 20
STARTS = 20


@pytest.fixture
def bundle(files: AgentFiles, tmp_path: Path) -> Path:
    """A bundle, on a device that runs slot b and may install it."""
    workshop = Workshop.open(tmp_path)
    boot, rootfs = (workshop.image(name, noise(1, MIB), b"end") for name in ("boot", "rootfs"))
    for name in ("boot-a", "boot-b", "rootfs-a", "rootfs-b"):
        (files.places.devices / name).write_bytes(bytes(2 * MIB))
    etc = files.places.etc
    etc.mkdir()
    standing = {"board": BOARD, "product": PRODUCT, "version": "1.0.0", "counter": 0}
    (etc / "device.json").write_bytes(
        canonical.encode({**standing, "clock_s": CLOCK_S, "format": 1})
    )
    (etc / "root.json").write_bytes(workshop.ring.trusted_root())
    (etc / "agent.json").write_text('{"health": {"stable_s": 0, "timeout_s": 5}}\n')
    return workshop.bundle(boot=boot, rootfs=rootfs)


@pytest.fixture
def asked(files: AgentFiles) -> Iterator[int]:
    """What init would hear: the reading end of the pipe."""
    pipe = files.places.devices / "request"
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    yield handle
    os.close(handle)


def events(files: AgentFiles) -> list[tuple[str, str]]:
    outbox = Outbox(files_in(files.places.data / "outbox"), "reader", lambda: "word")
    return [(one.kind, one.version) for one in outbox.waiting()]


def test_a_bundle_is_installed_without_the_service_and_committed_by_the_next_start(
    files: AgentFiles, bundle: Path, asked: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", str(bundle)]) == 0

    assert capsys.readouterr().out == "rebooting\n"
    assert os.read(asked, 100) == b"reboot\n"
    assert files.state().order == ("a", "b")
    assert files.state().left == {"a": 3, "b": 3}
    devices = files.places.devices
    assert (devices / "rootfs-a").read_bytes()[:MIB] == noise(1, MIB)
    assert (devices / "rootfs-b").read_bytes() == bytes(2 * MIB)

    files.command_line.write_text("edge.slot=a\n")
    (files.folder / "boot_id").write_text("another-start\n")
    files.ready.touch()
    agent = device.agent(files.places, Waker())
    agent.start()
    for _step in range(STARTS):
        if agent.record.state is State.IDLE:
            break
        agent.step()
    agent.close()

    assert files.state().left == {"a": 9, "b": 3}
    assert events(files) == [("succeeded", "1.2.0")]
    record = Record.unpack((files.places.data / "record").read_bytes())
    assert (record.state, record.action) == (State.IDLE, None)


def test_a_bundle_for_another_board_is_told(
    files: AgentFiles, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = files.places.etc / "device.json"
    file.write_bytes(file.read_bytes().replace(BOARD.encode(), b"rpi3"))

    assert main(["install", str(bundle)]) == 1

    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"edge-agent: gateway 1.2.0 is for {BOARD}, not for rpi3"
    assert files.state().order == ("b", "a")


def test_a_data_partition_that_takes_nothing_is_no_hindrance(
    files: AgentFiles, bundle: Path, asked: int, capsys: pytest.CaptureFixture[str]
) -> None:
    files.places.data.write_bytes(b"not a folder")

    assert main(["install", str(bundle)]) == 0

    assert capsys.readouterr().out.startswith("rebooting ")
    assert os.read(asked, 100) == b"reboot\n"
    assert files.state().order == ("a", "b")


def test_init_that_does_not_listen_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "request")

    with pytest.raises(AgentError, match="request: No such device or address"):
        device.request_reboot(tmp_path / "request")


def test_a_wait_ends_when_the_agent_has_to() -> None:
    waker = Waker()
    assert not waker.pause(0)

    waker.wake()
    assert waker.pause(60)
    assert not waker.pause(0)

    waker.end()
    assert waker.pause(60)
    assert waker.pause(60)
