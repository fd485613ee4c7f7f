"""System files: what is read, what is refused, with the exact line."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import EdgeError, ProblemsError, ThingNotFoundError
from edge.system.load import LoadedSystem, load
from edge.system.settings import Ready, Restart

Loaded = Callable[[str], LoadedSystem]
Refused = Callable[[str], list[str]]


def test_a_built_in_service_is_found_by_name(loaded: Loaded) -> None:
    system = loaded("services:\n  - service: network\n")

    (part,) = system.services
    assert part.name == "network"
    assert part.folder is not None
    assert part.folder.packaging.packages == ("busybox-static",)


def test_without_init_the_built_in_one_is_taken(loaded: Loaded) -> None:
    system = loaded("services: [{service: network}]")

    assert [part.name for part in system.init] == ["init"]


@pytest.mark.parametrize("entry", ["'@pkg:init'", "{service: init}", "{image: '@pkg:init'}"])
def test_init_is_written_in_three_ways(loaded: Loaded, entry: str) -> None:
    assert loaded(f"init: [{entry}]").init[0].folder is not None


@pytest.mark.parametrize("tag", ["", ":v1"])
def test_a_layout_is_looked_for_beside_the_system_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "system.yml").write_text(
        f"init: ['oci:root{tag}']\n"
        f"services: [{{name: a, image: 'oci:../web{tag}'}}, {{name: b, image: 'oci:/web{tag}'}}]\n"
    )
    monkeypatch.chdir(tmp_path)

    system = load(["project/system.yml"])

    assert [part.image for part in system.parts] == [
        f"oci:{tmp_path}/project/root{tag}",
        f"oci:{tmp_path}/project/../web{tag}",
        f"oci:/web{tag}",
    ]
    assert [item.image for item in system.system.services] == [
        f"oci:{tmp_path}/project/../web{tag}",
        f"oci:/web{tag}",
    ]


def test_the_item_goes_over_the_service_field_by_field(
    loaded: Loaded, service: Callable[..., str]
) -> None:
    path = service(
        "web", "command: [/web]\nenv: [A=1]\nbinds: ['/a:/a']\ncapabilities: [NET_RAW]\n"
    )

    system = loaded(
        f"services:\n  - service: {path}\n    env: [B=2]\n    binds.add: ['/b:/b']\n"
        "    capabilities.add: [CAP_CHOWN]\n    restart: 'no'\n"
    )

    settings = system.services[0].settings
    assert settings.command == ("/web",)
    assert settings.env == ("B=2",)
    assert settings.binds == ("/a:/a", "/b:/b")
    assert settings.capabilities == ("CAP_NET_RAW", "CAP_CHOWN")
    assert settings.restart is Restart.NO
    assert "uid" not in settings.model_fields_set


def test_services_start_after_those_they_depend_on(
    loaded: Loaded, service: Callable[..., str]
) -> None:
    for name, more in [("a", "depends_on: [c]"), ("b", ""), ("c", "depends_on: [b]")]:
        service(name, more)

    system = loaded("services: [{service: ./a}, {service: ./b}, {service: ./c}]")

    assert system.order == ("b", "c", "a")


def test_several_files_append_and_the_kernel_overrides(
    write: Callable[[str, str], Path], service: Callable[..., str]
) -> None:
    service("a")
    service("sub/b")
    first = write(
        "1.yml", "kernel: {cmdline: one, package: linux-image-arm64}\nservices: [{service: ./a}]"
    )
    second = write("sub/2.yml", "kernel: {cmdline: two}\nservices: [{service: ./b}]")

    system = load([first, second]).system

    assert system.kernel.cmdline == "two"
    assert system.kernel.package == "linux-image-arm64"
    assert [item.name for item in system.services] == ["a", "b"]


def test_a_minus_reads_the_standard_input(write: Callable[[str, str], Path]) -> None:
    system = load(["-"], read_stdin=lambda: "kernel: {cmdline: quiet}").system

    assert system.kernel.cmdline == "quiet"


def test_an_optional_file_that_is_not_there_is_left_out(loaded: Loaded) -> None:
    system = loaded("files: [{path: a, source: nope, optional: true}, {path: b, contents: ''}]")

    assert [file.path for file in system.system.files] == ["b"]
    assert system.system.files[0].permissions == 0o600


def test_readiness_is_health_when_health_is_given(
    loaded: Loaded, service: Callable[..., str]
) -> None:
    service("a", "health: {command: [/check]}")

    assert loaded("services: [{service: ./a}]").services[0].settings.readiness is Ready.HEALTH


def test_a_missing_system_file_is_named() -> None:
    with pytest.raises(ThingNotFoundError, match=r"nowhere\.yml: no such file"):
        load([Path("nowhere.yml")])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("servces: []", "s.yml:1:1: servces: unknown key 'servces'", id="unknown key"),
        pytest.param(
            "kernel:\n  cmdline: a\n  cmdline: b\n",
            "s.yml:3:3: kernel.cmdline: the key 'cmdline' is written twice, first in line 2",
            id="duplicate key",
        ),
        pytest.param(
            "- a", "s.yml:1:1: a mapping is needed here: lines of `key: value`", id="a list"
        ),
        pytest.param(
            "services: [{service: netwrk}]",
            "s.yml:1:22: services[0].service: there is no built-in service 'netwrk'",
            id="unknown service",
        ),
        pytest.param(
            "services: [{service: ./nope}]",
            "s.yml:1:22: services[0].service: './nope' holds no service.yml",
            id="no such folder",
        ),
        pytest.param(
            "services:\n- {name: a, image: 'a/X:1'}",
            "s.yml:2:20: services[0].image: image 'a/X:1': 'a/X' is not a name: small letters",
            id="no reference",
        ),
        pytest.param(
            "services: [{name: a}]",
            "s.yml:1:12: services[0]: exactly one of image and service is needed, found neither",
            id="neither image nor service",
        ),
        pytest.param(
            "services: [{image: 'oci:x'}]",
            "s.yml:1:12: services[0]: the key 'name' is missing",
            id="image without name",
        ),
        pytest.param(
            "services: [{service: network, name: ../x}]",
            "s.yml:1:37: services[0].name: '../x' is not a name",
            id="bad name",
        ),
        pytest.param(
            "services:\n- {service: network}\n- {service: network}",
            "s.yml:3:3: services[1].name: two services are called 'network', the first in s.yml:2",
            id="two services with one name",
        ),
        pytest.param(
            "services: [{service: network, depends_on: [netwrk]}]",
            "s.yml:1:44: services[0].depends_on[0]: there is no service 'netwrk'",
            id="depends on unknown",
        ),
        pytest.param(
            "services: [{service: network, listens: [tcp/22, tcp/65536]}]",
            "s.yml:1:49: services[0].listens[1]: 'tcp/65536' is not a port",
            id="no such port",
        ),
        pytest.param(
            "services: [{service: network}, {service: firewall}]",
            "s.yml:1:32: services[1]: this runs to its end, as its service.yml says by 'timeout_s'",
            id="a service that is none",
        ),
        pytest.param(
            "onboot: [{service: network, after: [time]}]",
            "s.yml:1:29: onboot[0].after: 'after' has no meaning in onboot",
            id="after in onboot",
        ),
        pytest.param(
            "services:\n- {service: network, depends_on: [time]}\n- {service: time}",
            "s.yml:2:34: services[0].depends_on: a circle: network needs time needs network",
            id="dependency circle",
        ),
        pytest.param(
            "services: [{service: network, depends_on: [network]}]",
            "s.yml:1:43: services[0].depends_on: a circle: network needs network",
            id="depends on itself",
        ),
        pytest.param(
            "services: [{service: network, readonly: yes}]",
            "s.yml:1:41: services[0].readonly: 'yes' is not true or false",
            id="yes for a boolean",
        ),
        pytest.param(
            "services: [{service: network, readonly: 'true'}]",
            "s.yml:1:41: services[0].readonly: 'true' is not true or false",
            id="text for a boolean",
        ),
        pytest.param(
            "services: [{service: network, restart: sometimes}]",
            "s.yml:1:40: services[0].restart: 'sometimes' is not one of always, on-failure, no",
            id="unknown choice",
        ),
        pytest.param(
            "services: [{service: network, stop_timeout_s: 0}]",
            "s.yml:1:47: services[0].stop_timeout_s: 0 is too small: it has to be at least 1",
            id="out of range",
        ),
        pytest.param(
            "services: [{service: network, command: /bin/x}]",
            "s.yml:1:40: services[0].command: '/bin/x' is not a list",
            id="text for a list",
        ),
        pytest.param(
            "services: [{service: network, env: [A]}]",
            "s.yml:1:37: services[0].env[0]: 'A' is not of the form NAME=value",
            id="env",
        ),
        pytest.param(
            "services: [{service: network, capabilities: [CAP_NET_ADMN]}]",
            "s.yml:1:46: services[0].capabilities[0]: 'CAP_NET_ADMN' is not a capability",
            id="capability",
        ),
        pytest.param(
            "services: [{service: network, capabilities: [all, KILL]}]",
            "s.yml:1:45: services[0].capabilities: 'all' stands beside other capabilities",
            id="all and more",
        ),
        pytest.param(
            "services: [{service: network, binds: [/a]}]",
            "s.yml:1:39: services[0].binds[0]: '/a' is not a bind",
            id="bind",
        ),
        pytest.param(
            "services: [{service: network, uid: -1}]",
            "s.yml:1:36: services[0].uid: -1 is not a user number",
            id="uid",
        ),
        pytest.param(
            "services: [{service: network, net: bridge}]",
            "s.yml:1:36: services[0].net: 'bridge' is not a namespace",
            id="namespace",
        ),
        pytest.param(
            "onboot: [{service: network, restart: always}]",
            "s.yml:1:29: onboot[0].restart: 'restart' has no meaning in onboot",
            id="a key of services in onboot",
        ),
        pytest.param(
            "services: [{service: network, on_failure: reboot}]",
            "s.yml:1:31: services[0].on_failure: 'on_failure' has no meaning in services",
            id="a key of onboot in services",
        ),
        pytest.param(
            'kernel: {cmdline: "a\\nb"}',
            "s.yml:1:19: kernel.cmdline: 'a\\nb' is not one line of plain ASCII text",
            id="cmdline of two lines",
        ),
        pytest.param(
            "kernel: {package: Linux}",
            "s.yml:1:19: kernel.package: 'Linux' is not the name of a Debian package",
            id="package name",
        ),
        pytest.param(
            "files: [{path: ../a, contents: x}]",
            "s.yml:1:16: files[0].path: '../a' is not a path inside the image",
            id="path outside",
        ),
        pytest.param(
            "files: [{path: a}]",
            "s.yml:1:9: files[0]: exactly one of source, contents, symlink, directory, metadata is "
            "needed, found none of them",
            id="file without contents",
        ),
        pytest.param(
            "files: [{path: a, contents: x, mode: 644}]",
            "s.yml:1:38: files[0].mode: 644 is not a file mode",
            id="mode as a number",
        ),
        pytest.param(
            "files: [{path: a, source: nope}]",
            "s.yml:1:27: files[0].source: there is no file 'nope'",
            id="missing source",
        ),
        pytest.param(
            "services: ", "s.yml:1:10: services: a value is missing here: a list", id="no list"
        ),
        pytest.param(
            "kernel:", "s.yml:1:8: kernel: a value is missing here: a mapping", id="no value"
        ),
    ],
)
def test_bad_input_is_refused_with_its_place(refused: Refused, text: str, line: str) -> None:
    assert refused(text) == [line]


def test_all_mistakes_of_all_files_come_at_once(
    write: Callable[[str, str], Path], service: Callable[..., str]
) -> None:
    service("bad", "packages: [Bad]\ncomand: [x]\n")
    first = write("1.yml", "services:\n- {service: ./bad}\n- {service: netwrk}\n- {name: 5}\n")
    second = write("2.yml", "kernel: {cmdlin: x}\nservices: [{service: network, tmpfs: [x]}]\n")

    with pytest.raises(ProblemsError) as error:
        load([first, second])

    files = [Path(problem.file).name for problem in error.value.problems]
    assert files == ["1.yml", "1.yml", "service.yml", "service.yml", "2.yml", "2.yml"]


def test_hints_name_the_nearest(write: Callable[[str, str], Path]) -> None:
    file = write("s.yml", "kernl: {}\nservices: [{service: netwrk}]\n")

    with pytest.raises(ProblemsError) as error:
        load([file])

    hints = [problem.hint for problem in error.value.problems]
    assert hints == ["did you mean 'kernel'?", "did you mean 'network'?"]


_LINES = st.sampled_from(
    [
        "kernel:",
        "  cmdline: x",
        "services:",
        "- service: network",
        "  depends_on: [time]",
        "init:",
        "- '@pkg:init'",
        "- image: oci:x",
        "  name: a",
        "files:",
        "- path: a",
        "  contents: ''",
        "  mode: '0644'",
        "onboot:",
        "  net: host",
        "  runtime: {mkdir: [/a]}",
        "- 5",
        "x",
        "  uid: a",
        "  capabilities: all",
        "  health: {command: [a]}",
        "trust: {}",
        "  resources: {cpu: {}}",
        "volumes:",
        "- name: a",
        "  image: nginx",
        "  binds: ['a:/b', 'x:/y:ro']",
        "include: [s.yml]",
        "  <<: {name: a, image: !!str b}",
        "  mounts: [{type: bind, source: a, destination: /a}]",
        "  metadata: yaml",
    ]
)


@given(st.text() | st.lists(_LINES, max_size=12).map("\n".join))
def test_no_text_raises_anything_but_an_error_of_ours(text: str) -> None:
    with suppress(EdgeError):
        load(["-"], read_stdin=lambda: text)


def test_a_service_yml_that_needs_what_is_not_listed_is_told(
    service: Callable[..., str], refused: Callable[[str], list[str]]
) -> None:
    own = service("web", "depends_on: [db]\n")

    said = refused(f"services: [{{service: {own}}}]")

    assert said == ["s.yml:1:12: services[0]: 'web' needs the service 'db', which is not listed"]
