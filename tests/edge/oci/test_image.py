import gzip
import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from edge.errors import InputError, ThingNotFoundError, UntrustedError
from edge.oci.image import service_image, write_index
from edge.oci.layout import read_image
from edge.oci.spec import ImageConfig
from edge.oci.store import Store
from edge.oci.tree import Kind, Tree, file, folder, link
from tests.edge.oci.conftest import MakePackage, MakeService
from tests.fakes.image_parts import TAR, Entries, Layout, packed

SETTINGS = """
command: [/usr/bin/x]
capabilities: [CAP_KILL]
binds.add: ["/run/a:/a"]
restart: on-failure
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def names(tree: Tree) -> list[str]:
    return [path for path, _ in tree]


def test_an_image_of_a_service_is_what_oci_says(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    image = service_image(service(SETTINGS), [package("one", {"etc/x": file(b"1")})], store)

    manifest = json.loads(store.read(image.manifest))
    config = json.loads(store.read(manifest["config"]["digest"]))
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == TAR
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    assert (config["architecture"], config["os"]) == ("arm64", "linux")
    assert image.tag == image.manifest[7:47]
    with tarfile.open(store.path(layer["digest"])) as archive:
        assert archive.getnames() == [".", "./etc", "./etc/x"]


def test_the_labels_hold_the_settings(service: MakeService, store: Store) -> None:
    image = service_image(service(SETTINGS), [], store)

    manifest = json.loads(store.read(image.manifest))
    labels = json.loads(store.read(manifest["config"]["digest"]))["config"]["Labels"]
    linuxkit = {"command": ["/usr/bin/x"], "capabilities": ["CAP_KILL"], "binds": ["/run/a:/a"]}
    assert json.loads(labels["org.mobyproject.config"]) == linuxkit
    assert json.loads(labels["dev.edge.settings"]) == {**linuxkit, "restart": "on-failure"}


def test_an_image_that_was_written_reads_back(
    package: MakePackage, service: MakeService, store: Store, tmp_path: Path
) -> None:
    files = {"usr/bin/x": file(b"x", mode=0o755), "usr/bin/y": file(b"x", mode=0o755)}
    image = service_image(service(SETTINGS), [package("one", files)], store)
    (store.folder / "index.json").write_bytes(write_index([image], store))

    text = f"oci:{store.folder}:{image.tag}"
    found = read_image(text, tmp_path, Store(tmp_path / "other"))

    assert found.manifest == image.manifest
    assert found.settings == image.settings
    assert found.config == ImageConfig(command=("/usr/bin/x",))
    assert [(path, entry.identity()) for path, entry in found.tree] == [
        (path, entry.identity()) for path, entry in image.tree
    ]


def test_layers_go_over_each_other_with_whiteouts(layout: Layout, store: Store) -> None:
    lower: Entries = {
        "lib": "usr/lib",
        "usr/lib/a": b"a",
        "usr/lib/b": b"b",
        "etc/x/1": b"1",
        "f": b"old",
    }
    upper: list[tuple[str, bytes | None]] = [
        *(("lib/c", b"c"), ("usr/lib/.wh.a", b""), ("etc/x/.wh..wh..opq", b"")),
        *(("etc/x/2", b"2"), ("f", None), ("f/new", b"new")),
    ]
    layers = [(TAR, packed(lower)), (f"{TAR}+gzip", gzip.compress(packed(dict(sorted(upper)))))]
    layout.add("v1", layers)

    tree = read_image("oci:layout:v1", layout.folder.parent, store).tree

    files = {path: entry.read() for path, entry in tree if entry.kind is Kind.FILE}
    assert files == {"usr/lib/b": b"b", "usr/lib/c": b"c", "etc/x/2": b"2", "f/new": b"new"}
    assert tree.get("lib") == link("usr/lib")


def test_a_tar_without_its_end_is_read(layout: Layout, store: Store) -> None:
    data = packed({"a": b"x" * 700})[: 512 + 700]  # as umoci writes it
    layout.add("v1", [(TAR, data)])

    tree = read_image("oci:layout", layout.folder.parent, store).tree

    entry = tree.get("a")
    assert entry is not None
    assert entry.read() == b"x" * 700


def test_linuxkit_labels_are_settings(layout: Layout, store: Store) -> None:
    label = json.dumps({"capabilities": ["CAP_NET_ADMIN"], "net": "host"})
    config = {"Labels": {"org.mobyproject.config": label}, "Cmd": ["/x"], "Env": ["A=1"]}
    layout.add("v1", [(TAR, packed({"a": b"a"}))], **config)

    image = read_image("oci:layout:v1", layout.folder.parent, store)

    assert image.settings.net == "host"
    assert image.settings.capabilities == ("CAP_NET_ADMIN",)
    assert image.config == ImageConfig(command=("/x",), env=("A=1",))


@pytest.mark.parametrize(
    "label",
    [
        pytest.param('{"env": ["A=\\ud83d\\ude00\\u00e9"]}', id="JSON of ASCII"),
        pytest.param('{\n\t"env":\t["A=\\ud83d\\ude00é"]\n}', id="JSON with tabs"),
        pytest.param('env: ["A=\U0001f600é"]', id="YAML"),
    ],
)
def test_a_label_may_be_json_or_yaml(layout: Layout, store: Store, label: str) -> None:
    layout.add("v1", [(TAR, packed({"a": b"a"}))], Labels={"org.mobyproject.config": label})

    image = read_image("oci:layout:v1", layout.folder.parent, store)

    assert image.settings.env == ("A=\U0001f600é",)


def test_a_damaged_blob_is_not_trusted(layout: Layout, store: Store) -> None:
    data = packed({"a": b"a"})
    layout.add("v1", [(TAR, data)])
    path = layout.folder / "blobs" / "sha256" / hashlib.sha256(data).hexdigest()
    path.write_bytes(data.replace(b"a", b"b"))

    with pytest.raises(UntrustedError):
        read_image("oci:layout:v1", layout.folder.parent, store)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        pytest.param("oci:layout:v9", ThingNotFoundError, "no image 'v9'", id="tag"),
        pytest.param("oci:layout", InputError, "several images", id="several"),
        pytest.param("oci:nowhere", ThingNotFoundError, "no OCI layout", id="folder"),
        pytest.param("oci:", InputError, "a path is missing", id="no path"),
        pytest.param("linuxkit/sshd:1", InputError, "not on this machine", id="registry"),
        pytest.param("oci:layout:lzip", InputError, r"layers of type .*lzip", id="compression"),
        pytest.param("oci:layout:label", InputError, "label is not valid", id="label"),
        pytest.param("oci:layout:cut", UntrustedError, "layer sha256:", id="cut short"),
    ],
)
def test_what_cannot_be_read_is_told(
    layout: Layout, store: Store, text: str, error: type[Exception], said: str
) -> None:
    layout.add("v1", [(TAR, packed({"a": b"a"}))])
    layout.add("lzip", [(f"{TAR}+lzip", b"")])
    layout.add("cut", [(f"{TAR}+gzip", gzip.compress(packed({"a": b"a"}))[:-12])])
    layout.add("label", [], Labels={"org.mobyproject.config": '{"ghost": 1}'})

    with pytest.raises(error, match=said):
        read_image(text, layout.folder.parent, store)


def test_an_image_for_another_architecture_is_refused(layout: Layout, store: Store) -> None:
    layout.add("v1", [(TAR, packed({"a": b"a"}))])

    with pytest.raises(InputError, match="is for linux/arm64, not for linux/riscv64"):
        read_image("oci:layout:v1", layout.folder.parent, store, architecture="riscv64")


def test_a_folder_in_an_upper_layer_changes_its_mode_only(layout: Layout, store: Store) -> None:
    layout.add("v1", [(TAR, packed({"a/b": b"b"})), (TAR, packed({"a": None}))])

    tree = read_image("oci:layout:v1", layout.folder.parent, store).tree

    assert names(tree) == ["a", "a/b"]
    assert tree.get("a") == folder(mode=tarfile.TarInfo().mode)
