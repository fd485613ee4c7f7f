import json
from pathlib import Path
from typing import Any

import pytest

from edge.errors import InputError
from edge.oci.spec import ImageConfig, User, encoded, own_uid, runtime_spec
from edge.strict.model import load_model
from edge.system.settings import Settings

GOLDEN = Path(__file__).parent / "golden"
USER = User(12345, 12345)
EVERY_KEY = """
command: [/usr/bin/all, "--flag", "with space"]
env: [A=1, PATH=/bin]
cwd: /srv
uid: 7
gid: 8
additionalGids: [9, 10]
capabilities: [CAP_NET_ADMIN, CAP_SYS_TIME]
ambient: [CAP_KILL]
mounts:
  - {destination: /scratch, type: tmpfs, source: tmpfs, options: [size=1m]}
  - {destination: /sys, type: sysfs, source: sysfs, options: [nosuid]}
binds: ["/data/all:/data", "/etc/edge/all.conf:/etc/all.conf:ro"]
devices:
  - {path: /dev/ttyS1}
  - {path: /dev/edge/disk, type: b, mode: r}
  - {path: /dev/rtc9, type: c, major: 253, minor: 1, mode: rw}
tmpfs: ["/run:size=1m,mode=0700"]
net: host
pid: host
ipc: /run/netns/ipc
uts: new
cgroupns: host
readonly: true
maskedPaths: [/proc/kcore]
readonlyPaths: []
noNewPrivileges: false
hostname: gateway
oomScoreAdj: -500
rootfsPropagation: shared
cgroupsPath: /edge/special
resources:
  memory: {reservation: 1048576}
  cpu: {shares: 512}
  devices: [{allow: true, type: c, major: 1, minor: 3, access: r}]
limits: {memory_mib: 64, pids: 32, cpu_percent: 50}
sysctl: {kernel.domainname: "here"}
rlimits: ["nofile,100,200", "memlock,unlimited", "core,0"]
annotations: {who: test}
ready: fd
"""


def settings(text: str) -> Settings:
    return load_model(Settings, text, "test.yml")


def spec(text: str, **options: Any) -> dict[str, Any]:
    given = {"image": ImageConfig(), "user": USER, **options}
    command = "" if text.startswith("command:") else "command: [/bin/x]\n"
    return runtime_spec("example", settings(f"{command}{text}"), **given)


@pytest.mark.parametrize(
    ("name", "text", "user"),
    [
        pytest.param("default", "command: [/usr/bin/example]", USER, id="default"),
        pytest.param("every-key", EVERY_KEY, User(7, 8, (9, 10)), id="every key"),
    ],
)
def test_the_configuration_is_byte_for_byte_the_golden_one(
    name: str, text: str, user: User
) -> None:
    made = runtime_spec("example", settings(text), ImageConfig(), user, supervised=True)

    golden = json.loads((GOLDEN / f"{name}.json").read_text())
    assert made == golden
    assert encoded(made) == encoded(golden)


