"""All that LinuxKit's keys ask of a device, with Edge's own defaults, in a virtual machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.emulator import machine
from edge.emulator.machine import Machine
from tests.e2e.conftest import Build
from tests.e2e.test_running_system import shell

pytestmark = pytest.mark.slow

BUSYBOX = "/usr/bin/busybox"
TOOL = """
description: a shell that waits
packages: [busybox-static]
include: [usr/bin/busybox]
exclude: [usr/bin/**, usr/share/**, etc/**, var/**]
command: [/usr/bin/busybox, sleep, "1000000"]
stop_timeout_s: 1
files:
  - {path: usr/share/text, contents: "from the image\\n"}
"""
SYSTEM = """
volumes:
  - {name: shared}
  - {name: kept, persistent: true}
  - {name: fixed, image: "@pkg:./tool", readonly: true}
onboot:
  - name: first
    service: ./tool
    command: [/usr/bin/busybox, sh, -c, "echo first >/shared/a; echo kept >/kept/it; echo x >/x"]
    readonly: false
    uid: 0
    binds: ["shared:/shared", "kept:/kept"]
services:
  - name: net
    service: ./tool
    runtime:
      interfaces:
        - {name: in0, peer: out0}
        - {name: d0, add: dummy}
        - {name: wg0, add: wireguard, createInRoot: true}
      bindNS: {net: /run/netns/net, uts: /run/uts, ipc: /run/ipc, pid: /run/pid, cgroup: /run/cg}
      cgroups: [inner/deep]
      mkdir: [/var/made]
      mounts:
        - {type: tmpfs, source: tmpfs, destination: /var/absolute, options: [size=1m]}
        - {type: bind, source: /etc/edge, destination: inside, options: [ro]}
  - {name: joined, service: ./tool, net: /run/netns/net, depends_on: [net]}
  - name: writable
    service: ./tool
    readonly: false
    uid: 0
    binds: ["shared:/shared:ro", "fixed:/fixed:ro", "shared:/own"]
    mounts: [{type: bind, source: kept, destination: /kept, options: [rbind, rw]}]
    resources:
      blockio: {throttleReadBpsDevice: [{major: 254, minor: 0, rate: 1048576}]}
      hugepageLimits: [{pageSize: 2097152, limit: 0}]
  - name: mapped
    service: ./tool
    userns: new
    uid: 0
    uidMappings: [{containerID: 0, hostID: 100000, size: 65536}]
    gidMappings: [{containerID: 0, hostID: 200000, size: 65536}]
"""


@pytest.fixture(scope="module")
def device(build: Build, work: Path) -> Iterator[Machine]:
    (work / "tool").mkdir()
    (work / "tool" / "service.yml").write_text(TOOL)
    with machine.running(build("linuxkit-keys", extra=SYSTEM)) as started:
        shell(started)
        yield started


def inside(device: Machine, name: str, command: str) -> str:
    """Return what a command says in a container, errors included."""
    words = f"crun --root /run/crun exec {name} {BUSYBOX} sh -c '{command}' 2>&1"
    return device.command(words).replace("\r", "")


def test_a_root_that_can_be_written_forgets_at_its_next_start(device: Machine) -> None:
    assert inside(device, "writable", "echo x >/new && cat /new").strip() == "x"

    device.command("edge-ctl restart writable", 60)

    assert "No such file" in inside(device, "writable", "cat /new")


def test_volumes_are_shared_and_only_read_where_that_is_said(device: Machine) -> None:
    said = inside(device, "writable", "cat /shared/a /kept/it /fixed/usr/share/text")
    refused = inside(device, "writable", "echo x >/shared/b; echo x >/fixed/b; echo y >/own/b")

    assert said.split("\n")[:3] == ["first", "kept", "from the image"]
    assert refused.count("Read-only file system") == 2
    assert device.command("cat /data/volumes/kept/upper/it").strip() == "kept"
    assert inside(device, "writable", "cat /shared/b").strip() == "y"


def test_interfaces_are_given_and_a_network_is_joined(device: Machine) -> None:
    for name in ("net", "joined"):
        said = inside(device, name, "ip link")
        assert all(f": {link}" in said for link in ("in0", "d0", "wg0")), name
        assert "eth0" not in said
    assert ": out0" in device.command("ip link")


def test_namespaces_are_bound_for_others(device: Machine) -> None:
    said = device.command("grep -c ' nsfs ' /proc/mounts; ls -ld /run/netns")

    assert said.split()[0] == "5"
    assert "drwxr-xr-x" in said


def test_folders_mounts_and_control_groups_are_made(device: Machine) -> None:
    said = device.command("ls -d /sys/fs/cgroup/inner/deep /run/var/made; cat /proc/mounts")

    assert "/sys/fs/cgroup/inner/deep" in said
    assert "/run/var/made" in said
    assert "tmpfs /run/var/absolute tmpfs rw,relatime,size=1024k" in said
    assert "network.conf" in inside(device, "net", "ls /inside")
    assert "Read-only" in inside(device, "net", "touch /inside/x")


def test_users_are_mapped(device: Machine) -> None:
    said = inside(device, "mapped", "id; cat /proc/self/uid_map /proc/self/gid_map")

    assert said.split() == ["uid=0", "gid=0", "0", "100000", "65536", "0", "200000", "65536"]


def test_limits_of_disks_and_pages_are_in_force(device: Machine) -> None:
    folder = "/sys/fs/cgroup/edge/writable"

    said = device.command(f"cat {folder}/io.max {folder}/hugetlb.2MB.max")

    assert "254:0 rbps=1048576" in said
    assert said.split()[-1] == "0"


def test_a_container_that_is_started_again_is_given_its_interfaces_again(device: Machine) -> None:
    assert "net ready" in device.command("edge-ctl restart net", 90)

    said = inside(device, "net", "ip link")
    assert all(f": {link}" in said for link in ("in0", "d0", "wg0"))
    assert device.command("grep -c ' nsfs ' /proc/mounts").strip() == "5"
    assert device.command("grep -c absolute /proc/mounts").strip() == "1"
