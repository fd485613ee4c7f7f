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
    return runtime_spec("example", settings(f"command: [/bin/x]\n{text}"), **given)


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
        pytest.param("userns: new", "userns: new: not supported yet", id="user namespace"),
        pytest.param("hostname: x\nuts: host", "hostname: needs a uts", id="host name"),
        pytest.param("binds: ['volume:/x']", "volumes are not supported yet", id="volume"),
        pytest.param(
            "net: host\nsysctl: {net.core.x: '1'}", "sysctl: net.core.x: needs", id="sysctl"
        ),
        pytest.param("readonly: false", "readonly: false: not supported yet", id="writable root"),
        pytest.param("mounts: [{type: tmpfs}]", "no destination", id="mount"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        spec(text)


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


def test_limits_win_over_resources() -> None:
    text = "resources: {memory: {limit: 1, reservation: 2}}\nlimits: {memory_mib: 1}"

    assert spec(text)["linux"]["resources"]["memory"] == {"limit": 1 << 20, "reservation": 2}


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
