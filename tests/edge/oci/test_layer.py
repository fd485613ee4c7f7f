from pathlib import Path

import pytest

from edge import toolbox
from edge.errors import InputError
from edge.oci import layer
from edge.oci.layer import package_tree, service_layer
from edge.oci.store import Store
from edge.oci.tree import ConflictError, Entry, Kind, Tree, file, folder, link
from tests.edge.oci.conftest import MakePackage, MakeService
from tests.edge.oci.debs import stored_deb


def names(tree: Tree) -> list[str]:
    return [path for path, entry in tree if entry.kind is not Kind.FOLDER]


def content(tree: Tree, path: str) -> bytes:
    entry = tree.find(path)
    assert entry is not None, path
    return entry.read()


def test_a_layer_holds_the_files_of_its_packages(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    one = package("one", {"usr/bin/tool": file(b"tool", mode=0o755), "usr/bin/t": link("tool")})
    two = package("two", {"usr/lib/two": file(b"two")})

    made = service_layer(service(""), [two, one], store)

    assert names(made.tree) == ["bin", "lib", "usr/bin/t", "usr/bin/tool", "usr/lib/two"]
    assert content(made.tree, "bin/t") == b"tool"
    assert content(made.tree, "/lib/two") == b"two"


def test_packages_of_the_old_layout_go_into_the_merged_usr(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    old = package("old", {"bin/sh": file(b"sh"), "sbin/init": file(b"init"), "lib/x/y": file(b"y")})

    tree = service_layer(service(""), [old], store).tree

    assert names(tree) == ["bin", "lib", "sbin", "usr/bin/sh", "usr/lib/x/y", "usr/sbin/init"]
    assert [tree.get(path) for path in ("bin", "sbin", "lib")] == [
        link("usr/bin"),
        link("usr/sbin"),
        link("usr/lib"),
    ]


def test_set_uid_and_set_gid_are_dropped_and_the_sticky_bit_stays(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    bad = package(
        "bad",
        {
            "usr/bin/su": file(b"su", mode=0o4755),
            "usr/bin/wall": file(b"wall", mode=0o2755),
            "srv/all": folder(mode=0o1777),
        },
    )

    tree = service_layer(service(""), [bad], store).tree

    modes = {path: oct(entry.mode) for path, entry in tree}
    assert modes["usr/bin/su"] == modes["usr/bin/wall"] == "0o755"
    assert modes["srv/all"] == "0o1777"


def test_documentation_is_left_out_and_no_empty_folder_stays(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    files = {
        "usr/share/doc/one/copyright": file(b""),
        "usr/share/man/man1/one.1.gz": file(b""),
        "var/lib/one": folder(),
        "usr/bin/one": file(b"one"),
        "etc/init.d/one": file(b""),
    }

    tree = service_layer(service(""), [package("one", files)], store).tree

    assert [path for path, _ in tree if not path.startswith("usr/bin")] == [
        *("bin", "usr", "var", "var/lib", "var/lib/one"),
    ]


def test_own_patterns_choose_among_files(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    files = {f"usr/bin/{name}": file(name.encode()) for name in ("a", "b", "c")}
    files |= {"usr/share/locale/de/x.mo": file(b"de"), "usr/share/locale/fr/x.mo": file(b"fr")}
    wanted = service("exclude: [usr/bin/**]\ninclude: [usr/bin/b, usr/share/locale/de]\n")

    tree = service_layer(wanted, [package("one", files)], store).tree

    assert names(tree) == ["bin", "usr/bin/b", "usr/share/locale/de/x.mo"]


def test_two_packages_with_different_files_at_one_path_are_both_named(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    one, two = package("one", {"etc/x": file(b"1")}), package("two", {"etc/x": file(b"2")})

    with pytest.raises(ConflictError, match="packages one and two: /etc/x: a file is wanted") as at:
        service_layer(service(""), [two, one], store)

    assert at.value.hint is not None


def test_two_packages_may_have_the_same_file(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    one, two = package("one", {"etc/x": file(b"1")}), package("two", {"etc/x": file(b"1")})

    assert names(service_layer(service(""), [one, two], store).tree) == ["etc/x"]


def test_own_files_replace_those_of_packages(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    one = package("one", {"etc/x": file(b"package"), "usr/bin/tool": file(b"t")})
    wanted = service(
        "files:\n"
        "  - {path: etc/x, contents: own}\n"
        "  - {path: bin/run, source: run.sh, mode: '0755'}\n"
        "  - {path: srv/data, directory: true, mode: '0700', uid: 5}\n"
        "  - {path: etc/y, symlink: x}\n",
        **{"run.sh": "#!/bin/sh\n"},
    )

    tree = service_layer(wanted, [one], store).tree

    assert content(tree, "etc/y") == b"own"
    assert tree.get("srv/data") == folder(mode=0o700, uid=5)
    program = tree.get("usr/bin/run")
    assert program is not None
    assert program.mode == 0o755


def test_a_source_that_is_a_folder_brings_all_in_it(
    service: MakeService, store: Store, tmp_path: Path
) -> None:
    inner = tmp_path / "services" / "example" / "scan" / ".s6"
    inner.mkdir(parents=True)
    (inner / "finish").write_text("x")
    (inner / "finish").chmod(0o700)
    (inner / "link").symlink_to("finish")
    wanted = service("files: [{path: usr/lib/edge, source: scan}]\n")

    tree = service_layer(wanted, [], store).tree

    finish = tree.get("usr/lib/edge/.s6/finish")
    assert finish is not None
    assert finish.mode == 0o755
    assert tree.get("usr/lib/edge/.s6/link") == link("finish")


def test_a_layer_is_made_once_for_the_same_inputs(
    package: MakePackage, service: MakeService, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = package("one", {"etc/x": file(b"1")})
    first = service_layer(service("files: [{path: etc/y, contents: y}]\n"), [one], store)
    monkeypatch.setattr(layer, "_contents", lambda *_: pytest.fail("made again"))

    again = service_layer(service("files: [{path: etc/y, contents: y}]\n"), [one], store)

    assert again.blob == first.blob
    assert [(path, entry.identity()) for path, entry in again.tree] == [
        (path, entry.identity()) for path, entry in first.tree
    ]


def test_a_changed_file_makes_another_layer(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    one = package("one", {"etc/x": file(b"1")})
    text = "files: [{path: etc/y, source: y}]\n"

    first = service_layer(service(text, y="1"), [one], store)
    second = service_layer(service(text, y="2"), [one], store)

    assert first.blob != second.blob
    assert content(second.tree, "etc/y") == b"2"


def test_two_builds_in_two_folders_give_the_same_bytes(
    tmp_path: Path, service: MakeService
) -> None:
    files: dict[str, Entry] = {f"usr/bin/{n}": file(b"x" * n, mode=0o755) for n in range(1, 30)}
    wanted = service("files: [{path: etc/y, contents: y}]\n")

    blobs = []
    for place in ("here", "there"):
        store = Store(tmp_path / place / "store")
        made = service_layer(wanted, [stored_deb("one", files, tmp_path / place, store)], store)
        blobs.append(store.read(made.blob))

    assert blobs[0] == blobs[1]


def test_a_hard_link_in_a_package_is_the_file_once_more(
    package: MakePackage, store: Store, tmp_path: Path
) -> None:
    first = package("one", {"usr/bin/perl": file(b"perl", mode=0o755)})
    (tmp_path / "one" / "usr/bin/perl5").hardlink_to(tmp_path / "one" / "usr/bin/perl")
    from edge import process

    output = tmp_path / "two.deb"
    process.run(["dpkg-deb", "--root-owner-group", "--build", tmp_path / "one", output])
    digest = store.add_file(output)
    second = type(first)("one", "2", "all", digest.removeprefix("sha256:"), 1, "x", "main")

    tree = package_tree(second, store).tree

    assert content(tree, "usr/bin/perl5") == b"perl"


def test_a_package_that_is_not_in_the_store_is_told(
    package: MakePackage, service: MakeService, tmp_path: Path
) -> None:
    one = package("one", {"etc/x": file(b"1")})

    with pytest.raises(InputError, match="package one=1 is not in the store"):
        service_layer(service(""), [one], Store(tmp_path / "empty"))


def test_a_blob_that_was_cleaned_away_is_made_again(
    package: MakePackage, service: MakeService, store: Store
) -> None:
    one = package("one", {"etc/x": file(b"1")})
    made = service_layer(service(""), [one], store)
    store.path(made.blob).unlink()

    again = service_layer(service(""), [one], store)

    assert store.has(again.blob)
    assert again.blob == made.blob


def test_python_sources_become_byte_code(
    package: MakePackage,
    service: MakeService,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def compile_all(folder: Path) -> None:
        for source in folder.rglob("*.py"):
            source.with_suffix(".pyc").write_bytes(b"pyc of " + source.read_bytes())
            source.unlink()

    monkeypatch.setattr(toolbox, "compile_pyc", compile_all)
    monkeypatch.setattr(toolbox, "stamp", lambda: "1")
    files = {
        "usr/lib/python3/dist-packages/a.py": file(b"a"),
        "usr/lib/python3/dist-packages/__pycache__/a.cpython-313.pyc": file(b"old"),
        "usr/lib/python3/dist-packages/b.py": file(b"b", mode=0o755),
        "usr/lib/python3/dist-packages/c.py": link("a.py"),
        "usr/bin/program.py": file(b"program", mode=0o755),
    }
    wanted = service("python: {compile: true, packages: [edge_signing]}\n")

    tree = service_layer(wanted, [package("one", files)], store).tree

    assert content(tree, "usr/lib/python3/dist-packages/a.pyc") == b"pyc of a"
    assert content(tree, "usr/lib/python3/dist-packages/b.pyc") == b"pyc of b"
    assert tree.get("usr/lib/python3/dist-packages/c.pyc") == link("a.pyc")
    assert content(tree, "usr/bin/program.py") == b"program"
    shipped = "usr/lib/python3/dist-packages/edge_signing/__init__.pyc"
    assert content(tree, shipped).startswith(b"pyc of ")
    assert not [path for path in names(tree) if "__pycache__" in path or path.endswith("a.py")]


@pytest.mark.tools
def test_byte_code_is_for_the_python_of_the_device(
    package: MakePackage, service: MakeService, store: Store, tool: object
) -> None:
    del tool
    one = package("one", {"usr/lib/python3/dist-packages/a.py": file(b'"""doc"""\nx = 1\n')})

    tree = service_layer(service("python: {compile: true}\n"), [one], store).tree

    data = content(tree, "usr/lib/python3/dist-packages/a.pyc")
    assert data[:4] == b"\xf3\x0d\x0d\x0a"  # the magic number of 3.13
    assert data[4] & 0b11 == 0b01  # PEP 552: hash based, never checked
    assert b"doc" not in data


@pytest.mark.tools
def test_a_program_is_compiled_for_the_device(
    service: MakeService, store: Store, tool: object
) -> None:
    del tool
    wanted = service(
        "build: {c: [{sources: [hello.c], output: usr/bin/hello}]}\n",
        **{
            "hello.c": '#include "name.h"\nint main(void) { return NAME; }\n',
            "name.h": "#define NAME 7\n",
        },
    )

    tree = service_layer(wanted, [], store).tree

    entry = tree.get("usr/bin/hello")
    assert entry is not None
    assert entry.mode == 0o755
    assert entry.read()[18:20] == b"\xb7\x00"  # EM_AARCH64