def test_by_default_there_is_no_capability_and_nothing_is_shared() -> None:
    made = spec("")

    assert not any(made["process"]["capabilities"].values())
    assert made["process"]["noNewPrivileges"] is True
    assert made["root"] == {"path": "rootfs", "readonly": True}
    kinds = [namespace["type"] for namespace in made["linux"]["namespaces"]]
    assert kinds == ["cgroup", "ipc", "mount", "network", "pid", "uts"]
    assert made["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"
    assert made["linux"]["resources"]["devices"] == [{"allow": False, "access": "rwm"}]


@pytest.mark.parametrize(
    ("uid", "ambient"),
    [pytest.param(0, [], id="root"), pytest.param(5, ["CAP_CHOWN"], id="another user")],
)
def test_capabilities_outlive_exec_for_users_other_than_root(uid: int, ambient: list[str]) -> None:
    sets = spec("capabilities: [CAP_CHOWN]", user=User(uid, uid))["process"]["capabilities"]

    assert sets.pop("ambient") == ambient
    assert sets.keys() == {"bounding", "effective", "inheritable", "permitted"}
    assert all(names == ["CAP_CHOWN"] for names in sets.values())


def test_all_capabilities_are_named_one_by_one() -> None:
    sets = spec("capabilities: all")["process"]["capabilities"]

    assert len(sets["effective"]) == 41
    assert "CAP_SYS_ADMIN" in sets["bounding"]


@pytest.mark.parametrize(
    ("text", "image", "arguments", "env", "cwd"),
    [
        pytest.param(
            "",
            ImageConfig(("/entry",), ("arg",), ("PATH=/p", "A=1"), "/w"),
            ["/entry", "arg"],
            ["PATH=/p", "A=1"],
            "/w",
            id="image",
        ),
        pytest.param(
            "command: [/own]\nenv: [B=2, PATH=/q]\ncwd: /own",
            ImageConfig(("/entry",), ("arg",), ("A=1",), "/w"),
            ["/own"],
            ["B=2", "PATH=/q"],
            "/own",
            id="settings win",
        ),
    ],
)
def test_the_image_says_what_the_settings_do_not(
    text: str, image: ImageConfig, arguments: list[str], env: list[str], cwd: str
) -> None:
    given = settings(text) if text else Settings()

    process = runtime_spec("example", given, image, USER)["process"]

    assert (process["args"], process["env"], process["cwd"]) == (arguments, env, cwd)


def test_a_path_is_given_when_nobody_gives_one() -> None:
    assert spec("env: [A=1]")["process"]["env"][0].startswith("PATH=/usr/local/sbin:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("userns: new", "userns: new: uidMappings is missing", id="user namespace"),
        pytest.param(
            "uidMappings: [{containerID: 0, hostID: 1, size: 1}]",
            "uidMappings: needs a user namespace",
            id="mappings of nothing",
        ),
        pytest.param(
            "userns: new\nuidMappings: [{containerID: 0, hostID: 100000, size: 12345}]",
            "the number 12345, which it runs as, is in none",
            id="mappings without the user",
        ),
        pytest.param("runtime: {namespace: x}", "there is no containerd|not supported", id="n"),
        pytest.param(
            "net: host\nruntime: {interfaces: [{name: eth0}]}",
            "runtime.interfaces: needs a network of its own",
            id="interface of the device's network",
        ),
        pytest.param(
            "runtime: {interfaces: [{name: a, add: veth}]}", "a veth needs a `peer`", id="pair"
        ),
        pytest.param("runtime: {bindNS: {net: '/a b'}}", "a blank is not supported", id="blank"),
        *(
            pytest.param(f"resources: {{{text}}}", "not supported yet", id=text)
            for text in (
                *("memory: {kernel: 1}", "memory: {kernelTCP: 1}", "memory: {swappiness: 1}"),
                *("memory: {disableOOMKiller: true}", "cpu: {realtimeRuntime: 1}"),
                *("cpu: {realtimePeriod: 1}", "network: {classID: 1}", "blockio: {leafWeight: 1}"),
                "network: {priorities: [{name: a, priority: 1}]}",
                "blockio: {weightDevice: [{major: 8, minor: 0, leafWeight: 10}]}",
            )
        ),
        pytest.param("hostname: x\nuts: host", "hostname: needs a uts", id="host name"),
        pytest.param("binds: ['volume:/x']", "there is no such volume", id="volume"),
        pytest.param("command: []", "nothing to run", id="no command"),
        pytest.param(
            "net: host\nsysctl: {net.core.x: '1'}", "sysctl: net.core.x: needs", id="sysctl"
        ),
    ],
)
def test_what_cannot_be_carried_out_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        spec(text)


def test_a_root_that_can_be_written_is_said_to_be() -> None:
    assert spec("readonly: false")["root"] == {"path": "rootfs", "readonly": False}


def test_a_user_namespace_has_its_mappings() -> None:
    one = {"containerID": 0, "hostID": 100000, "size": 65536}

    linux = spec(f"userns: new\nuidMappings: [{json.dumps(one)}]\ngidMappings: [{json.dumps(one)}]")

    assert (linux["linux"]["uidMappings"], linux["linux"]["gidMappings"]) == ([one], [one])
    assert {"type": "user"} in linux["linux"]["namespaces"]


