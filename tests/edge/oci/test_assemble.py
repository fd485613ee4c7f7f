import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.oci.assemble import Container, Release, Root, assemble, container
from edge.oci.image import Image
from edge.oci.modules import Module
from edge.oci.spec import ImageConfig, own_uid
from edge.oci.tar_writer import write_tar
from edge.oci.tree import ConflictError, Entry, Tree, file, folder, link
from edge.oci.volumes import FilledVolume
from edge.strict.model import load_model
from edge.system.files import SystemFile
from edge.system.parts import Part, Section
from edge.system.settings import Settings
from edge.system.volumes import Volume

RELEASE = Release("minimal", "1.2.3", "board")
BIG = b"B" * 1000


def image(name: str, entries: dict[str, Entry], text: str = "command: [/x]") -> Image:
    tree = Tree()
    for path, entry in entries.items():
        tree.add(path, entry)
    settings = load_model(Settings, text, "test.yml")
    return Image(name, f"sha256:{'0' * 64}", ImageConfig(), settings, tree)


INIT = image("init", {"usr/sbin/init": file(b"init", mode=0o755), "lib": link("usr/lib")})


def service(name: str, entries: dict[str, Entry], text: str = "command: [/x]") -> Container:
    made = image(name, entries, text)
    return Container(Section.SERVICES, name, made, made.settings)


def onboot(name: str, section: Section = Section.ONBOOT) -> Container:
    made = image(name, {"bin/x": file(b"x")}, "command: [/x]")
    return Container(section, name, made, made.settings)


def root_of(*containers: Container, **options: object) -> Root:
    return assemble(containers, [INIT], RELEASE, **options)  # type: ignore[arg-type]


def text_of(tree: Tree, path: str) -> str:
    entry = tree.find(path)
    assert entry is not None, path
    return entry.read().decode()


def files(text: str) -> list[SystemFile]:
    return [load_model(SystemFile, text, "system.yml")]


def test_files_of_var_are_where_init_takes_them_from_at_each_start() -> None:
    tree = root_of(files=files("{path: var/lib/x/y, contents: z}")).tree

    assert text_of(tree, "usr/share/edge/var/lib/x/y") == "z"


def test_a_root_that_can_be_written_lies_below_an_overlay() -> None:
    tree = root_of(service("web", {"bin/web": file(b"web")}, "command: [/x]\nreadonly: false")).tree

    base = "containers/services/web"
    assert text_of(tree, f"{base}/lower/bin/web") == "web"
    assert {f"{base}/tmp", f"{base}/rootfs"} <= {path for path, _ in tree}
    conf = text_of(tree, "etc/edge/services/web/conf")
    assert f"ROOT='overlay'\nLOWER='/{base}/lower'\n" in conf


def test_volumes_are_laid_out_and_init_is_told_of_them() -> None:
    contents = Tree()
    contents.add("x", file(b"x"))
    volumes = [
        FilledVolume(Volume(name="m")),
        FilledVolume(Volume(name="k", persistent=True)),
        FilledVolume(Volume(name="f", image="data", readonly=True), contents),
    ]

    root = root_of(volumes=volumes)

    tree, base = root.tree, "containers/volumes"
    assert {size.part: size.total_bytes for size in root.sizes}["volumes/f"] == 1
    assert text_of(tree, "etc/edge/volumes") == "m memory\nk kept\nf fixed\n"
    assert text_of(tree, f"{base}/f/lower/x") == "x"
    made = {path for path, _ in tree if path.startswith(base)}
    assert {f"{base}/m/tmp", f"{base}/k/merged", f"{base}/f/merged"} <= made
    assert not {f"{base}/k/tmp", f"{base}/f/tmp"} & made


def test_a_link_of_the_device_to_a_file_that_it_makes_can_be_bound() -> None:
    tree = root_of(service("web", {}, "command: [/x]\nbinds: ['/etc/resolv.conf:/r']")).tree

    assert tree.get("containers/services/web/rootfs/r") == file(b"")


