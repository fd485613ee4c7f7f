"""Forms of LinuxKit's system files: what is read, what is refused, and how it is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import InputError, ProblemsError
from edge.system.defaults import Defaults
from edge.system.load import LoadedSystem, load
from edge.system.merge import merge_settings
from edge.system.settings import Settings

Loaded = Callable[[str], LoadedSystem]
Refused = Callable[[str], list[str]]
Write = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "services: [{service: network, binds: ['v:/v']}]",
            "s.yml:1:39: services[0].binds[0]: there is no volume 'v'",
            id="a volume that is not there",
        ),
        pytest.param(
            "volumes: [{name: v, readonly: true}]\nservices: [{service: network, "
            "binds.add: ['v:/v']}]",
            "s.yml:2:43: services[0].binds.add[0]: the volume 'v' is read-only, and this would "
            "write to it",
            id="a bind that writes to a read-only volume",
        ),
        pytest.param(
            "volumes: [{name: v, readonly: true}]\nservices: [{service: network, "
            "mounts: [{type: bind, source: v, destination: /v}]}]",
            "s.yml:2:40: services[0].mounts[0]: the volume 'v' is read-only, and this would "
            "write to it",
            id="a mount that writes to a read-only volume",
        ),
        pytest.param(
            "volumes: [{name: v}, {name: v}]",
            "s.yml:1:29: volumes[1].name: two volumes are called 'v'",
            id="two volumes with one name",
        ),
        pytest.param(
            "volumes: [{name: v, format: oci}]",
            "s.yml:1:11: volumes[0]: `format: oci` needs an image",
            id="a layout of nothing",
        ),
        pytest.param(
            "volumes: [{name: v, image: x, platforms: [linux/arm64]}]",
            "s.yml:1:11: volumes[0]: platforms have a meaning with `format: oci` only",
            id="platforms of a file system",
        ),
        pytest.param(
            "volumes: [{name: v, persistent: true, readonly: true}]",
            "s.yml:1:11: volumes[0]: a volume is persistent or read-only, not both",
            id="persistent and read-only",
        ),
        pytest.param(
            "kernel: {image: a, package: b-c}",
            "s.yml:1:9: kernel: the kernel comes from `package` or from `image`, not from both",
            id="two kernels",
        ),
        *(
            pytest.param(
                f"services: [{{service: network, runtime: {{interfaces: [{{name: {name}}}]}}}}]",
                f"s.yml:1:61: services[0].runtime.interfaces[0].name: '{name}' is not the name of "
                "an interface",
                id=f"interface {name}",
            )
            for name in ("-x", "a/b", "..", "a234567890123456")
        ),
        pytest.param(
            "services: [{service: network, runtime: {interfaces: [{name: a, add: -x}]}}]",
            "s.yml:1:69: services[0].runtime.interfaces[0].add: '-x' is not a kind of interface",
            id="kind of an interface",
        ),
        pytest.param(
            "kernel: {cmdline: x, binary: vmlinuz, tar: none, ucode: ''}",
            "s.yml:1:22: kernel.binary: 'binary' is a file of `kernel.image`",
            id="a file of no image",
        ),
        pytest.param(
            "services: [{service: network, annotations: {a: '@pkg:x'}}]",
            "s.yml:1:48: services[0].annotations.a: '@pkg:x': '@pkg:' has a meaning where an image "
            "is named only",
            id="a template that would be text",
        ),
        pytest.param(
            "services: [{service: network, mounts: [{destination: /x}]}]",
            "s.yml:1:40: services[0].mounts[0]: a mount at '/x' needs a `type`",
            id="a mount without a type",
        ),
        pytest.param(
            "files: [{path: a, source: 'https://example.com/a'}]",
            "s.yml:1:27: files[0].source: 'https://example.com/a': files are not fetched",
            id="a file to fetch",
        ),
    ],
)
def test_bad_input_is_refused_with_its_place(refused: Refused, text: str, line: str) -> None:
    assert refused(text) == [line]


def settings_of(loaded: LoadedSystem) -> Settings:
    (part,) = loaded.services
    return merge_settings(Settings(), part.settings)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        pytest.param("hostname: on", "hostname", "on", id="a word of YAML 1.1 is text"),
        pytest.param("hostname: my_host", "hostname", "my_host", id="underscore"),
        pytest.param("env: ['my.key=1', 'A=b=c']", "env", ("my.key=1", "A=b=c"), id="env"),
        pytest.param("capabilities: [ALL]", "capabilities", ("all",), id="words in any case"),
        pytest.param(
            "capabilities: [CAP_CHOWN, CAP_CHOWN]", "capabilities", ("CAP_CHOWN",), id="twice"
        ),
        pytest.param("uid: root", "uid", 0, id="root"),
        pytest.param("gid: ''", "gid", 0, id="an empty group is root"),
        pytest.param("command: []", "command", (), id="empty command"),
        pytest.param("rlimits: ['NOFILE, 1, 2']", "rlimits", ("nofile,1,2",), id="limit"),
        pytest.param("rlimits: ['RLIMIT_AS,1,2']", "rlimits", ("as,1,2",), id="prefix"),
        pytest.param("pid: ''", "pid", "new", id="empty is not written"),
        pytest.param("cwd: ''", "cwd", None, id="no folder"),
        pytest.param("binds: []", "binds", (), id="empty list"),
        pytest.param("sysctl: {}", "sysctl", {}, id="empty mapping"),
    ],
)
def test_forms_of_linuxkit_are_read(loaded: Loaded, text: str, key: str, value: object) -> None:
    system = loaded(f"services:\n- name: My.Service_1\n  image: nginx\n  {text}\n")

    assert getattr(settings_of(system), key) == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("# services:\n", id="comment"),
        pytest.param("---\n...\n", id="document"),
        pytest.param("init: []\nservices: []\nfiles: []\nvolumes: []\n", id="empty lists"),
        pytest.param("kernel: {}\ntrust: {}\n", id="empty mappings"),
    ],
)
def test_a_file_without_anything_adds_nothing(loaded: Loaded, text: str) -> None:
    system = loaded(text)

    assert (system.services, [part.name for part in system.init]) == ((), ["init"])


def test_with_the_defaults_of_linuxkit_no_init_is_added(write: Write) -> None:
    assert load([write("s.yml", "")], defaults=Defaults.LINUXKIT).parts == ()


def test_anchors_and_merge_keys_are_read(loaded: Loaded) -> None:
    system = loaded(
        "services:\n- &a\n  name: a\n  image: nginx\n  env: [A=1]\n- <<: *a\n  name: b\n"
    )

    assert [part.settings.env for part in system.services] == [("A=1",), ("A=1",)]
    assert [part.name for part in system.services] == ["a", "b"]


def test_a_file_may_be_base64(loaded: Loaded) -> None:
    system = loaded("files: [{path: a, contents: !!binary aGk=}]")

    assert system.system.files[0].contents == "hi"


def test_a_system_file_is_not_fetched() -> None:
    with pytest.raises(InputError, match="system files are not fetched"):
        load(["https://example.com/s.yml"])


def test_a_source_beside_the_work_folder_is_hinted_at(write: Write) -> None:
    write("here", "")
    file = write("folder/s.yml", "files: [{path: a, source: here}]")

    with pytest.raises(ProblemsError) as error:
        load([file])

    assert "not in the work folder" in (error.value.problems[0].hint or "")


def test_the_kernel_of_a_later_file_goes_over_that_of_an_earlier_one(write: Write) -> None:
    first = write("1.yml", "kernel: {image: 'me/a:1', cmdline: one, ucode: u}")
    second = write("2.yml", "kernel: {image: 'me/b:1', cmdline: '', ucode: ''}")
    third = write("3.yml", "kernel: {package: linux-image-arm64}")

    both, all_three = load([first, second]), load([first, second, third])

    kernel = both.system.kernel
    assert (kernel.image, kernel.cmdline, kernel.ucode) == ("me/b:1", "one", "")
    assert [part.image for part in both.kernel] == ["me/b:1"]
    assert (all_three.kernel, all_three.system.kernel.image) == ((), None)


def test_images_of_kernel_and_volumes_may_be_service_folders(
    write: Write, service: Callable[..., str]
) -> None:
    service("k")
    service("v")
    text = "kernel: {image: '@pkg:./k'}\nvolumes: [{name: x, image: '@pkg:./v'}, {name: y}]\n"

    system = load([write("s.yml", text)])

    (kernel,), (volume,) = system.kernel, system.volumes
    assert (kernel.folder and kernel.folder.name) == "k"
    assert (volume.folder and volume.folder.name) == "v"
