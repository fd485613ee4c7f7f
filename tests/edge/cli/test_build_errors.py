"""Bad input of every kind, through the real command: what it tells, its status, what stays."""

import functools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.debian.archive import Archive
from edge.image import inputs
from edge.oci.store import Store
from tests.edge.conftest import Edge
from tests.fakes.tiny_project import TinyProject, digests, noise, program

pytestmark = pytest.mark.tools
Spoil = Callable[[TinyProject], object]


def append(text: str) -> Spoil:
    return lambda project: project.system.write_text(project.system.read_text() + text)


def replace(old: str, new: str) -> Spoil:
    return lambda project: project.system.write_text(project.system.read_text().replace(old, new))


def long_command_line(project: TinyProject) -> None:
    append(f"kernel: {{cmdline: {'x' * 1990}}}\n")(project)
    file = project.board("tiny")
    file.write_text(file.read_text().replace("cmdline: console=ttyAMA0", f"cmdline: {'y' * 89}"))


def circle(project: TinyProject) -> None:
    replace("one\n", "one\n    depends_on: [two]\n")(project)


@pytest.mark.parametrize(
    ("spoil", "told", "hint"),
    [
        pytest.param(
            append("servces: []\n"),
            "system.yml:7:1: servces: unknown key 'servces'",
            "did you mean 'services'?",
            id="unknown key",
        ),
        pytest.param(
            append("init: []\n"),
            "system.yml:7:1: init: the key 'init' is written twice, first in line 1",
            "",
            id="duplicate key",
        ),
        pytest.param(
            append("trust: {image: yes}\n"),
            "system.yml:7:16: trust.image: 'yes'",
            "",
            id="boolean of YAML 1.1",
        ),
        pytest.param(
            replace("{service: ./services/two, depends_on: [one]}", "service: ./services/one"),
            "system.yml:4:5: services[1].name: two services",
            "give one of them another `name:`",
            id="two services with one name",
        ),
        pytest.param(circle, "a circle: one needs two needs one", "", id="dependency circle"),
        pytest.param(
            replace("depends_on: [one]", "depends_on: [on]"),
            "there is no service 'on'",
            "did you mean 'one'?",
            id="unknown dependency",
        ),
        pytest.param(
            replace("./services/one", "netwrk"),
            "there is no built-in service 'netwrk'",
            "did you mean 'network'?",
            id="unknown service",
        ),
        pytest.param(
            lambda project: project.service("one", "app-onne"),
            "package 'app-onne' not found in trixie (arm64)",
            "did you mean app-one",
            id="package not found",
        ),
        pytest.param(
            lambda project: project.board("tiny", data_mib="data_mb: 4"),
            "unknown key 'data_mb'",
            "did you mean 'data_mib'?",
            id="bad board",
        ),
        pytest.param(
            lambda project: project.board(
                "tiny", modules="modules: {initramfs: [dm_verty, erofs]}"
            ),
            "kernel 6.1-tiny has no module 'dm_verty'",
            "did you mean dm_verity",
            id="unknown module",
        ),
        pytest.param(
            long_command_line,
            "the kernel command line has 2126 bytes, 2035 is the most",
            "shorten kernel.cmdline",
            id="command line too long",
        ),
        pytest.param(
            lambda project: project.board("tiny", packages="packages: []"),
            "board tiny: 'usr/lib/u-boot/tiny/u-boot.bin' matches not one file of its packages",
            "look at `packages` and `package_file` in its board.yml",
            id="firmware not found",
        ),
        pytest.param(
            lambda project: project.board("tiny", kernel="app-one"),
            "package app-one brings 0 kernels, not one",
            "",
            id="no kernel",
        ),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(
    project: TinyProject, build: Edge, spoil: Spoil, told: str, hint: str
) -> None:
    spoil(project)

    ended = build()

    assert ended.status == 2
    assert told in ended.err
    assert hint in ended.err
    assert ended.out == ""
    assert not (project.folder / "out").exists()


def test_all_mistakes_come_at_once_as_json(project: TinyProject, build: Edge) -> None:
    append("servces: []\nkernel: {cmdlin: quiet}\n")(project)

    ended = build("--json")

    told = json.loads(ended.out)
    assert ended.status == told["status"] == 2
    assert [(one["line"], one["column"], one["path"]) for one in told["problems"]] == [
        (7, 1, "servces"),
        (8, 10, "kernel.cmdlin"),
    ]
    assert ended.err == ""


def test_an_unknown_board_suggests_the_nearest(build: Edge) -> None:
    ended = build(board="tiny-tow")

    assert ended.status == 2
    assert "there is no board 'tiny-tow'" in ended.err
    assert "did you mean 'tiny-two'" in ended.err


def test_wrong_usage_is_json_too_when_asked(edge: Edge) -> None:
    ended = edge("build", "--json", "--bord", "x", "system.yml")

    told = json.loads(ended.out)
    assert ended.status == told["status"] == 2
    assert "--bord" in told["error"]
    assert "edge build --help" in told["hint"]


def test_a_system_file_that_is_not_there_is_a_thing_not_found(edge: Edge) -> None:
    ended = edge("build", "nowhere.yml", "--board", "tiny")

    assert ended.status == 3
    assert "nowhere.yml: no such file" in ended.err


def test_a_root_too_large_for_the_slot_says_by_how_much_and_why(
    project: TinyProject, build: Edge
) -> None:
    project.repository.add("app-huge", files={"usr/bin/app-huge": bytes(9 << 20)})
    project.service("one", "app-huge")

    ended = build()

    assert ended.status == 2
    assert "rootfs-a: the contents need 9." in ended.err
    assert "the partition has 8 MiB: 1." in ended.err
    assert "largest services: one 9.0 MiB" in ended.err
    assert "make slots.rootfs_mib at least 10 in the board file" in ended.err
    assert not (project.folder / "out").exists()


def test_a_kernel_too_large_for_its_partition_names_it(project: TinyProject, build: Edge) -> None:
    project.repository.add(
        "linux-image-9-huge",
        files={
            "boot/vmlinuz-9-huge": bytes(5 << 20),
            "usr/lib/modules/9-huge/modules.builtin": b"",
        },
    )
    project.board("tiny", kernel="linux-image-9-huge", modules="modules: {}", watchdog="")

    ended = build()

    assert ended.status == 2
    assert "partition boot-a: " in ended.err


def test_a_package_gone_from_the_mirror_names_the_command_that_helps(
    project: TinyProject, build: Edge, edge: Edge
) -> None:
    deb = project.repository.add("app-one", "1.5", files=program("app-one", 500, version="1.5"))
    assert edge("lock", project.system, "--board", "tiny").status == 0
    remove_from_store(project, deb)
    project.repository.drop(deb)

    ended = build()

    assert ended.status == 2
    assert "gone from the mirror: app-one=1.5" in ended.err
    assert "edge lock --update" in ended.err
    assert edge("lock", project.system, "--board", "tiny", "--update").status == 0
    assert build("--locked").status == 0


def remove_from_store(project: TinyProject, deb: Path) -> None:
    store = Store(project.store)
    digest = store.add_file(deb)
    store.path(digest).unlink()


def test_a_link_lost_mid_way_keeps_the_old_output_and_what_came(
    project: TinyProject,
    ready: dict[str, str],
    build: Edge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inputs, "Archive", functools.partial(Archive, retries=0))  # apt waits long
    for name in ("app-one", "app-two"):
        project.repository.add(name, "2", files=program(name, 30_000, version="2"))
    project.lock.unlink()
    project.repository.cut_after_bytes = {"app-two_2_arm64.deb": 1000}

    ended = build()

    assert ended.status == 6
    assert "app-two=2: cannot be fetched" in ended.err
    assert "what came is kept" in ended.err
    assert digests(project.folder / "out") == ready
    assert project.droppings() == []

    project.repository.cut_after_bytes = {}
    project.repository.down = False
    project.repository.requests.clear()
    assert build().status == 0
    assert project.repository.asked_for() == ["app-two_2_arm64.deb"]
    assert digests(project.folder / "out") != ready


def test_wrong_bytes_from_the_mirror_are_not_trusted(project: TinyProject, build: Edge) -> None:
    (pool,) = project.repository.folder.glob("www/**/app-one_*.deb")
    data = bytearray(pool.read_bytes())
    data[-1] ^= 1
    pool.write_bytes(data)

    ended = build()

    assert ended.status == 4
    assert "app-one=1.0-1: the mirror gives other bytes than sha256:" in ended.err
    assert not project.lock.exists()


@pytest.mark.parametrize("kind", ["package", "layer", "kernel module"])
def test_a_damaged_blob_of_the_store_is_not_built_in(
    project: TinyProject, ready: dict[str, str], build: Edge, kind: str
) -> None:
    wanted = {
        "package": noise("app-one 1", 20_000)[:4000],
        "layer": noise("app-one 1", 20_000)[:4000],
        "kernel module": b"depends=virtio",
    }[kind]
    damaged = damage(project, wanted, packed=kind == "package")

    ended = build("--json")

    told = json.loads(ended.out)
    assert damaged
    assert ended.status == told["status"] == 4
    assert "edge cache clean" in told["hint"]
    assert digests(project.folder / "out") == ready


def damage(project: TinyProject, wanted: bytes, *, packed: bool) -> int:
    """Flip a bit in all blobs that hold some bytes; in packages, and forget what was unpacked."""
    count = 0
    for path in (project.store / "blobs/sha256").iterdir():
        data = bytearray(path.read_bytes())
        if packed and data.startswith(b"!<arch>"):
            data[-1] ^= 1
        elif not packed and wanted in data:
            data[data.index(wanted) + 1] ^= 1
        else:
            continue
        path.write_bytes(data)
        count += 1
    if packed:
        for path in (project.store / "refs").rglob("*"):
            if path.is_file():
                path.unlink()
    return count


@pytest.mark.usefixtures("ready")
def test_a_lock_that_does_not_fit_is_not_changed_when_locked(
    project: TinyProject, build: Edge
) -> None:
    lock = project.lock.read_bytes()
    file = project.folder / "services/two/service.yml"
    file.write_text(file.read_text().replace("[app-two]", "[app-two, libtiny, busybox-tiny]"))

    ended = build("--locked")

    assert ended.status == 2
    assert "service/two: asks for other packages: +libtiny, +busybox-tiny" in ended.err
    assert "--locked" in ended.err
    assert project.lock.read_bytes() == lock


def test_offline_does_not_fetch_the_tools(project: TinyProject, build: Edge) -> None:
    (project.cache / "tools").unlink()

    ended = build("--offline")

    assert ended.status == 1
    assert "the tools are not installed" in ended.err
    assert project.repository.requests == []


def test_offline_says_what_is_not_in_the_lock_or_the_store(
    project: TinyProject, build: Edge
) -> None:
    not_locked = build("--offline")
    assert build().status == 0
    (deb,) = project.repository.folder.glob("www/**/app-two_*.deb")
    remove_from_store(project, deb)
    not_stored = build("--offline")

    assert not_locked.status == not_stored.status == 2
    assert "service/one" in not_locked.err
    assert "not in the store: app-two=1.0-1" in not_stored.err
    assert "build once without --offline" in not_stored.err


@pytest.mark.parametrize("more", [(), ("--no-update",)], ids=["with update", "without"])
def test_a_folder_without_keys_is_told_before_anything_is_built(
    project: TinyProject, build: Edge, tmp_path: Path, more: tuple[str, ...]
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "1.root.json").write_text("{}")

    ended = build("--keys", tmp_path / "keys", *more)

    assert ended.status == 3
    assert f"{tmp_path / 'keys'}: " in ended.err
    assert not (project.folder / "out").exists()
