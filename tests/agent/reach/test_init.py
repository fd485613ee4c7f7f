"""What the agent asks of init through the request pipe, with the script of init itself."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.errors import AgentError
from edge_agent.reach.facts import Facts
from edge_agent.reach.init import Init, write_line
from edge_agent.request import RefusedError
from edge_signing.inventory import Inventory, Service
from tests.agent.init.test_service_scripts import is_read
from tests.fakes.device_shell import DeviceShell, end, until

pytestmark = pytest.mark.tools

SCRIPT = "init/files/usr/lib/edge/scan/.requests/run"
LIST = [
    {"name": "web", "state": "ready", "pid": 41, "age_s": 3600, "restarts": 0},
    {"name": "broken", "state": "restarting", "pid": None, "age_s": 7, "restarts": 5},
]


@pytest.fixture
def shell(tmp_path: Path) -> DeviceShell:
    """A device with two services and the agent; its edge-ctl is faked."""
    made = DeviceShell(tmp_path / "root", functions='reboot() { echo "reboot $*" >>"$CALLS"; }\n')
    for folder in ("run/edge", "dev/edge"):
        (made.root / folder).mkdir(parents=True)
    (made.root / "dev/kmsg").touch()
    made.write("etc/edge/order", "web\nbroken\nagent\napi\n")
    pipe = f"{made.root}/dev/edge/request"
    for name, devices in (("web", ""), ("broken", ""), ("agent", pipe)):
        made.write(f"etc/edge/services/{name}/conf", f"NAME='{name}'\nDEVICES='{devices}'\n")
    made.write("etc/edge/services/api/conf", "NAME='api'\nDEVICES=''\nUPDATE='in-place'\n")
    made.program("s6-svc")
    made.write("list", json.dumps(LIST))
    body = f'case $1 in list) cat "{made.root}/list" ;; restart) [ $2 = web ] || exit 6 ;; esac'
    made.program("edge-ctl", body)
    os.mkfifo(made.root / "dev/edge/request")
    return made


@pytest.fixture
def init(shell: DeviceShell) -> Iterator[Init]:
    pipe = shell.root / "dev/edge/request"
    child = shell.start(SCRIPT)
    try:
        until(lambda: is_read(pipe))
        yield Init(pipe, shell.root / "run/edge")
    finally:
        end(child)


def test_a_service_is_restarted(shell: DeviceShell, init: Init) -> None:
    init.restart("web")

    assert shell.calls() == ["edge-ctl restart web"]
    assert "a service asks for a restart of web" in shell.read("dev/kmsg")


def test_a_service_that_does_not_come_back_is_an_error(init: Init) -> None:
    with pytest.raises(AgentError, match="broken is not ready again"):
        init.restart("broken")


@pytest.mark.parametrize("name", ["agent", "none", "edge-requests", "watchdog", "we"])
def test_what_looks_after_the_device_and_what_is_none_is_not_restarted(
    shell: DeviceShell, init: Init, name: str
) -> None:
    with pytest.raises(RefusedError):
        init.restart(name)

    assert shell.calls() == []


@pytest.mark.parametrize(
    "line",
    [
        "restart web",
        "restart web 0g",
        "restart web ../../x",
        "restart web; reboot 0a",
        "restart $(reboot) 0a",
        "restart ../services/web 0a",
        "restart * 0a",
        "restart web 0a 0b",
        "restart -e 0a",
        "services",
        "services /etc/shadow",
        "reboot now",
        "stop web 0a",
        "switch web 0a",
        "switch agent 0a",
        "switch none 0a",
        "switch ../services/api 0a",
        "switch api",
        "x" * 500,
    ],
)
def test_no_other_line_does_anything(shell: DeviceShell, init: Init, line: str) -> None:
    write_line(init.pipe, line)

    init.restart("web")
    assert shell.calls() == ["edge-ctl restart web"]


def test_a_service_in_place_is_switched_without_waiting_for_it(
    shell: DeviceShell, init: Init
) -> None:
    write_line(init.pipe, "switch api 0a")

    until(lambda: "s6-svc" in shell.read("calls"))
    assert shell.calls() == ["edge-ctl stop api", f"s6-svc -u {shell.root}/run/service/api"]


def test_a_restart_does_not_hold_up_the_system(shell: DeviceShell, init: Init) -> None:
    shell.program("edge-ctl", "while [ ! -e $CALLS.go ]; do sleep 0.05; done")
    done = threading.Thread(target=lambda: init.restart("web"))
    done.start()
    until(lambda: "edge-ctl" in shell.read("calls"))

    with pytest.raises(RefusedError, match="under way"):
        init.restart("broken")
    write_line(init.pipe, "reboot")
    until(lambda: "reboot" in shell.read("calls"))

    (shell.root / "calls.go").touch()
    done.join(10)
    assert not done.is_alive()


def test_services_are_told_with_the_versions_of_the_image(shell: DeviceShell, init: Init) -> None:
    versions = shell.write("etc/edge/versions", "broken 1f2e3d\nweb 0a1b2c\nwrong\n")

    found = Facts(versions=versions).services(init.services())

    assert found == (
        Service("web", "ready", "0a1b2c", 41, 3600, 0),
        Service("broken", "restarting", "1f2e3d", 0, 7, 5),
    )


def test_an_init_that_does_not_answer_is_an_error(shell: DeviceShell) -> None:
    pipe = shell.root / "dev/edge/request"
    handle = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(AgentError, match="does not answer"):
            Init(pipe, shell.root / "run/edge", pause=lambda _s: None).services()
    finally:
        os.close(handle)


def test_without_a_pipe_nothing_is_asked(tmp_path: Path) -> None:
    with pytest.raises(AgentError):
        Init(tmp_path / "none", tmp_path).restart("web")


def test_an_answer_to_another_request_is_none(shell: DeviceShell, init: Init) -> None:
    shell.write("run/edge/answer", "00 0\n")

    with pytest.raises(RefusedError):
        init.restart("none")


def test_facts_of_this_machine_are_an_inventory(tmp_path: Path) -> None:
    facts = Facts(data=tmp_path)
    memory, disk = facts.memory(), facts.disk()

    found = Inventory(
        kernel=facts.kernel(),
        uptime_s=facts.uptime_s(),
        memory_bytes=memory[0],
        memory_free_bytes=memory[1],
        data_bytes=disk[0],
        data_free_bytes=disk[1],
        addresses=facts.addresses(),
    )

    assert Inventory.unpack(found.pack()) == found
    assert 0 < memory[1] <= memory[0]
    assert 0 < disk[1] <= disk[0]
    assert facts.uptime_s() > 0


def test_facts_that_can_not_be_read_are_left_empty(tmp_path: Path) -> None:
    facts = Facts(proc=tmp_path / "none", data=tmp_path / "none", versions=tmp_path / "none")

    assert (facts.uptime_s(), facts.memory(), facts.disk()) == (0, (0, 0), (0, 0))


def test_what_init_says_is_looked_at(tmp_path: Path) -> None:
    told: list[dict[str, object]] = [
        {"name": "../x", "state": "ready"},
        {"name": "web", "state": "haunted"},
        {"name": "web"},
        {"name": "worker", "state": "ready", "pid": -1, "age_s": "x", "restarts": True},
    ]

    assert Facts(versions=tmp_path / "none").services(told) == (Service("worker", "ready"),)