def test_a_hook_gives_interfaces_and_binds_namespaces() -> None:
    text = (
        "runtime: {interfaces: [{name: a, peer: b}, {name: c}, {name: d, add: dummy}],"
        " bindNS: {net: /run/n, uts: ''}}"
    )

    (hook,) = spec(text)["hooks"]["createRuntime"]

    assert hook == {
        "path": "/usr/lib/edge/attach",
        "args": ["attach", "a veth b yes\nc - - no\nd dummy - no", "net /run/n"],
    }


def test_resources_are_named_as_the_runtime_names_them() -> None:
    text = (
        "resources:\n  blockio:\n    weight: 10\n"
        "    throttleReadBpsDevice: [{major: 8, minor: 0, rate: 5}]\n"
        "  hugepageLimits: [{pageSize: 2097152, limit: 1}, {pageSize: 1GB, limit: 2}]\n"
        "devices: [{path: /dev/x, major: 1, minor: 2, mode: '0666'}, {path: all, type: b}]"
    )

    linux = spec(text)["linux"]

    rates = [{"major": 8, "minor": 0, "rate": 5}]
    assert linux["resources"]["blockIO"] == {"weight": 10, "throttleReadBpsDevice": rates}
    sizes = [limit["pageSize"] for limit in linux["resources"]["hugepageLimits"]]
    assert sizes == ["2MB", "1GB"]
    assert linux["devices"][0]["fileMode"] == 0o666
    assert linux["resources"]["devices"][1:] == [
        {"allow": True, "type": "c", "access": "rw", "major": 1, "minor": 2},
        {"allow": True, "type": "b", "access": "rwm"},
    ]


def test_a_container_without_a_command_is_refused() -> None:
    with pytest.raises(InputError, match="example: nothing to run"):
        runtime_spec("example", Settings(), ImageConfig(), USER)


@pytest.mark.parametrize(
    ("ready", "supervised", "hooked"),
    [("started", True, True), ("started", False, False), ("fd", True, False)],
)
def test_only_a_service_that_is_ready_when_started_tells_its_start(
    ready: str, supervised: bool, hooked: bool
) -> None:
    made = spec(f"ready: {ready}", supervised=supervised)

    assert ("hooks" in made) is hooked


def test_no_filter_of_system_calls_when_unconfined() -> None:
    assert "seccomp" not in spec("seccomp: unconfined")["linux"]


def test_swap_is_what_was_written_and_else_as_much_as_memory() -> None:
    written = "resources: {memory: {limit: 4096, swap: 5000}}"

    assert spec(written)["linux"]["resources"]["memory"]["swap"] == 5000
    assert spec("limits: {memory_mib: 3}")["linux"]["resources"]["memory"]["swap"] == 6 << 20


def test_limits_win_over_resources() -> None:
    text = "resources: {memory: {limit: 1, reservation: 2}}\nlimits: {memory_mib: 1}"

    memory = spec(text)["linux"]["resources"]["memory"]

    assert memory == {"limit": 1 << 20, "reservation": 2, "swap": 2 << 20}


def test_all_devices_are_one_rule() -> None:
    rules = spec("devices: [{path: all}]")["linux"]["resources"]["devices"]

    assert rules == [{"allow": False, "access": "rwm"}, {"allow": True, "access": "rwm"}]


def test_the_user_number_follows_from_the_name_and_never_changes() -> None:
    assert own_uid("network") == 58236
    assert all(10_000 <= own_uid(f"service-{n}") < 60_000 for n in range(1000))


def test_the_bytes_are_sorted_and_end_with_a_newline() -> None:
    data = encoded(spec(""))

    assert (
        data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode() + b"\n"
    )


@pytest.mark.parametrize(
    ("text", "memory_bytes", "pids"),
    [
        pytest.param("readonly: true", 256 << 20, 512, id="nothing written"),
        pytest.param("limits: {pids: 9}", 256 << 20, 9, id="one of ours"),
        pytest.param("resources: {memory: {limit: 5}}", 5, 512, id="one of LinuxKit's"),
    ],
)
def test_every_container_has_limits(text: str, memory_bytes: int, pids: int) -> None:
    resources = spec(text)["linux"]["resources"]

    assert resources["memory"]["limit"] == memory_bytes
    assert resources["pids"]["limit"] == pids