def test_containers_are_laid_out_as_linuxkit_does() -> None:
    tree = root_of(
        onboot("first"),
        onboot("second"),
        onboot("last", Section.ONSHUTDOWN),
        service("web", {"bin/web": file(b"web")}),
    ).tree

    places = [path.rpartition("/")[0] for path, _ in tree if path.endswith("config.json")]
    assert places == [
        "containers/onboot/000-first",
        "containers/onboot/001-second",
        "containers/onshutdown/000-last",
        "containers/services/web",
    ]
    assert text_of(tree, "containers/services/web/rootfs/bin/web") == "web"
    assert "etc/edge/onboot/001-second.conf" in tree
    assert "etc/edge/onshutdown/000-last.conf" in tree
    assert "etc/edge/services/web/conf" in tree
    assert text_of(tree, "etc/edge/order") == "web\n"


def test_the_root_says_what_it_is() -> None:
    tree = root_of().tree

    assert text_of(tree, "etc/os-release") == (
        "ID='edge'\nNAME='Edge'\nPRETTY_NAME='Edge minimal 1.2.3'\nVERSION_ID='1.2.3'\n"
        "IMAGE_ID='minimal'\nIMAGE_VERSION='1.2.3'\n"
    )
    assert text_of(tree, "etc/hostname") == "board\n"
    assert tree.get("var") == link("run/var")
    assert tree.get("tmp") == folder(mode=0o1777)
    assert tree.get("etc/resolv.conf") == link("/run/edge/resolv.conf")
    assert all(tree.get(name) == folder() for name in ("data", "dev", "mnt", "proc", "run", "sys"))


def test_every_mount_has_a_mount_point_in_its_read_only_root() -> None:
    text = "command: [/x]\nbinds: ['/etc/hostname:/etc/name', '/data/w:/srv/w']\nnet: host\n"

    tree = root_of(service("web", {"bin/x": file(b"x")}, text)).tree

    rootfs = "containers/services/web/rootfs"
    assert tree.get(f"{rootfs}/etc/name") == file(b"")
    assert tree.get(f"{rootfs}/etc/resolv.conf") == file(b"")
    assert tree.get(f"{rootfs}/srv/w") == folder()
    assert tree.get(f"{rootfs}/proc") == folder()


def test_the_configuration_runs_the_service_as_its_own_user() -> None:
    root = root_of(service("web", {}))

    config = json.loads(text_of(root.tree, "containers/services/web/config.json"))
    assert config["process"]["user"] == {"uid": own_uid("web"), "gid": own_uid("web")}
    assert f"UID='{own_uid('web')}'" in text_of(root.tree, "etc/edge/services/web/conf")
    assert config["hooks"]["poststart"][0]["path"] == "/usr/lib/edge/service/started"


def test_files_of_the_system_replace_those_of_init_and_belong_to_services(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("own")
    wanted = [
        *files("path: usr/sbin/init\nsource: own\nmode: '0755'"),
        *files("path: etc/web/key\ncontents: secret\nuid: web\ngid: web"),
        *files("path: etc/none\nsource: nowhere\noptional: true"),
    ]

    tree = root_of(service("web", {}), files=wanted, base=tmp_path).tree

    assert text_of(tree, "usr/sbin/init") == "own"
    uid = own_uid("web")
    assert tree.get("etc/web/key") == file(b"secret", mode=0o600, uid=uid, gid=uid)
    assert "etc/none" not in tree


@pytest.mark.parametrize("path", ["run/x", "data/x", "tmp/x", "dev/x"])
def test_a_file_where_the_device_mounts_something_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=f"/{path}: .* is made anew on the device"):
        root_of(files=files(f"path: {path}\ncontents: ''"))


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not there"):
        root_of(files=files("path: etc/x\nsource: nowhere"), base=tmp_path)


