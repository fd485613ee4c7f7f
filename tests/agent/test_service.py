"""A slot is committed when the system is healthy, and not before."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge_signing.formats.boot_state import BootState
from tests.agent.conftest import AgentFiles

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


def test_the_service_ends_with_its_reason_when_it_knows_no_slot(files: AgentFiles) -> None:
    files.command_line.write_text("quiet\n")

    with service(files) as child:
        _out, said = child.communicate(timeout=20)

    assert child.returncode == 1
    assert said.decode().endswith("edge-agent: kernel command line names no slot: quiet\n")
