"""A slot is committed when the system is healthy, and not before."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge_agent import status
from edge_agent.consent import Consent
from edge_agent.store import files_in
from edge_signing.formats.boot_state import BootState
from tests.agent.conftest import AgentFiles
from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide, serving
from tests.fakes.pki import Pki

ARMED = BootState(3, ("b", "a"), {"a": 9, "b": 3})
COMMITTED = BootState(4, ("b", "a"), {"a": 9, "b": 9})
# The service's own command, with the files of the test in place of the device's.
SERVICE = """
import sys
from pathlib import Path
import edge_agent.device
folder = Path(sys.argv[1])
names = ("dev", "cmdline", "boot_id", "etc", "data", "run", "ready", "restarts", "health.d")
places = edge_agent.device.Places(*(folder / name for name in names))
edge_agent.device.Places = lambda: places
from edge_agent.run import main
sys.exit(main())
"""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def wait_for(files: AgentFiles, state: BootState) -> None:
    wait_until(lambda: files.state() == state)


@contextmanager
def service(files: AgentFiles) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the service as s6 does: it tells readiness to descriptor 3, here the file `told`."""
    line = f'exec 3>"{files.folder}/told" && exec "$@"'
    child = subprocess.Popen(
        ["/bin/sh", "-c", line, "sh", sys.executable, "-c", SERVICE, str(files.folder)],
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


def test_a_service_that_sleeps_until_its_next_poll_is_woken(files: AgentFiles) -> None:
    pki = Pki.make(files.folder / "pki")
    fleet = Fleet(files.folder / "fleet")
    files.places.data.mkdir()
    pki.device("dev-1").rename(files.places.data / "identity")
    files.ready.touch()
    with serving(HttpSide(fleet, files.folder / "repository", pki)) as server:
        files.places.etc.mkdir()
        (files.places.etc / "agent.json").write_text(json.dumps({"http": server.url}))
        with service(files) as child:
            wait_until(lambda: any(line.endswith("/desired") for line in server.asked))
            wait_for(files, COMMITTED)

            # Answered by the thread that sleeps.
            answer = status.ask({"command": "install", "path": "/none"}, files.places.run)
            wait_until(lambda: "No such file" in said(files))
            settled = status.ask({"command": "auto-confirm"}, files.places.run)
            child.send_signal(signal.SIGTERM)

            assert child.wait(10) == 0
    assert "action" in answer
    assert settled == {}
    assert Consent(files_in(files.places.data)).is_given()


def said(files: AgentFiles) -> str:
    return str(status.ask({"command": "status"}, files.places.run)["reason"])


def test_the_service_ends_with_its_reason_when_it_knows_no_slot(files: AgentFiles) -> None:
    files.command_line.write_text("quiet\n")

    with service(files) as child:
        _out, said = child.communicate(timeout=20)

    assert child.returncode == 1
    assert said.decode().endswith("edge-agent: kernel command line names no slot: quiet\n")
