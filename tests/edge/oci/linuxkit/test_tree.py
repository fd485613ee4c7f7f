"""Which files are in the root, and where: images, volumes, kernel, files."""

import json

import pytest

from edge.errors import InputError
from edge.oci.tree import Kind
from tests.edge.oci.linuxkit.conftest import APP, CONFIG, RUNTIME, Made, documents, entry, held
from tests.fakes.stub_images import StubImages, tar_of


def test_a_root_that_can_be_written_is_an_overlay_and_another_is_not(made: Made) -> None:
    root = made(f"{APP}- name: web\n  image: me/web:1\n  readonly: true\n")

    assert root.get("containers/services/app/lower/bin/app") is not None
    assert "containers/services/app/tmp" in root
    assert root.get("containers/services/web/rootfs/bin/web") is not None
    assert "containers/services/web/tmp" not in root
    assert "containers/services/web/lower" not in root


def test_an_image_that_is_used_twice_is_stored_once(made: Made) -> None:
    text = f"onboot:\n- {{name: a, image: 'me/app:1', readonly: true}}\n{APP}"

    root = made(text)

    first = "containers/onboot/000-a/rootfs"
    assert f"{first}/bin/app" in root
    assert "containers/services/app/lower" not in root
    layers = documents(root)[RUNTIME]["mounts"][2]["options"]
    assert layers[0] == f"lowerdir=/{first}"


def test_what_docker_makes_in_a_container_has_a_fixed_form(made: Made, stubs: StubImages) -> None:
    entries: dict[str, bytes | str | None] = {
        **{".dockerenv": b"", "etc/hostname": b"builder", "etc/hosts": b"mine"},
        **{"etc/resolv.conf": "/nowhere", "etc/mtab": b"own", "dev/console": b""},
    }
    stubs.add("docker.io/me/docker:1", entries)

    root = made("init: ['me/docker:1']\nservices: [{name: app, image: 'me/docker:1'}]\n")

    lower = "containers/services/app/lower"
    assert {".dockerenv", "etc/hostname", "dev/console"} & {path for path, _ in root} == set()
    assert f"{lower}/etc/hostname" not in root
    assert held(root, f"{lower}/etc/hosts").startswith(b"127.0.0.1       localhost\n")
    assert held(root, f"{lower}/etc/resolv.conf") == b"\n# no resolv.conf configured\n"
    assert entry(root, "etc/resolv.conf").target == "/run/resolvconf/resolv.conf"
    assert entry(root, f"{lower}/etc/mtab").kind is Kind.FILE
    assert {f"{lower}/dev/shm", f"{lower}/proc", f"{lower}/sys"} <= {path for path, _ in root}


def test_later_images_of_init_replace_what_earlier_ones_brought(
    made: Made, stubs: StubImages
) -> None:
    stubs.add("docker.io/me/one:1", {"etc/a": b"1", "lib/apk/db/installed": b"P:one"})
    stubs.add("docker.io/me/two:1", {"etc/a": b"2", "lib/apk/db/installed": b"P:two"})

    root = made("init: ['me/one:1', 'me/two:1']\n")

    assert held(root, "etc/a") == b"2"
    assert held(root, "lib/apk/db/installed") == b"P:one\n\nP:two\n\n"


def test_volumes_are_laid_out_as_linuxkit_does_and_are_bound_by_name(made: Made) -> None:
    root = made(
        "volumes:\n- {name: blank}\n- {name: full, image: 'me/data:1'}\n"
        "- {name: fixed, image: 'me/data:1', readonly: true}\n"
        f"{APP}  binds: ['blank:/blank', 'fixed:/fixed:ro']\n"
        "  mounts: [{type: bind, source: full, destination: /full, options: [rbind]}]\n"
    )

    base = "containers/volumes"
    here = {path for path, _ in root}
    assert {f"{base}/blank/{name}" for name in ("lower", "tmp", "merged")} <= here
    assert f"{base}/full/lower/bin/data" in here
    assert f"{base}/fixed/tmp" not in here  # LinuxKit makes it, and takes it for writable then
    sources = {one["destination"]: one["source"] for one in documents(root)[CONFIG]["mounts"]}
    assert sources["/blank"] == "/containers/volumes/blank/merged"
    assert sources["/full"] == "/containers/volumes/full/merged"
    assert sources["/fixed"] == "/containers/volumes/fixed/merged"


