"""Whose defaults hold, and what Edge's init adds to LinuxKit's tree."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import InputError
from edge.oci.assemble import Release, Root
from edge.oci.image import Image, service_image
from edge.oci.kernel_image import as_package, kernel_image
from edge.oci.layout import read_image
from edge.oci.modules import Kernel as KernelModules
from edge.oci.rooting import needed_modules, root_of
from edge.oci.store import Store
from edge.system.defaults import Defaults
from edge.system.load import LoadedSystem, load
from edge.system.model import Kernel
from edge.system.parts import Part
from edge.system.reference import complete
from tests.fakes.stub_images import StubImages, tar_of

RELEASE = Release("x", "1", facts={"board": b"b"})
INIT = (
    "description: init\nfiles: [{path: usr/lib/edge/service/run, contents: x},"
    " {path: usr/lib/edge/confine, contents: x}]\n"
)
TEXT = """
init: ['@pkg:./init']
onboot: [{name: first, image: 'me/app:1', readonly: true}]
services:
- {name: app, image: 'me/app:1', runtime: {interfaces: [{name: in0, peer: out0}]}, net: new}
- {name: web, image: 'me/web:1', readonly: true, binds: ['v:/v']}
volumes: [{name: v}]
"""
INIT_ONLY = "init: ['@pkg:./init']\n"
WEB, APP = "containers/services/web", "containers/services/app"


@pytest.fixture
def stubs(tmp_path: Path) -> StubImages:
    images = StubImages(tmp_path / "stubs")
    for name in ("app", "web"):
        images.add(f"docker.io/me/{name}:1", {f"bin/{name}": b"x"}, Entrypoint=[f"/{name}"])
    (tmp_path / "init").mkdir()
    (tmp_path / "init" / "service.yml").write_text(INIT)
    return images


class Made:
    """A system, its images and its root."""

    def __init__(self, text: str, defaults: Defaults, folder: Path, stubs: StubImages) -> None:
        self.store = Store(folder / "store")
        file = folder / "s.yml"
        file.write_text(text)
        self.system: LoadedSystem = load([file], defaults=defaults)
        self.images = [(part, self._image(part, stubs)) for part in self.system.parts]

    def _image(self, part: Part, stubs: StubImages) -> Image:
        if part.folder is not None:
            return service_image(part.folder, [], self.store)
        text = f"oci:{stubs.folder}:{complete(part.image or '')}"
        return read_image(text, stubs.folder, self.store)

    def root(self) -> Root:
        return root_of(self.system, self.images, RELEASE, self.store)

    def modules(self) -> list[str]:
        return needed_modules(self.system, self.images, self.store)


@pytest.fixture
def made(tmp_path: Path, stubs: StubImages) -> Callable[..., Made]:
    return lambda text, defaults=Defaults.EDGE: Made(text, defaults, tmp_path, stubs)


def held(root: Root, path: str) -> str:
    entry = root.tree.get(path)
    assert entry is not None, path
    return entry.read().decode()


def document(root: Root, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(held(root, path))
    return found


def test_with_edges_defaults_a_container_is_confined(made: Callable[..., Made]) -> None:
    root = made(TEXT).root()

    config = document(root, f"{WEB}/config.json")
    assert config["process"]["noNewPrivileges"] is True
    assert "seccomp" in config["linux"]
    assert f"{WEB}/runtime.json" not in root.tree
    assert {row.name: row.writable_root for row in root.privileges}["web"] is False


def test_with_linuxkits_defaults_and_edges_init_its_supervisor_knows_the_containers(
    made: Callable[..., Made],
) -> None:
    root = made(TEXT, Defaults.LINUXKIT).root()

    assert "ROOT='overlay'\nLOWER='/containers/onboot/000-first/rootfs'" in held(
        root, "etc/edge/services/app/conf"
    )
    assert "ROOT=''\n" in held(root, "etc/edge/services/web/conf")
    assert held(root, "etc/edge/volumes") == "v memory\n"
    assert held(root, "etc/edge/board") == "b"
    config = document(root, f"{APP}/config.json")
    assert [*config["hooks"]] == ["createRuntime", "poststart"]
    assert "seccomp" not in config["linux"]
    row = next(row for row in root.privileges if row.name == "app")
    assert (row.writable_root, row.new_privileges, row.uid) == (True, True, 0)


def test_files_are_where_edges_init_finds_them(made: Callable[..., Made]) -> None:
    text = f"{TEXT}files: [{{path: var/x, contents: y}}]\n"

    assert held(made(text, Defaults.LINUXKIT).root(), "usr/share/edge/var/x") == "y"
    with pytest.raises(InputError, match="/run is made anew"):
        made(f"{TEXT}files: [{{path: run/x, contents: y}}]\n", Defaults.LINUXKIT).root()


def test_a_root_that_is_the_same_twice_is_bound(made: Callable[..., Made]) -> None:
    text = TEXT + "onshutdown: [{name: last, image: 'me/app:1', readonly: true}]\n"

    root = made(text, Defaults.LINUXKIT).root()

    conf = held(root, "etc/edge/onshutdown/000-last.conf")
    assert "ROOT='bind'\nLOWER='/containers/onboot/000-first/rootfs'" in conf


@pytest.mark.parametrize("defaults", list(Defaults))
def test_modules_that_containers_and_volumes_need_are_named(
    made: Callable[..., Made], defaults: Defaults
) -> None:
    assert sorted(made(TEXT, defaults).modules()) == ["overlay", "veth"]


def test_linuxkits_init_is_refused_with_edges_defaults(
    made: Callable[..., Made], stubs: StubImages
) -> None:
    stubs.add("docker.io/linuxkit/init:1", {"sbin/init": b"x"})

    with pytest.raises(InputError, match="LinuxKit's init does not start") as error:
        made("init: ['linuxkit/init:1']").root()

    assert "'@pkg:init'" in (error.value.hint or "")


def test_linuxkits_own_init_needs_nothing_of_edge(made: Callable[..., Made]) -> None:
    one = made("init: ['me/app:1']\nservices: [{name: web, image: 'me/web:1'}]", Defaults.LINUXKIT)

    assert one.modules() == []
    assert not any(path.startswith("etc/edge") for path, _ in one.root().tree)


def test_a_volume_that_a_label_would_write_to_is_refused(
    made: Callable[..., Made], stubs: StubImages
) -> None:
    stubs.add("docker.io/me/labelled:1", {"x": b""}, label={"binds": ["v:/v"]}, Cmd=["/x"])
    text = "init: ['@pkg:./init']\nservices: [{name: a, image: 'me/labelled:1'}]\n"

    with pytest.raises(InputError, match="a: binds: the volume 'v' is read-only"):
        made(f"{text}volumes: [{{name: v, readonly: true}}]").root()


@pytest.mark.parametrize(
    ("platform", "is_built"),
    [("linux/arm64", True), ("linux/arm64/v8", True), ("linux/amd64", False)],
)
def test_a_volume_of_another_platform_is_refused(
    made: Callable[..., Made], platform: str, *, is_built: bool
) -> None:
    volume = f"{{name: v, image: 'me/web:1', format: oci, platforms: ['{platform}']}}"
    one = made(f"init: ['@pkg:./init']\nvolumes: [{volume}]")

    if is_built:
        assert "containers/volumes/v/lower/oci-layout" in one.root().tree
    else:
        with pytest.raises(InputError, match="v: platforms: linux/amd64: not supported yet"):
            one.root()


MODULES = {
    "lib/modules/6.1-x/modules.builtin": b"kernel/fs/ext4.ko\n",
    "lib/modules/6.1-x/kernel/a.ko": b"",
}


def kernel_of(
    stubs: StubImages, store: Store, binary: bytes, tar: bytes = tar_of(MODULES)
) -> KernelModules:
    stubs.add("docker.io/me/kernel:1", {"kernel": binary, "kernel.tar": tar})
    image = read_image(f"oci:{stubs.folder}:docker.io/me/kernel:1", stubs.folder, store)
    return KernelModules(as_package(kernel_image(Kernel(), image, store), store), store)


@pytest.mark.parametrize("packed", [False, True])
def test_a_kernel_of_an_image_is_like_one_of_a_package(
    stubs: StubImages, tmp_path: Path, *, packed: bool
) -> None:
    binary = gzip.compress(b"MZ kernel") if packed else b"MZ kernel"

    for _ in range(2):  # the second comes from the store
        kernel = kernel_of(stubs, Store(tmp_path / "store"), binary)

        assert kernel.version == "6.1-x"
        assert kernel.image().read() == b"MZ kernel"
        assert kernel.closure(["ext4"]) == ()


def test_what_the_image_of_a_kernel_brings_is_in_the_root(
    made: Callable[..., Made], stubs: StubImages
) -> None:
    entries = {"kernel": b"MZ", "kernel.tar": tar_of({**MODULES, "lib/x": b"y"}), "u": b"u"}
    stubs.add("docker.io/me/kernel:1", entries)
    text = "init: ['@pkg:./init']\nkernel: {image: 'me/kernel:1', ucode: "

    root = made(f"{text}''}}").root()

    assert held(root, "lib/x") == "y"
    assert "lib/modules/6.1-x/kernel/a.ko" in root.tree
    assert "boot/kernel" not in root.tree  # it is in the slot
    with pytest.raises(InputError, match="takes no microcode"):
        made(f"{text}u}}").root()


def test_a_kernel_without_modules_has_none_to_give(stubs: StubImages, tmp_path: Path) -> None:
    kernel = kernel_of(stubs, Store(tmp_path / "store"), b"MZ", tar_of({"lib": None}))

    assert (kernel.image().read(), kernel.closure([])) == (b"MZ", ())
    with pytest.raises(InputError, match="unknown has no module 'ext4'"):
        kernel.closure(["ext4"])


@pytest.mark.parametrize(
    ("binary", "tar", "said"),
    [
        pytest.param(b"\x1f\x8b broken", tar_of(MODULES), "cannot be decompressed", id="damaged"),
        pytest.param(b"MZ", tar_of({"a/../../x": b""}), "may hold no '..'", id="leaves the root"),
        pytest.param(b"MZ", b"no tar" * 200, "kernel.tar: ", id="no tar"),
        pytest.param(b"MZ", tar_of(MODULES)[:600], "kernel.tar: ", id="cut short"),
    ],
)
def test_a_kernel_that_cannot_be_used_is_told(
    stubs: StubImages, tmp_path: Path, binary: bytes, tar: bytes, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        kernel_of(stubs, Store(tmp_path / "store"), binary, tar)


@pytest.mark.parametrize("defaults", Defaults)
@pytest.mark.parametrize("path", ["etc/own.conf", "etc/own.d/one", "etc/other"])
def test_an_optional_bind_is_there_where_the_system_has_its_source(
    made: Callable[..., Made], defaults: Defaults, path: str
) -> None:
    binds = "binds: ['/etc/own.conf:/x:ro,optional', '/etc/own.d:/y:optional,ro']"
    text = f"{INIT_ONLY}services: [{{name: web, image: 'me/web:1', readonly: true, {binds}}}]"

    root = made(f"{text}\nfiles: [{{path: {path}, contents: x}}]\n", defaults).root()

    mounts = document(root, f"{WEB}/config.json")["mounts"]
    bound = {mount["source"] for mount in mounts if mount["source"].startswith("/etc/own")}
    assert bound == {"/etc/own.conf", "/etc/own.d"} & {f"/{path}", f"/{path.rpartition('/')[0]}"}
    assert "optional" not in [option for mount in mounts for option in mount.get("options", ())]


def test_landlock_holds_with_either_defaults(made: Callable[..., Made]) -> None:
    text = TEXT.replace("readonly: true, binds", "landlock: {read: [/bin]}, readonly: true, binds")

    for defaults in Defaults:
        root = made(text, defaults).root()

        (row,) = [one for one in root.privileges if one.name == "web"]
        config = document(root, f"{WEB}/config.json")
        assert config["process"]["args"][:2] == ["/.edge-confine", "read:/bin"]
        assert config["process"]["args"][-2:] == ["--", "/web"]
        assert config["mounts"][0]["source"] == "/usr/lib/edge/confine"
        assert row.landlock[0] == "read:/bin"
        assert any(path.endswith("/.edge-confine") for path, _ in root.tree)


def test_a_service_in_place_needs_the_module_that_opens_its_image(
    made: Callable[..., Made],
) -> None:
    text = TEXT.replace("{name: web,", "{name: web, update: in-place,")

    assert "loop" in made(text).modules()
    with pytest.raises(InputError, match="in-place is not done with --defaults linuxkit"):
        made(text, Defaults.LINUXKIT).root()
