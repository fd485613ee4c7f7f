"""A slot is committed when the system is healthy, and not before."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from edge_agent import trial
from edge_agent.errors import BootStateError
from edge_signing.formats.boot_state import BootState
from tests.agent.conftest import AgentFiles

ARMED = BootState(3, ("b", "a"), {"a": 9, "b": 3})
COMMITTED = BootState(4, ("b", "a"), {"a": 9, "b": 9})
# The service's own command, with the files of the test in place of the device's.
SERVICE = """
import sys
from pathlib import Path
from edge_agent import trial
trial.BOOT_STATE, trial.COMMAND_LINE, trial.READY = map(Path, sys.argv[1:])
trial.POLL_S = 0.02
from edge_agent.run import main
sys.exit(main())
"""


@contextmanager
def on_trial(files: AgentFiles) -> Iterator[threading.Event]:
    """Run the trial beside the test until the test is over."""
    stop = threading.Event()
    control = files.control()
    words = {"ready": files.ready, "stop": stop}
    thread = threading.Thread(target=trial.run, args=(control,), kwargs=words)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def wait_for(files: AgentFiles, state: BootState) -> None:
    wait_until(lambda: files.state() == state)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "POLL_S", 0.01)


def test_the_slot_is_committed_when_all_services_are_ready(files: AgentFiles) -> None:
    with on_trial(files):
        time.sleep(0.05)
        before = files.state()
        files.ready.touch()
        wait_for(files, COMMITTED)

    assert before == ARMED


def test_a_device_that_stops_before_it_is_healthy_does_not_commit(files: AgentFiles) -> None:
    with on_trial(files):
        time.sleep(0.05)

    assert files.state() == ARMED


def test_a_committed_slot_is_not_written_again(files: AgentFiles) -> None:
    files.ready.touch()
    files.control().commit()
    before = files.boot_state.read_bytes()

    with on_trial(files):
        time.sleep(0.05)

    assert files.boot_state.read_bytes() == before


def test_a_boot_state_that_is_lost_is_told(files: AgentFiles) -> None:
    files.boot_state.write_bytes(bytes(2 << 20))

    with pytest.raises(BootStateError, match="no copy is valid"):
        trial.run(files.control(), ready=files.ready, stop=threading.Event())


@contextmanager
def service(files: AgentFiles) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the service as s6 does: it tells readiness to descriptor 3, here the file `told`."""
    words = [str(path) for path in (files.boot_state, files.command_line, files.ready)]
    line = f'exec 3>"{files.folder}/told" && exec "$@"'
    child = subprocess.Popen(
        ["/bin/sh", "-c", line, "sh", sys.executable, "-c", SERVICE, *words],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def test_the_service_tells_readiness_commits_and_ends_when_asked(files: AgentFiles) -> None:
    told = files.folder / "told"
    with service(files) as child:
        wait_until(lambda: told.exists() and told.read_text() == "\n")
        before = files.state()
        files.ready.touch()
        wait_for(files, COMMITTED)
        child.send_signal(signal.SIGTERM)
        status = child.wait(10)

    assert (before, status) == (ARMED, 0)


def test_the_service_ends_with_its_reason_when_it_knows_no_slot(files: AgentFiles) -> None:
    files.command_line.write_text("quiet\n")

    with service(files) as child:
        _out, said = child.communicate(timeout=20)

    assert child.returncode == 1
    assert said.decode().endswith("edge-agent: kernel command line names no slot: quiet\n")
