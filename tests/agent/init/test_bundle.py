"""What is made ready on the device before a container starts, and taken away after it ended."""

import json
from typing import Any

import pytest

from edge.oci.preparing import PreparedRoot, RootKind
from edge.oci.spec import User
from edge.oci.supervision import Supervised, oneshot_conf
from edge.strict.model import load_model
from edge.system.settings import Settings
from tests.fakes.device_shell import DeviceShell, Ended

pytestmark = pytest.mark.tools

SCRIPT = "init/files/usr/lib/edge/bundle"
FOLDER = "containers/services/web"
PROGRAMS = """
mount() { echo "mount $*" >>"$CALLS"; }
umount() { echo "umount $*" >>"$CALLS"; }
chown() { :; }
"""


@pytest.fixture
def shell(shell: DeviceShell) -> DeviceShell:
    shell.functions = PROGRAMS
    shell.write("proc/mounts", "")
    for name in ("rootfs", "tmp", "lower"):
        (shell.root / FOLDER / name).mkdir(parents=True)
    return shell


def run(
    shell: DeviceShell,
    runtime: dict[str, Any],
    *,
    root: RootKind = RootKind.FILES,
    update: str = "",
) -> Ended:
    """Run `prepare` with settings as a build writes them; paths of the device are the test's."""
    settings = load_model(Settings, json.dumps({"runtime": runtime}), "test.yml")
    lower = "" if root is RootKind.FILES else f"{shell.root}/{FOLDER}/lower"
    conf = oneshot_conf(Supervised("web", settings, User(1, 2), PreparedRoot(root, lower)))
    file = shell.root / "conf"
    conf += f"UPDATE='{update}'\n".encode() if update else b""
    file.write_bytes(conf.replace(b" /run/", f" {shell.root}/run/".encode()))
    return shell.run(SCRIPT, "prepare", str(file), f"{shell.root}/{FOLDER}")


def calls(shell: DeviceShell) -> list[str]:
    return [call.replace(f"{shell.root}/", "/") for call in shell.calls()]


def test_a_root_of_files_needs_no_mount(shell: DeviceShell) -> None:
    assert run(shell, {}).status == 0
    assert calls(shell) == []


def test_a_root_that_can_be_written_is_an_overlay_in_memory(shell: DeviceShell) -> None:
    (shell.root / FOLDER / "lower").chmod(0o750)

    assert run(shell, {}, root=RootKind.OVERLAY).status == 0

    place = f"/{FOLDER}"
    assert calls(shell) == [
        f"mount -t tmpfs -o nosuid,nodev,mode=0755,size=25% tmpfs {place}/tmp",
        f"mount -t overlay -o lowerdir={place}/lower,upperdir={place}/tmp/upper,"
        f"workdir={place}/tmp/work overlay {place}/rootfs",
    ]
    assert (shell.root / FOLDER / "tmp/upper").stat().st_mode & 0o777 == 0o750


def test_a_root_of_another_container_is_bound(shell: DeviceShell) -> None:
    assert run(shell, {}, root=RootKind.BIND).status == 0
    assert calls(shell) == [f"mount -o bind /{FOLDER}/lower /{FOLDER}/rootfs"]


@pytest.mark.parametrize("update", ["in-place", ""])
@pytest.mark.parametrize("root", [RootKind.FILES, RootKind.OVERLAY])
def test_a_service_in_place_has_the_root_of_its_image(
    shell: DeviceShell, root: RootKind, update: str
) -> None:
    image = shell.root / "run/in-place/web/rootfs"
    image.mkdir(parents=True)
    (shell.root / "run/in-place/web.open").touch()

    assert run(shell, {}, root=root, update=update).status == 0

    assert any("/run/in-place/web/rootfs" in call for call in calls(shell)) is bool(update)