def test_modules_go_behind_the_link_of_the_merged_usr() -> None:
    tree = root_of(modules=[Module("a", file(b"a")), Module("b", file(b"b"))]).tree

    assert text_of(tree, "lib/modules/edge/order") == "a.ko\nb.ko\n"
    assert tree.get("lib") == link("usr/lib")


def test_two_images_of_init_with_different_files_are_a_conflict() -> None:
    other = image("other", {"usr/sbin/init": file(b"other")})

    with pytest.raises(ConflictError, match="init: other: /usr/sbin/init"):
        assemble([], [INIT, other], RELEASE)


def test_a_part_costs_only_what_it_does_not_share() -> None:
    shared = file(b"S" * 5000)
    one = service("one", {"lib/shared": shared, "bin/one": file(BIG)})
    two = service("two", {"lib/shared": shared})

    sizes = {size.part: size for size in root_of(one, two, modules=[Module("m", shared)]).sizes}

    assert sizes["one"].alone_bytes - sizes["two"].alone_bytes == 1000
    assert sizes["one"].total_bytes - sizes["one"].alone_bytes == 5000
    assert sizes["kernel modules"].alone_bytes == len("m.ko\n")
    assert sizes["init"].alone_bytes > 0


def test_the_table_of_privileges_says_what_each_may_do() -> None:
    text = (
        "command: [/x]\ncapabilities: [CAP_KILL]\nnet: host\npid: host\n"
        "binds: ['/data/x:/x', '/etc/hostname:/h:ro']\ndevices: [{path: /dev/ttyS0}]\n"
    )

    (row,) = root_of(service("web", {}, text)).privileges

    assert row.capabilities == ("CAP_KILL",)
    assert (row.net, row.joined) == ("host", ("net", "pid"))
    assert row.writable == ("/data/x",)
    assert row.readable == ("/run/edge/resolv.conf", "/etc/hostname")
    assert row.devices == ("/dev/ttyS0",)
    assert (row.seccomp, row.new_privileges) == ("default", False)


def test_a_confined_service_has_its_launcher_and_the_table_says_so() -> None:
    text = "command: [/x]\nlandlock: {write: []}\n"
    launcher = image("launcher", {"usr/lib/edge/confine": file(b"launcher", mode=0o755)})

    root = assemble([service("web", {}, text)], [INIT, launcher], RELEASE)

    config = json.loads(text_of(root.tree, "containers/services/web/config.json"))
    assert config["process"]["args"][0] == "/.edge-confine"
    assert root.tree.get("containers/services/web/rootfs/.edge-confine") == file(b"")
    (row,) = root.privileges
    assert row.landlock == ("read:/", "use:/dev", "use:/proc")
    assert row.readable == ()


def test_an_init_without_the_launcher_can_confine_nothing() -> None:
    with pytest.raises(InputError, match="web: binds: there is no /usr/lib/edge/confine"):
        root_of(service("web", {}, "command: [/x]\nlandlock: {}\n"))


def test_the_item_goes_over_the_label_of_its_image() -> None:
    made = image("web", {}, "command: [/x]\nnet: host\ncapabilities: [CAP_KILL]")
    written = load_model(Settings, "net: new\ncapabilities.add: [CAP_CHOWN]", "system.yml")

    found = container(Part(Section.SERVICES, "shop", written), made)

    assert (found.name, found.settings.net) == ("shop", "new")
    assert found.settings.capabilities == ("CAP_KILL", "CAP_CHOWN")


def test_two_assemblies_give_the_same_bytes_and_services_share_files() -> None:
    digests, links = [], set()
    for _ in range(2):
        root = root_of(service("a", {"x": file(BIG)}), service("b", {"x": file(BIG)}))
        stream = io.BytesIO()
        write_tar(root.tree, stream)
        digests.append(hashlib.sha256(stream.getvalue()).hexdigest())
        stream.seek(0)
        with tarfile.open(fileobj=stream) as archive:
            links |= {header.linkname for header in archive if header.islnk()}

    assert digests[0] == digests[1]
    assert "./containers/services/a/rootfs/x" in links
