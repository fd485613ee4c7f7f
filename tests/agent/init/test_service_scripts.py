"""How a service is started, asked for its health, and started again."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.agent.init.conftest import Service
from tests.fakes.device_shell import DeviceShell, end, until

pytestmark = pytest.mark.tools

SCRIPTS = "init/files/usr/lib/edge/service"
WEB = "run/service/web"
RESTARTS = "run/edge/restarts/web"
SLOW = "sleep() { echo sleep $1 >>$CALLS; }\n"


def finish(shell: DeviceShell, status: int = 1, *, lived_s: int = 0) -> int:
    """End the service after some seconds of life; return the status of `finish`."""
    shell.write(f"{WEB}/data/started", "1000\n")
    shell.write("proc/uptime", f"{1000 + lived_s}.50 900.00\n")
    return shell.run(f"{SCRIPTS}/finish", str(status), "0", cwd=WEB).status


def waits_s(shell: DeviceShell) -> str:
    return shell.read(f"{WEB}/data/wait_s").strip()


def test_a_service_that_keeps_failing_waits_longer_each_time(
    shell: DeviceShell, service: Service
) -> None:
    service()
    waited = []

    for _ in range(9):
        assert finish(shell) == 0
        waited.append(int(waits_s(shell)))

    assert waited == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert shell.read(RESTARTS) == "9\n"


def test_a_minute_of_life_makes_the_next_start_immediate(
    shell: DeviceShell, service: Service
) -> None:
    service()
    for lived_s in (0, 0, 59):
        finish(shell, lived_s=lived_s)
    assert waits_s(shell) == "2"

    finish(shell, lived_s=60)
    after_a_minute = waits_s(shell)
    finish(shell)

    assert (after_a_minute, waits_s(shell)) == ("0", "1")


def test_a_service_that_cannot_even_be_started_waits_longer_each_time(
    shell: DeviceShell, service: Service
) -> None:
    service()
    finish(shell, lived_s=100)
    waited = []

    for _ in range(3):
        assert shell.run(f"{SCRIPTS}/finish", "1", "0", cwd=WEB).status == 0
        waited.append(waits_s(shell))

    assert waited == ["1", "2", "4"]


@pytest.mark.parametrize(
    ("policy", "status", "expected"),
    [
        ("no", 0, 125),
        ("no", 1, 125),
        ("on-failure", 0, 125),
        ("on-failure", 1, 0),
        ("on-failure", 256, 0),
        ("always", 0, 0),
        ("always", 1, 0),
    ],
)
def test_the_restart_policy_decides_what_comes_after_an_end(
    shell: DeviceShell, service: Service, policy: str, status: int, expected: int
) -> None:
    service(restart=policy)

    assert finish(shell, status) == expected
    assert (shell.root / RESTARTS).exists() is (expected == 0)


def test_a_service_that_was_stopped_does_not_count_as_failed(
    shell: DeviceShell, service: Service
) -> None:
    service(svstat="false\n")
    shell.write(f"{WEB}/data/wait_s", "16\n")

    assert finish(shell) == 0

    assert not (shell.root / WEB / "data" / "wait_s").exists()
    assert not (shell.root / RESTARTS).exists()


def test_what_is_left_of_a_container_is_cleared_away(shell: DeviceShell, service: Service) -> None:
    service()
    (shell.root / "run/crun/web").mkdir()
    probing = subprocess.Popen(["sleep", "60"])
    shell.write(f"{WEB}/data/health", f"{probing.pid}\n")

    finish(shell)

    assert f"crun --root {shell.root}/run/crun --cgroup-manager=cgroupfs delete --force web" in (
        shell.calls()
    )
    assert probing.wait(10) == -15


@pytest.mark.parametrize(
    ("readiness", "preserved"), [("fd", "1"), ("started", "0")], ids=lambda value: str(value)
)
def test_a_service_is_run_after_what_it_needs_and_after_its_wait(
    shell: DeviceShell, service: Service, readiness: str, preserved: str
) -> None:
    service(ready=readiness, depends_on=["one"], after=["two", "not-listed"])
    shell.write("etc/edge/services/two/conf", "")
    shell.write(f"{WEB}/data/wait_s", "4\n")
    shell.functions = SLOW

    ended = shell.run(f"{SCRIPTS}/run", cwd=WEB)

    root = shell.root
    assert ended.status == 0
    assert shell.calls() == [
        "sleep 4",
        *(
            f"{program} {root}/run/service/{name}"
            for name in ("one", "two")
            for program in ("s6-svok", "s6-svwait -U")
        ),
        f"crun --root {root}/run/crun --cgroup-manager=cgroupfs run --preserve-fds {preserved}"
        f" --bundle {root}/containers/services/web web",
    ]
    assert shell.read(f"{WEB}/data/started") == "1000\n"


@pytest.mark.parametrize("opens", [True, False], ids=["an image", "the system's own"])
def test_a_service_in_place_runs_by_the_settings_of_what_was_opened(
    shell: DeviceShell, service: Service, *, opens: bool
) -> None:
    service(update="in-place", svstat="false\n")
    body = f"mkdir -p {shell.root}/run/in-place && : >{shell.root}/run/in-place/$1.open"
    script = shell.write("usr/lib/edge/in-place", f"#!/bin/sh\n{body if opens else ':'}\n")
    script.chmod(0o755)
    shell.write("usr/lib/edge/bundle", "#!/bin/sh\n").chmod(0o755)
    shell.functions = SLOW

    ended = shell.run(f"{SCRIPTS}/run", cwd=WEB)

    calls = shell.calls()
    own = f" --config {shell.root}/run/in-place/web/config.json"
    assert ended.status == 0
    assert any(own in call for call in calls) is opens
    assert (shell.root / "run/edge/down/web").exists(), "not ready while it is switched"


def test_a_service_waits_for_the_word_of_the_agent_where_a_version_was_committed(
    shell: DeviceShell, service: Service
) -> None:
    service(update="in-place", svstat="false\n")
    shell.write("usr/lib/edge/in-place", '#!/bin/sh\necho "in-place $1" >>"$CALLS"\n').chmod(0o755)
    shell.write("data/agent/services/web/state", "{}")
    shell.functions = SLOW + 'usleep() { echo "usleep $1" >>"$CALLS"; }\n'

    shell.run(f"{SCRIPTS}/run", cwd=WEB)

    calls = shell.calls()
    assert calls[:900] == ["usleep 100000"] * 900
    assert calls[900] == "in-place web"


def test_its_folders_are_made_with_their_mode(shell: DeviceShell, service: Service) -> None:
    wanted = shell.root / "data" / "web" / "cache"
    service(runtime={"mkdir": [str(wanted.parent), f"{wanted}/"]})
    wanted.parent.mkdir(parents=True, mode=0o700)

    ended = shell.run(f"{SCRIPTS}/run", cwd=WEB)

    assert ended.status == 0
    assert wanted.stat().st_mode & 0o777 == 0o755
    assert wanted.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("deep", [False, True], ids=["the folder", "one above it"])
def test_a_link_that_a_service_left_in_place_of_a_folder_is_not_followed(
    shell: DeviceShell, service: Service, deep: bool
) -> None:
    target = shell.root / "data" / "agent"
    (target / "sub").mkdir(parents=True)
    (target / "sub").chmod(0o700)
    target.chmod(0o700)
    (shell.root / "data" / "web").mkdir()
    link = shell.root / "data" / "web" / "cache"
    link.symlink_to(target)
    service(runtime={"mkdir": [str(link / "sub" if deep else link)]})

    ended = shell.run(f"{SCRIPTS}/run", cwd=WEB)

    assert ended.status == 1
    assert "is a link in the way?" in ended.out
    assert [path.stat().st_mode & 0o777 for path in (target, target / "sub")] == [0o700, 0o700]
    assert not any(call.startswith("crun") for call in shell.calls())


def test_a_service_without_a_folder_of_its_own_needs_none(
    shell: DeviceShell, service: Service
) -> None:
    service()

    assert shell.run(f"{SCRIPTS}/run", cwd=WEB).status == 0


def test_the_number_of_the_health_check_is_known_before_the_container_runs(
    shell: DeviceShell, service: Service
) -> None:
    service(health={"command": ["true"]})
    health = shell.write("usr/lib/edge/service/health", "#!/bin/sh\nexec sleep 60\n")
    health.chmod(0o755)
    shell.program("crun", 'kill "$(cat data/health)" && echo "health was there" >>"$CALLS"')

    shell.run(f"{SCRIPTS}/run", cwd=WEB)

    assert shell.calls()[-1] == "health was there"


NASTY = ("ask", "two words", "$HOME", "`id`", "$(id)", "it's", ";exit", "a\\b", "*", '"')


def healthy(service: Service, *command: str, **settings: object) -> Path:
    health = {"command": command or ("ask",), "interval_s": 1, "retries": 2, "start_s": 5}
    return service(ready="health", health={**health, **settings}, stop_timeout_s=1)


def test_a_service_is_ready_after_the_first_good_answer(
    shell: DeviceShell, service: Service
) -> None:
    healthy(service)
    shell.program("crun", 'test -e "$CALLS-good"')
    child = shell.start(f"{SCRIPTS}/health", cwd=WEB)
    try:
        until(lambda: len(shell.read("calls").splitlines()) >= 2)
        before = shell.read("ready")
        (shell.root / "calls-good").touch()
        until(lambda: shell.read("ready") != "")
    finally:
        end(child)

    assert (before, shell.read("ready")) == ("", "\n")


def test_each_word_of_the_health_command_arrives_as_it_was_written(
    shell: DeviceShell, service: Service
) -> None:
    healthy(service, *NASTY)
    shell.program("crun", 'for word; do printf "%s\\n" "$word"; done >"$CALLS-words"')
    child = shell.start(f"{SCRIPTS}/health", cwd=WEB)
    try:
        until(lambda: shell.read("ready") != "")
    finally:
        end(child)

    words = shell.read("calls-words").splitlines()
    assert words == ["--root", f"{shell.root}/run/crun", "exec", "web", *NASTY]


def test_a_service_that_gives_bad_answers_is_restarted_and_then_killed(
    shell: DeviceShell, service: Service
) -> None:
    healthy(service)
    shell.write(f"{WEB}/data/health", "1\n")
    answer = 'case $* in *exec*) test ! -e "$CALLS-bad" || { echo "no answer"; exit 1; } ;; esac'
    shell.program("crun", answer)
    shell.functions = SLOW.replace("}", "busybox usleep 1000; }")
    child = shell.start(f"{SCRIPTS}/health", cwd=WEB)
    try:
        until(lambda: shell.read("ready") != "")
        (shell.root / "calls-bad").touch()
        child.wait(10)
    finally:
        end(child)

    assert shell.read("out") == (
        "edge: health check failed (1 of 2): no answer\n"
        "edge: health check failed (2 of 2): no answer\n"
    )
    assert shell.calls()[-3:] == [
        "s6-svc -r .",
        "sleep 1",
        f"crun --root {shell.root}/run/crun kill web KILL",
    ]
    assert not (shell.root / WEB / "data" / "health").exists()


def test_a_service_that_never_answers_is_restarted_after_its_start_time(
    shell: DeviceShell, service: Service
) -> None:
    healthy(service, start_s=1)
    shell.program("crun", 'echo "1001.00 1" >"${CALLS%calls}proc/uptime"; exit 1')
    shell.functions = SLOW

    ended = shell.run(f"{SCRIPTS}/health", cwd=WEB)

    assert ended.out == "edge: not healthy in time\n"
    assert "s6-svc -r ." in shell.calls()
    assert shell.read("ready") == ""


def test_the_start_of_a_container_makes_its_service_ready(shell: DeviceShell) -> None:
    script = shell.installed(f"{SCRIPTS}/started", "started")
    script.write_text(script.read_text().replace(f"{shell.root}/proc", "/proc"))
    ready = shell.root / "ready"

    subprocess.run(["/bin/sh", "-c", f"exec 3>{ready}; {script}; :"], check=True)

    assert ready.read_text() == "\n"


def test_of_the_running_slot_a_service_gets_the_partitions_to_read_only(
    shell: DeviceShell, service: Service
) -> None:
    names = ("rootfs-a", "rootfs-b", "boot-b", "bootstate", "request")
    nodes = [shell.write(f"dev/edge/{name}", "") for name in names]
    service(devices=[{"path": f"/dev/edge/{name}", "mode": "rw"} for name in names])
    conf = shell.root / WEB / "conf"
    conf.write_text(conf.read_text().replace("/dev/edge", f"{shell.root}/dev/edge"))

    ended = shell.run(f"{SCRIPTS}/run", cwd=WEB)

    assert ended.status == 0
    assert [node.stat().st_mode & 0o777 for node in nodes] == [0o440, 0o660, 0o660, 0o660, 0o660]


def test_a_request_for_a_restart_is_carried_out_and_no_other(shell: DeviceShell) -> None:
    (shell.root / "dev/kmsg").touch()
    pipe = shell.root / "dev/edge/request"
    os.mkfifo(pipe)
    shell.functions = 'reboot() { echo "reboot $*" >>"$CALLS"; }\n'
    child = shell.start("init/files/usr/lib/edge/scan/.requests/run")
    try:
        until(lambda: is_read(pipe))
        pipe.write_text(f"poweroff\nreboot now\n{'x' * 200}\nreboot\n")
        until(lambda: shell.read("calls") != "")
    finally:
        end(child)

    assert shell.calls() == ["reboot "]


def is_read(pipe: Path) -> bool:
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_a_service_that_ended_is_down_until_it_is_ready_again(
    shell: DeviceShell, service: Service
) -> None:
    folder = service()
    finish(shell)
    down = shell.root / "run/edge/down/web"
    assert down.exists()
    (folder / "svstat").write_text("false\n")
    shell.functions = "sleep() { busybox usleep 1000; }\n"

    child = shell.start(f"{SCRIPTS}/run", cwd=WEB)
    try:
        assert child.wait(10) == 0
        assert down.exists()
        (folder / "svstat").write_text("true\n")
        until(lambda: not down.exists())
    finally:
        end(child)

    assert not (folder / "data/waiter").exists()