def test_what_an_earlier_life_left_is_taken_away_first_the_last_mount_first(
    shell: DeviceShell,
) -> None:
    inside = [f"{shell.root}/{FOLDER}/{name}" for name in ("tmp", "rootfs", "rootfs/x")]
    outside = [f"{shell.root}/{FOLDER}-other/rootfs", "/data"]
    lines = (f"none {place} tmpfs rw 0 0\n" for place in (*inside, *outside))
    shell.write("proc/mounts", "".join(lines))

    run(shell, {})

    assert shell.calls() == [f"umount {place}" for place in reversed(inside)]


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        pytest.param(
            {"type": "tmpfs", "source": "tmpfs", "destination": "/run/x", "options": ["size=1m"]},
            ["mount -t tmpfs -o size=1m tmpfs /run/x"],
            id="tmpfs",
        ),
        pytest.param(
            {"type": "tmpfs", "destination": "inside"},
            [f"mount -t tmpfs -o rw tmpfs /{FOLDER}/rootfs/inside"],
            id="inside the container",
        ),
        pytest.param(
            {"type": "bind", "source": "/etc", "destination": "/run/x", "options": ["ro"]},
            ["mount -o ro,bind /etc /run/x", "mount -o remount,bind,ro /run/x"],
            id="a bind that is only read",
        ),
        pytest.param(
            {"type": "bind", "source": "/etc", "destination": "/run/x", "options": ["rbind"]},
            ["mount -o rbind /etc /run/x"],
            id="recursive bind",
        ),
        pytest.param(
            {"source": "/dev/sda1", "destination": "/run/x"},
            ["mount -o rw /dev/sda1 /run/x"],
            id="of a type that the kernel finds",
        ),
    ],
)
def test_mounts_are_made(shell: DeviceShell, mount: dict[str, Any], expected: list[str]) -> None:
    ended = run(shell, {"mounts": [mount]})

    assert (ended.status, ended.out) == (0, "")
    assert calls(shell) == expected
    assert (shell.root / expected[-1].rpartition(" ")[2].lstrip("/")).is_dir()


def test_the_folders_of_an_overlay_are_made(shell: DeviceShell) -> None:
    layers = [f"{name}dir={shell.root}/run/o/{name}" for name in ("lower", "upper", "work")]
    mount = {"type": "overlay", "destination": "etc", "options": layers}

    assert run(shell, {"mounts": [mount]}).status == 0

    assert sorted(path.name for path in (shell.root / "run/o").iterdir()) == ["upper", "work"]


def test_a_file_is_bound_on_a_file(shell: DeviceShell) -> None:
    source = shell.write("etc/x.conf", "x")
    mount = {"type": "bind", "source": str(source), "destination": f"{shell.root}/run/x/y.conf"}

    assert run(shell, {"mounts": [mount]}).status == 0

    assert (shell.root / "run/x/y.conf").is_file()


def test_what_is_mounted_already_stays(shell: DeviceShell) -> None:
    shell.write("proc/mounts", f"tmpfs {shell.root}/run/x tmpfs rw 0 0\n")

    run(shell, {"mounts": [{"type": "tmpfs", "destination": f"{shell.root}/run/x"}]})

    assert shell.calls() == []


@pytest.mark.parametrize("place", ["rootfs/inside", "rootfs/a/inside"])
def test_a_link_in_the_way_is_not_followed(shell: DeviceShell, place: str) -> None:
    (shell.root / "etc").mkdir()
    link = shell.root / FOLDER / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(shell.root / "etc")
    mount = {"type": "tmpfs", "destination": f"{place.removeprefix('rootfs/')}/deep"}

    ended = run(shell, {"mounts": [mount]})

    assert (ended.status, shell.calls()) == (1, [])
    assert "a link or a file in the way" in ended.out


def test_control_groups_are_made(shell: DeviceShell) -> None:
    assert run(shell, {"cgroups": ["/a/b", "c"]}).status == 0
    assert (shell.root / "sys/fs/cgroup/a/b").is_dir()
    assert (shell.root / "sys/fs/cgroup/c").is_dir()


def test_a_mount_that_fails_keeps_the_container_from_starting(shell: DeviceShell) -> None:
    shell.functions = PROGRAMS + "mount() { return 1; }\n"

    ended = run(shell, {"mounts": [{"type": "tmpfs", "destination": "/run/x"}]})

    assert ended.status == 1
    assert "tmpfs cannot be mounted" in ended.out
