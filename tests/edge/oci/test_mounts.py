import pytest

from edge.errors import InputError
from edge.oci.mounts import MountPoint, add_mount_points, mounts, names_file, without_absent
from edge.oci.tree import Entry, Kind, Tree, file, folder, link
from edge.strict.model import load_model
from edge.system.settings import Settings


def points(text: str) -> dict[str, MountPoint]:
    settings = load_model(Settings, f"command: [x]\n{text}", "test.yml")
    return {point.destination: point for point in mounts(settings, uid=7, gid=8)}


def tree_of(entries: dict[str, Entry]) -> Tree:
    tree = Tree()
    for path, entry in entries.items():
        tree.add(path, entry)
    return tree


def kinds(rootfs: Tree) -> dict[str, Kind]:
    return {path: entry.kind for path, entry in rootfs}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param("/x", "mode=0755,uid=7,gid=8,nosuid,nodev", id="defaults"),
        pytest.param("/x:size=1m,suid", "mode=0755,uid=7,gid=8,nodev,size=1m,suid", id="suid"),
        pytest.param("/x:mode=1777,nodev", "mode=1777,uid=7,gid=8,nosuid,nodev", id="mode"),
    ],
)
def test_a_tmpfs_belongs_to_the_user_of_the_service(text: str, options: str) -> None:
    point = points(f"tmpfs: ['{text}']")["/x"]

    assert sorted(point.options) == sorted(options.split(","))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param("/a:/x", ("rw", "rbind", "rslave"), id="plain"),
        pytest.param("/a:/x:ro", ("ro", "rbind"), id="read-only"),
        pytest.param("/a:/x:bind,ro,nodev", ("bind", "ro", "nodev"), id="own kind of bind"),
    ],
)
def test_a_bind_has_its_options_and_is_a_bind(text: str, options: tuple[str, ...]) -> None:
    point = points(f"binds: ['{text}']")["/x"]

    assert (point.source, point.options, point.is_bind) == ("/a", options, True)


def test_the_last_mount_at_a_destination_wins() -> None:
    found = points("binds: ['/data/tmp:/tmp', '/data/sys:/sys/']")

    assert found["/tmp"].source == "/data/tmp"
    assert found["/sys"].source == "/data/sys"


def test_names_are_resolved_as_on_the_device_when_the_network_is_shared() -> None:
    assert "/etc/resolv.conf" not in points("")
    assert points("net: host")["/etc/resolv.conf"].source == "/run/edge/resolv.conf"
    own = points("net: host\nbinds: ['/data/r:/etc/resolv.conf']")
    assert own["/etc/resolv.conf"].source == "/data/r"


@pytest.mark.parametrize(
    ("path", "is_file"),
    [
        ("/run/edge/resolv.conf", True),
        ("/run/api.sock", True),
        ("/run/edge/log", False),
        ("/data/conf.d", False),
        ("/data/.hidden", False),
        ("/data/.hidden.conf", True),
        ("/dev/kmsg", True),
        ("/dev/edge/data", True),
        ("/dev/edge", False),
        ("/dev", False),
        ("/dev/shm", False),
        ("/dev/net/tun", True),
    ],
)
def test_a_source_made_on_the_device_is_told_by_its_name(path: str, is_file: bool) -> None:
    assert names_file(path) is is_file


def test_mount_points_are_made_where_they_are_missing() -> None:
    device = tree_of({"etc/edge/net": file(b"x"), "etc/ssl": folder()})
    wanted = points(
        "binds: ['/etc/edge/net:/etc/net', '/etc/ssl:/etc/ssl', '/run/a.sock:/run/a.sock',"
        " '/data/x:/srv/x']\ntmpfs: [/cache]\n"
    )
    rootfs = tree_of({"usr/bin/x": file(b"")})

    add_mount_points(rootfs, list(wanted.values()), device, who="x")

    found = kinds(rootfs)
    assert {path for path, kind in found.items() if kind is Kind.FILE} == {
        *("usr/bin/x", "etc/net", "run/a.sock"),
    }
    assert {"proc", "sys", "dev", "tmp", "run", "etc/ssl", "srv/x", "cache"} <= found.keys()
    assert "dev/pts" not in found  # the runtime makes it in its own /dev


def test_what_the_image_has_stays() -> None:
    entries = {
        "etc/resolv.conf": file(b"old"),
        "run": link("usr/run"),
        "usr/run": folder(mode=0o700),
    }
    rootfs = tree_of(entries)

    add_mount_points(rootfs, list(points("net: host\ntmpfs: [/run]").values()), Tree(), who="x")

    assert rootfs.get("etc/resolv.conf") == file(b"old")
    assert rootfs.get("run") == link("usr/run")


def test_a_bind_of_nothing_in_the_read_only_root_is_an_error() -> None:
    wanted = list(points("binds: ['/etc/edge/keys:/keys']").values())

    with pytest.raises(InputError, match="example: binds: there is no /etc/edge/keys") as at:
        add_mount_points(Tree(), wanted, Tree(), who="example")

    assert "files:" in (at.value.hint or "")


def test_an_optional_bind_is_there_if_the_device_has_its_source() -> None:
    binds = ["/etc/edge/a.conf:/etc/a.conf:ro,optional", "/etc/edge/b.conf:/b:optional", "/run:/c"]
    settings = load_model(Settings, f"command: [x]\nbinds: {binds}", "test.yml")
    there = {"etc/edge/a.conf"}.__contains__

    left = without_absent(settings, there)

    assert left.binds == ("/etc/edge/a.conf:/etc/a.conf:ro", "/run:/c")
    assert without_absent(left, there) is left
