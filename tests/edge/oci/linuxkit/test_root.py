"""The rules of LinuxKit, one by one, over images that the tests make."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import InputError, ProblemsError
from edge.oci.linuxkit.golang import marshal
from edge.oci.tree import Tree
from edge.strict.document import load
from edge.system.model import Item
from edge.system.settings import Settings
from tests.edge.oci.linuxkit.conftest import APP, CONFIG, RUNTIME, Made, documents, entry, held
from tests.fakes.stub_images import StubImages

CASES = Path(__file__).parent / "cases"
# Those that LinuxKit does not know.
OURS = frozenset(
    (
        *("service", "restart", "depends_on", "after", "listens", "ready", "health", "limits"),
        *("seccomp", "landlock", "cgroupns"),
        *("stop_timeout_s", "timeout_s", "on_failure", "modules", "update", "before_data"),
    )
)


def app(made: Made, text: str = "") -> dict[str, Any]:
    """Return the configuration of `app` with these lines more."""
    found: dict[str, Any] = documents(made(APP + text))[CONFIG]
    return found


def test_every_key_is_honoured(made: Made) -> None:
    text = (CASES / "every-key.yml").read_text()

    found = documents(made(text))

    expected = json.loads((CASES / "every-key.json").read_text())
    assert {path: found[path] for path in expected} == expected


def test_the_case_of_every_key_names_every_key() -> None:
    written = load((CASES / "every-key.yml").read_text(), "every-key.yml").plain()

    item = written["services"][0]  # type: ignore[index, call-overload]
    assert set(Item.key_fields()) - OURS - set(item) == set()  # type: ignore[arg-type]


def test_without_any_key_a_container_is_what_linuxkit_makes(made: Made) -> None:
    found = documents(made(APP))

    config = found[CONFIG]
    assert config["process"] == {
        "user": {"uid": 0, "gid": 0},
        "args": ["/app"],
        "cwd": "/",
        "capabilities": {},
    }
    assert config["root"] == {"path": "rootfs"}
    assert config["linux"] == {"resources": {}, "namespaces": [{"type": "pid"}, {"type": "mount"}]}
    assert [mount["destination"] for mount in config["mounts"]] == [
        *("/dev", "/dev/pts", "/proc", "/sys", "/sys/fs/cgroup"),
    ]
    assert found[RUNTIME]["mounts"][2]["options"] == [
        "lowerdir=/containers/services/app/lower",
        "upperdir=/containers/services/app/tmp/upper",
        "workdir=/containers/services/app/tmp/work",
    ]


def test_a_label_is_below_the_item_and_add_appends_to_it(made: Made, stubs: StubImages) -> None:
    label = {
        **{"binds": ["/l:/l"], "capabilities": ["CAP_CHOWN"], "net": "host", "readonly": True},
        **{"runtime": {"mkdir": ["/l"], "bindNS": {"net": "/run/l", "ipc": "/run/i"}}},
    }
    stubs.add("docker.io/me/labelled:1", {"bin/x": b"x"}, label=label, Cmd=["/x"])

    found = documents(
        made(
            "services:\n- name: app\n  image: me/labelled:1\n  binds.add: ['/b:/b']\n"
            "  capabilities.add: [CAP_CHOWN, CAP_KILL]\n  net: ''\n"
            "  runtime: {cgroups: [c], bindNS: {net: /run/own}}\n"
        )
    )

    config, runtime = found[CONFIG], found[RUNTIME]
    assert {"/b", "/l"} <= {mount["destination"] for mount in config["mounts"]}
    assert config["process"]["capabilities"]["effective"] == ["CAP_CHOWN", "CAP_KILL"]
    assert config["root"]["readonly"] is True
    assert config["linux"]["namespaces"] == [{"type": "pid"}, {"type": "mount"}]
    assert (runtime["mkdir"], runtime["cgroups"]) == (["/l"], ["c"])
    assert (runtime["bindNS"]["net"], runtime["bindNS"]["ipc"]) == ("/run/own", "/run/i")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        pytest.param({"ghost": 1}, "unknown key 'ghost'", id="unknown key"),
        pytest.param({"name": "x"}, "unknown key 'name'", id="name"),
        pytest.param({"image": "x"}, "unknown key 'image'", id="image"),
        pytest.param({"uid": -1}, "-1 is not a user number", id="bad value"),
    ],
)
def test_a_label_is_held_to_the_same_rules(
    made: Made, stubs: StubImages, label: dict[str, Any], said: str
) -> None:
    stubs.add("docker.io/me/labelled:1", {"bin/x": b"x"}, label=label)

    with pytest.raises(InputError, match=said):
        made("services: [{name: app, image: 'me/labelled:1'}]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("capabilities: [all]", "CAP_CHECKPOINT_RESTORE", id="all"),
        pytest.param("capabilities: [None]", None, id="none, in any case"),
    ],
)
def test_words_stand_for_capabilities(made: Made, text: str, expected: str | None) -> None:
    effective = app(made, f"  {text}\n")["process"]["capabilities"].get("effective", [None])

    assert effective[-1] == expected
    assert len(effective) in (1, 41)


def test_devices_may_be_named_as_edges_services_name_them(made: Made) -> None:
    text = "  devices: [{path: /dev/kmsg, mode: r}, {path: /dev/x, major: 1, minor: 2}]\n"

    config = app(made, text)

    kmsg = next(mount for mount in config["mounts"] if mount["destination"] == "/dev/kmsg")
    assert kmsg["options"] == ["bind", "nosuid", "noexec", "rw"]
    assert [node["path"] for node in config["linux"]["devices"]] == ["/dev/x"]
    assert config["linux"]["resources"]["devices"] == [
        {"allow": True, "type": "c", "access": "r"},
        {"allow": True, "type": "c", "access": "rw", "major": 1, "minor": 2},
    ]


def test_names_of_containers_are_users_from_100_on(made: Made) -> None:
    text = (
        "onboot: [{name: a, image: 'me/tool:1'}]\nonshutdown: [{name: b, image: 'me/tool:1'}]\n"
        f"{APP}  uid: b\nfiles: [{{path: etc/x, contents: x, uid: app, gid: a}}]\n"
    )

    root = made(text)

    assert documents(root)[CONFIG]["process"]["user"] == {"uid": 101, "gid": 0}
    owned = entry(root, "etc/x")
    assert (owned.uid, owned.gid) == (102, 100)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("  uid: ghost\n", "no container is called 'ghost'", id="user"),
        pytest.param("  restart: always\n", "restart: only Edge's init knows it", id="own key"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(made: Made, text: str, said: str) -> None:
    with pytest.raises(InputError, match=f"app: {said}"):
        made(APP + text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("services: [{name: app}]", "exactly one of image and service", id="no image"),
        pytest.param("services: [{image: x}]", "'name' is missing", id="no name"),
        pytest.param(f"{APP}  nam: x", "unknown key 'nam'", id="unknown field"),
        pytest.param(
            f"volumes: [{{name: v, readonly: true}}]\n{APP}  binds: ['v:/v']",
            "the volume 'v' is read-only",
            id="writes to a read-only volume",
        ),
        pytest.param(f"{APP}  rlimits: ['ghost,1,1']", "'ghost' is not the name", id="limit"),
        pytest.param(f"{APP}{APP[10:]}", "two services are called 'app'", id="name twice"),
        pytest.param("files: [{path: a, mode: '0888', contents: ''}]", "file mode", id="mode"),
        pytest.param(f"{APP}  readonly: yes", "'yes' is not true or false", id="no boolean"),
    ],
)
def test_what_linuxkit_refuses_is_refused(made: Made, text: str, said: str) -> None:
    with pytest.raises(ProblemsError, match=said):
        made(text)


def test_metadata_is_the_whole_system_in_the_form_that_linuxkit_writes(
    made: Made, stubs: StubImages
) -> None:
    stubs.add("docker.io/library/redis", {"bin/redis": b"r"})
    root = made(
        "kernel: {cmdline: quiet, tar: none}\ninit: ['me/init:1']\n"
        "onboot:\n- name: a\n  image: redis\n  command: [x, '-1', 'yes']\n"
        "files:\n- {path: /etc/m, metadata: yaml}\n- {path: k, source: beside, mode: '0644'}\n"
        "volumes: [{name: v, image: 'me/data:1'}]\n",
        beside="",
    )

    text = held(root, "etc/m").decode()
    assert text == (
        'kernel:\n  image: ""\n  cmdline: quiet\n  tar: ""\n'
        "init:\n- docker.io/me/init:1\n"
        "onboot:\n- name: a\n  image: docker.io/library/redis\n  command:\n  - x\n"
        '  - "-1"\n  - "yes"\n'
        "onshutdown: []\nservices: []\n"
        "files:\n- path: /etc/m\n  directory: false\n  metadata: yaml\n  optional: false\n"
        "- path: k\n  directory: false\n  source: beside\n  optional: false\n"
        '  mode: "0644"\n'
        "volumes:\n- name: v\n  image: me/data:1\n"
    )
    assert load(text, "m").plain()


def test_json_is_written_as_go_writes_it() -> None:
    expected = '{\n    "a": [\n        "\\u003c\\u0026\\u003e",\n        "é\\u2028"\n    ]\n}'

    assert marshal({"a": ["<&>", "é\u2028"]}) == expected.encode()


def test_settings_and_items_know_the_same_keys() -> None:
    assert set(Item.key_fields()) - set(Settings.key_fields()) == {"name", "image", "service"}


def test_the_same_system_gives_the_same_bytes(made: Callable[..., Tree]) -> None:
    text = (CASES / "every-key.yml").read_text()

    first, second = ({path: one.sha256 for path, one in made(text)} for _ in range(2))

    assert first == second
