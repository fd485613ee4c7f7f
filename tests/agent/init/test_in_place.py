"""Which version of a service init starts: what it is told, as far as it gains no rights by it."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from edge.oci.in_place import encoded
from tests.fakes.device_shell import DeviceShell, Ended

pytestmark = pytest.mark.tools

SCRIPT = "init/files/usr/lib/edge/in-place"
SAID = "run/edge/in-place/web"
ROOT_HASH = "ab" * 32
WORD = f"a {ROOT_HASH} 5a17 3 web+2.0\n"
CONFIG: dict[str, Any] = {
    "hooks": {"poststart": [{"args": ["started"], "path": "/usr/lib/edge/service/started"}]},
    "linux": {"maskedPaths": ["/proc/kcore"], "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"}},
    "mounts": [{"destination": "/data", "source": "/data/web", "type": "bind"}],
    "ociVersion": "1.1.0",
    "process": {
        "args": ["/bin/web", "--one"],
        "capabilities": {"bounding": ["CAP_CHOWN"]},
        "cwd": "/",
        "env": ["A=1"],
        "noNewPrivileges": True,
        "user": {"gid": 10001, "uid": 10001},
    },
    "root": {"path": "rootfs", "readonly": True},
}
# `mount` shows what the test has put into `image`; `umount` takes it away.
PROGRAMS = """
mount() { echo "mount $*" >>"$CALLS"; for _at; do :; done; cp -r "$IMAGE/." "$_at"; }
umount() { echo "umount $*" >>"$CALLS"; for _at; do :; done; rm -rf "$_at"/*; }
usleep() { :; }
"""
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def shell(shell: DeviceShell) -> DeviceShell:
    shell.functions = PROGRAMS
    shell.variables["IMAGE"] = str(shell.root / "image")
    shell.program("edge-image", '[ "$1" != open ] || echo /dev/dm-7; [ ! -e "$IMAGE/$1.bad" ]')
    shell.write("etc/edge/services/web/conf", "NAME='web'\n")
    shell.write("image/conf", "NAME='web'\n")
    shell.write("data/agent/services/web/state", "{}")
    shell.write("containers/services/web/config.json", encoded(CONFIG).decode())
    shell.write("image/config.json", encoded(CONFIG).decode())
    shell.write("run/edge-agent/in-place/web", WORD)
    return shell


def run(shell: DeviceShell) -> Ended:
    return shell.run(SCRIPT, "web")


def taken(shell: DeviceShell) -> bool:
    """Run, and return whether the image that was told is what starts."""
    assert run(shell).status == 0
    is_open = (shell.root / "run/in-place/web.open").exists()
    assert is_open == (shell.read(SAID) == f"a {ROOT_HASH} web+2.0\n")
    return is_open


def edited(shell: DeviceShell, edit: Edit) -> None:
    config = deepcopy(CONFIG)
    edit(config)
    shell.write("image/config.json", encoded(config).decode())


def test_what_the_agent_vouches_for_is_opened_by_its_root_hash(shell: DeviceShell) -> None:
    assert taken(shell)

    root = str(shell.root)
    calls = [call.replace(root, "") for call in shell.calls()]
    image = "/data/agent/services/web/a.img"
    assert f"edge-image open web {image} {ROOT_HASH} 5a17 3" in calls
    assert "mount -t erofs -o ro,nodev /dev/dm-7 /run/in-place/web" in calls


def test_it_stays_open_when_the_service_is_started_again(shell: DeviceShell) -> None:
    run(shell)
    shell.calls()

    assert taken(shell)

    assert shell.calls() == ["edge-image status web"]


def test_it_is_closed_before_the_data_partition_is_left(shell: DeviceShell) -> None:
    run(shell)
    shell.calls()

    assert shell.run(SCRIPT, "web", "shut").status == 0

    calls = [call.replace(str(shell.root), "") for call in shell.calls()]
    assert calls == ["umount /run/in-place/web", "edge-image close web"]
    assert not (shell.root / "run/in-place/web.open").exists()


def test_a_damaged_image_is_left(shell: DeviceShell) -> None:
    run(shell)
    shell.write("image/status.bad", "")

    assert not taken(shell)
    assert shell.read(SAID) == f"factory {ROOT_HASH} its image is damaged\n"


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda c: c["process"].update(args=["/other"]), id="another program"),
        pytest.param(lambda c: c["process"].update(args=[]), id="no words"),
        pytest.param(lambda c: c["process"].update(env=["B=\"'\\", "C=\u20ac"]), id="environment"),
        pytest.param(lambda c: c["process"].update(env=[]), id="no environment"),
        pytest.param(lambda c: c["process"].update(cwd="/srv"), id="another folder"),
    ],
)
def test_program_environment_and_folder_may_be_others(shell: DeviceShell, edit: Edit) -> None:
    edited(shell, edit)

    assert taken(shell)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda c: c["process"]["user"].update(uid=0), id="root"),
        pytest.param(
            lambda c: c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN"),
            id="capability",
        ),
        pytest.param(lambda c: c["process"].update(noNewPrivileges=False), id="new privileges"),
        pytest.param(
            lambda c: c["mounts"].append({"destination": "/x", "source": "/"}), id="mount"
        ),
        pytest.param(lambda c: c["linux"].pop("seccomp"), id="no seccomp"),
        pytest.param(lambda c: c["hooks"]["poststart"][0].update(args=["x"]), id="words of a hook"),
        pytest.param(lambda c: c["hooks"].update(args=["x"]), id="args elsewhere"),
        pytest.param(lambda c: c["root"].update(cwd="/"), id="cwd elsewhere"),
        pytest.param(lambda c: c.update(process2={"args": []}), id="a second process"),
        pytest.param(lambda c: c["process"].update(args=[["x"]]), id="a list in args"),
        pytest.param(lambda c: c["process"].update(args=[{"x": 1}]), id="an object in args"),
        pytest.param(lambda c: c["process"].update(env=[1]), id="a number in env"),
    ],
)
def test_it_gains_no_rights(shell: DeviceShell, edit: Edit) -> None:
    edited(shell, edit)

    assert not taken(shell)
    assert shell.read(SAID) == (
        f"factory {ROOT_HASH} it asks for other rights than this system gives it\n"
    )


@pytest.mark.parametrize(
    ("line", "more"),
    [
        pytest.param('  "args": [', '  "args": [\n   "x"\n  ],\n', id="args twice"),
        pytest.param('  "cwd": "/",', '  "cwd": "/x",\n', id="cwd twice"),
        pytest.param('   "--one"', '   "x"], "user": {"uid": 0}, "a": ["y",\n', id="out of a list"),
        pytest.param('   "--one"', '   "x" ], "user": {"uid": 0\n', id="a line that goes on"),
        pytest.param('  "cwd": "/",', '  "cwd": "/", "user": {"uid": 0},\n', id="behind cwd"),
        pytest.param('  "env": [', '  "env": [], "user": {"uid": 0}, "x": [\n', id="behind env"),
        pytest.param('    "path": ', '  "args": [\n   "x"\n  ],\n', id="in a hook"),
    ],
)
def test_no_trick_with_lines_brings_it_rights(shell: DeviceShell, line: str, more: str) -> None:
    text = encoded(CONFIG).decode()
    assert line in text
    shell.write("image/config.json", text.replace(line, more + line, 1))

    assert not taken(shell)


def test_what_lands_lock_holds_keeps_its_words(shell: DeviceShell) -> None:
    held = deepcopy(CONFIG)
    held["process"]["args"] = ["/.edge-confine", "read=/", "--", "/bin/web"]
    shell.write("containers/services/web/config.json", encoded(held).decode())
    held["process"]["env"] = ["B=2"]
    shell.write("image/config.json", encoded(held).decode())
    assert taken(shell)

    (shell.root / "run/in-place/web.open").unlink()
    held["process"]["args"][1] = "read=/,write=/"
    shell.write("image/config.json", encoded(held).decode())
    assert not taken(shell)


def test_other_settings_of_the_supervisor_are_refused(shell: DeviceShell) -> None:
    shell.write("image/conf", "NAME='web'\nMKDIR='/etc 0777 1 1'\n")

    assert not taken(shell)
    assert "its settings are others" in shell.read(SAID)


@pytest.mark.parametrize(
    "word",
    [
        "factory\n",
        "",
        "c " + ROOT_HASH + " - 3 web+2.0\n",
        f"a {ROOT_HASH}/../x - 3 web+2.0\n",
        f"a {ROOT_HASH} - 3 $(reboot)\n",
    ],
)
def test_any_other_word_is_the_version_of_the_system(shell: DeviceShell, word: str) -> None:
    shell.write("run/edge-agent/in-place/web", word)

    assert not taken(shell)
    assert shell.read(SAID).startswith("factory -")


def test_without_a_word_the_version_of_the_system_runs(shell: DeviceShell) -> None:
    (shell.root / "run/edge-agent/in-place/web").unlink()

    assert not taken(shell)
    assert shell.read(SAID) == "factory - the agent does not say which version may run\n"


def test_a_link_in_the_way_is_not_followed(shell: DeviceShell) -> None:
    kept = shell.root / "data/agent/services/web"
    kept.rename(shell.root / "data/elsewhere")
    kept.symlink_to(shell.root / "data/elsewhere")

    assert not taken(shell)
    assert "its image is not there" in shell.read(SAID)


def test_an_image_that_can_not_be_opened_is_told(shell: DeviceShell) -> None:
    shell.program(
        "edge-image", '[ "$1" != open ] || { echo "edge-image: loop: none" >&2; exit 1; }'
    )

    assert not taken(shell)
    assert "edge-image: loop: none" in shell.read(SAID)


def test_a_container_file_is_the_one_that_a_build_writes() -> None:
    lines = encoded(CONFIG).decode().splitlines()

    assert json.loads("\n".join(lines)) == CONFIG
    assert '  "args": [' in lines
