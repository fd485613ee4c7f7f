"""The folders that containers share: in memory, kept, or fixed."""

import pytest

from edge.oci.supervision import add_volumes
from edge.oci.tree import Tree
from edge.system.volumes import Volume
from tests.fakes.device_shell import DeviceShell

pytestmark = pytest.mark.tools

SCRIPT = "init/files/usr/lib/edge/volumes"
BASE = "/containers/volumes"
TMPFS = "mount -t tmpfs -o nosuid,nodev,mode=0755,size=25% tmpfs"
PROGRAMS = """
mount() { echo "mount $*" >>"$CALLS"; }
umount() { echo "umount $*" >>"$CALLS"; }
"""


@pytest.fixture
def shell(shell: DeviceShell) -> DeviceShell:
    shell.functions = PROGRAMS
    volumes = [
        Volume(name="m"),
        Volume(name="k", persistent=True),
        Volume(name="f", image="data", readonly=True),
    ]
    tree = Tree()
    add_volumes(volumes, tree)
    entry = tree.get("etc/edge/volumes")
    assert entry is not None
    shell.write("etc/edge/volumes", entry.read().decode())
    shell.write("proc/mounts", f"/dev/edge/data {shell.root}/data ext4 rw 0 0\n")
    shell.write("dev/kmsg", "")
    (shell.root / "containers/volumes/m/tmp").mkdir(parents=True)
    return shell


def calls(shell: DeviceShell, word: str = "mount") -> list[str]:
    shell.run(SCRIPT, word)
    return [call.replace(f"{shell.root}/", "/") for call in shell.calls()]


def overlay(name: str, upper: str) -> str:
    layers = f"lowerdir={BASE}/{name}/lower,upperdir={upper}/upper,workdir={upper}/work"
    return f"mount -t overlay -o nosuid,nodev,{layers} overlay {BASE}/{name}/merged"


def test_each_volume_is_mounted_as_it_is_kept(shell: DeviceShell) -> None:
    assert calls(shell) == [
        f"{TMPFS} {BASE}/m/tmp",
        overlay("m", f"{BASE}/m/tmp"),
        overlay("k", "/data/volumes/k"),
        f"mount -o bind {BASE}/f/lower {BASE}/f/merged",
    ]
    assert (shell.root / "data/volumes/k/upper").stat().st_mode & 0o7777 == 0o1777


def test_without_a_data_partition_what_is_kept_is_in_memory(shell: DeviceShell) -> None:
    shell.write("proc/mounts", "")

    found = calls(shell)

    assert f"{TMPFS} /run/edge/volumes/k" in found
    assert overlay("k", "/run/edge/volumes/k") in found
    assert "k: no data partition: it is not kept" in shell.read("dev/kmsg")


@pytest.mark.parametrize("link", ["data/volumes", "data/volumes/k", "data/volumes/k/upper"])
def test_a_link_on_the_data_partition_is_not_followed(shell: DeviceShell, link: str) -> None:
    elsewhere = shell.root / "elsewhere"
    elsewhere.mkdir()
    path = shell.root / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)

    found = calls(shell)

    assert not any(f"{BASE}/k/merged" in call for call in found)
    assert f"mount -o bind {BASE}/f/lower {BASE}/f/merged" in found
    assert "k cannot be mounted" in shell.read("dev/kmsg")


def test_volumes_are_unmounted_before_the_data_partition(shell: DeviceShell) -> None:
    assert calls(shell, "unmount") == [f"umount {BASE}/{name}/merged" for name in "mkf"]


def test_a_system_without_volumes_does_nothing(shell: DeviceShell) -> None:
    (shell.root / "etc/edge/volumes").unlink()

    assert calls(shell) == []