def test_a_volume_may_hold_the_image_itself(made: Made) -> None:
    root = made("volumes: [{name: v, image: 'me/data:1', format: oci, platforms: [linux/arm64]}]\n")

    lower = "containers/volumes/v/lower"
    (manifest,) = json.loads(held(root, f"{lower}/index.json"))["manifests"]
    assert manifest["platform"] == {"architecture": "arm64", "os": "linux"}
    name = manifest["annotations"]["org.opencontainers.image.ref.name"]
    assert manifest["digest"].startswith(f"sha256:{name}")  # no path of this machine
    blob = held(root, f"{lower}/blobs/{manifest['digest'].replace(':', '/')}")
    assert len(blob) == manifest["size"]
    for one in json.loads(blob)["layers"]:
        assert f"{lower}/blobs/{one['digest'].replace(':', '/')}" in root


KERNEL = {"kernel": b"K", "kernel.tar": tar_of({"lib": None, "lib/modules": None}), "u": b"U"}
FILES: dict[str, bytes | None] = {
    "boot/kernel": b"K",
    "boot/cmdline": b"quiet",
    "lib/modules": None,
    "boot/ucode.cpio": b"U",
}


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        pytest.param("", {"boot/ucode.cpio"}, id="no microcode"),
        pytest.param("ucode: u", set(), id="microcode"),
        pytest.param("ucode: ghost", {"boot/ucode.cpio"}, id="microcode that the image lacks"),
        pytest.param("tar: none", {"boot/ucode.cpio", "lib/modules"}, id="no tar"),
        pytest.param("tar: ''", {"boot/ucode.cpio", "lib/modules"}, id="empty tar"),
        pytest.param("binary: u", {"boot/ucode.cpio"}, id="another kernel"),
    ],
)
def test_a_kernel_comes_from_its_image(
    made: Made, stubs: StubImages, more: str, missing: set[str]
) -> None:
    stubs.add("docker.io/me/kernel:1", KERNEL)

    root = made(f"kernel:\n  image: me/kernel:1\n  cmdline: quiet\n  {more}\n")

    there = {path for path in FILES if path in root}
    assert there == FILES.keys() - missing
    assert held(root, "boot/kernel") == (b"U" if "binary" in more else b"K")


@pytest.mark.parametrize(
    ("more", "said"),
    [("binary: vmlinuz", "no file 'vmlinuz'"), ("tar: k.tar", "no file 'k.tar'")],
)
def test_a_kernel_that_is_not_in_its_image_is_told(
    made: Made, stubs: StubImages, more: str, said: str
) -> None:
    stubs.add("docker.io/me/kernel:1", KERNEL)

    with pytest.raises(InputError, match=said):
        made(f"kernel: {{image: 'me/kernel:1', {more}}}")


def test_files_make_the_folders_on_the_way_with_a_mode_that_fits(made: Made) -> None:
    root = made(
        "files:\n- {path: /a/b/c, contents: x, mode: '0640', uid: 5}\n"
        "- {path: a/d, contents: '', mode: ''}\n- {path: link, symlink: a/d, source: ''}\n"
        "- {path: here, source: beside}\n- {path: gone, source: nowhere, optional: true}\n",
        beside="text",
    )

    modes = {path: (oct(one.mode), one.uid) for path, one in root}
    assert modes["a"] == ("0o750", 5)
    assert modes["a/b"] == ("0o750", 5)
    assert modes["a/b/c"] == ("0o640", 5)
    assert modes["a/d"] == ("0o600", 0)
    assert "gone" not in modes


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param({"etc": "/", "hosts": b"own"}, id="etc is a link to the root"),
        pytest.param({"etc": "../../..", "dev": "/etc"}, id="links that leave"),
        pytest.param({"etc": b"file", "proc": b"file", "dev": b"file"}, id="files"),
        pytest.param({"etc": None, "etc/hosts": "/etc/passwd"}, id="a file is a link"),
        pytest.param({"etc": None, "etc/hosts": None, "etc/hosts/x": b""}, id="a file is a folder"),
    ],
)
def test_no_image_reaches_out_of_its_own_folder(
    made: Made, stubs: StubImages, entries: dict[str, bytes | str | None]
) -> None:
    stubs.add("docker.io/me/hostile:1", {"bin/x": b"x", **entries}, Entrypoint=["/x"])

    root = made("init: ['me/init:1']\nservices: [{name: app, image: 'me/hostile:1'}]\n")

    lower = "containers/services/app/lower"
    outside = [path for path, _ in root if not path.startswith("containers/services/app")]
    assert held(root, f"{lower}/etc/hosts").startswith(b"127.0.0.1")
    assert entry(root, f"{lower}/etc").kind is Kind.FOLDER
    assert "hosts" not in outside
    assert held(root, "etc/hosts").startswith(b"127.0.0.1")
