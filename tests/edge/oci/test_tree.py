import hashlib
import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import block_file
from edge.errors import EdgeError, InputError, UntrustedError
from edge.oci.tar_writer import write_tar
from edge.oci.tree import (
    ConflictError,
    Entry,
    Kind,
    Slice,
    Tree,
    clean,
    file,
    folder,
    link,
    on_disk,
)

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=6).map("/".join)
OWNERS = st.sampled_from([(0o644, 0, 0), (0o755, 0, 0), (0o600, 12345, 3_000_000)])
FILES = st.builds(
    lambda content, owner: file(content, mode=owner[0], uid=owner[1], gid=owner[2]),
    st.sampled_from([b"", b"a", b"x" * 511, b"y" * 512, b"z" * 5000]),
    OWNERS,
)
ENTRIES = st.one_of(FILES, st.just(folder()), st.builds(link, NAMES.map("/none/".__add__)))


def written(tree: Tree) -> bytes:
    stream = io.BytesIO()
    write_tar(tree, stream)
    return stream.getvalue()


def tree_of(**entries: Entry) -> Tree:
    tree = Tree()
    for path, entry in entries.items():
        tree.add(path.replace("__", "/"), entry)
    return tree


def read_back(data: bytes) -> dict[str, tuple[Kind, int, int, int, bytes]]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for header in archive:
            content = archive.extractfile(header) if header.isreg() or header.islnk() else None
            kind = Kind.FILE if content else Kind.FOLDER if header.isdir() else Kind.LINK
            data = content.read() if content else header.linkname.encode() * header.issym()
            name = header.name.removeprefix(".").removeprefix("/")
            found[name] = (kind, header.mode, header.uid, header.gid, data)
    return found


@given(st.lists(st.tuples(PATHS, ENTRIES), max_size=20))
def test_a_tar_reads_back_as_the_tree(wanted: list[tuple[str, Entry]]) -> None:
    tree = Tree()
    for path, entry in wanted:
        try:
            tree.add(path, entry)
        except ConflictError:
            continue

    found = read_back(written(tree))

    root = found.pop("")
    assert root == (Kind.FOLDER, 0o755, 0, 0, b"")
    assert found == {
        path: (entry.kind, entry.mode, entry.uid, entry.gid, entry.read() + entry.target.encode())
        for path, entry in tree
    }


@given(
    st.permutations([("b/c", file(b"1")), ("a", file(b"2")), ("b.d", file(b"3")), ("b", folder())])
)
def test_the_order_of_adding_does_not_change_the_bytes(order: list[tuple[str, Entry]]) -> None:
    tree = Tree()
    for path, entry in order:
        tree.add(path, entry)

    assert [path for path, _ in tree] == ["a", "b", "b/c", "b.d"]
    assert written(tree) == written(tree_of(a=file(b"2"), b__c=file(b"1"), **{"b.d": file(b"3")}))


def test_equal_files_are_stored_once_as_hard_links() -> None:
    tree = tree_of(a=file(b"same"), b=file(b"same"), c=file(b"same", mode=0o600), d=file(b"other"))

    with tarfile.open(fileobj=io.BytesIO(written(tree))) as archive:
        links = {header.name: header.linkname for header in archive if header.islnk()}

    assert links == {"./b": "./a"}


def test_offsets_tell_where_each_content_is() -> None:
    tree = tree_of(a=file(b"first"), b=file(b"second"), c=file(b"first"))
    stream = io.BytesIO()

    offsets = write_tar(tree, stream)

    data = stream.getvalue()
    assert {path: data[start:][:5] for path, start in offsets.items()} == {
        "a": b"first",
        "b": b"secon",
        "c": b"first",
    }


def test_a_tar_in_a_block_file_has_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"b" * 3_000_000)
    tree = tree_of(a=on_disk(tmp_path / "blob", mode=0o644), b=file(b"small"), c=link("a"))

    with block_file.new(tmp_path / "root.tar") as stream:
        write_tar(tree, stream)

    data = (tmp_path / "root.tar").read_bytes()
    assert data == written(tree)
    assert stream.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("is_checked", [False, True])
def test_only_what_this_process_hashed_before_is_taken_on_trust(
    tmp_path: Path, *, is_checked: bool
) -> None:
    content = Slice(tmp_path / "blob", 0, 5, is_checked)
    (tmp_path / "blob").write_bytes(b"right")
    tree = tree_of(a=file(content))
    (tmp_path / "blob").write_bytes(b"wrong")

    def write() -> None:
        with block_file.new(tmp_path / "root.tar") as stream:
            write_tar(tree, stream)

    if is_checked:
        write()
        return
    with pytest.raises(UntrustedError, match="not what was stored there"):
        written(tree)
    with pytest.raises(UntrustedError, match="not what was stored there"):
        write()
    assert not (tmp_path / "root.tar").exists()


@given(st.lists(st.tuples(PATHS, ENTRIES), max_size=8), st.lists(st.tuples(PATHS, ENTRIES)))
def test_a_merge_is_as_if_each_entry_was_added(
    before: list[tuple[str, Entry]], more: list[tuple[str, Entry]]
) -> None:
    base, other = Tree(), Tree()
    base.add("usr/lib", folder())
    base.add("lib", link("usr/lib"))
    other.add("lib/one/two", file(b"behind a link"))
    for tree, entries in ((base, before), (other, more)):
        for path, entry in entries:
            with suppress(ConflictError):
                tree.add(path, entry)
    one_by_one, conflict = base.copy(), False
    for path, entry in other:
        if not other.is_implied(path) and not conflict:
            try:
                one_by_one.add(path, entry)
            except ConflictError:
                conflict = True

    try:
        base.merge("", other)
        assert not conflict
    except ConflictError:
        assert conflict
    assert list(base) == list(one_by_one)
    assert "lib/one" not in base or base.get("lib") != link("usr/lib")


def test_a_tar_has_no_times_and_no_names_of_users() -> None:
    data = written(tree_of(a__b=file(b"x"), c=link("a")))

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {(header.mtime, header.uname, header.gname) for header in archive} == {(0, "", "")}


def test_a_slice_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"..wanted..")
    entry = file(Slice(tmp_path / "blob", 2, 6))

    assert entry.read() == b"wanted"
    assert entry.sha256 == hashlib.sha256(b"wanted").hexdigest()


def test_a_blob_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"0123456789")
    tree = tree_of(a=on_disk(tmp_path / "blob", mode=0o644))
    (tmp_path / "blob").write_bytes(b"0123")

    with pytest.raises(EdgeError, match="6 bytes are missing"):
        written(tree)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        pytest.param(file(b"1"), file(b"2"), "a file is wanted where a file is", id="contents"),
        pytest.param(file(b"1"), file(b"1", mode=0o600), "a file is wanted where", id="modes"),
        pytest.param(folder(), file(b"1"), "a file is wanted where a folder is", id="folder"),
        pytest.param(
            link("x"), link("y"), "a link to y is wanted where a link to x is", id="links"
        ),
    ],
)
def test_two_different_things_at_one_path_are_a_conflict(
    first: Entry, second: Entry, said: str
) -> None:
    tree = tree_of(a__b=first)

    with pytest.raises(ConflictError, match=f"/a/b: {said}"):
        tree.add("a/b", second)


def test_a_file_below_a_file_is_a_conflict() -> None:
    with pytest.raises(ConflictError, match="/a/b: /a is a file, not a folder"):
        tree_of(a=file(b""), a__b=file(b""))


def test_a_full_folder_is_never_replaced() -> None:
    tree = tree_of(a__b=file(b""))

    with pytest.raises(ConflictError, match="a full folder"):
        tree.add("a", link("elsewhere"), override=True)


def test_who_names_a_folder_first_sets_its_mode() -> None:
    tree = tree_of(a__b=file(b""))

    tree.add("a", folder(mode=0o700))
    tree.add("a", folder(mode=0o777))

    entry = tree.get("a")
    assert entry is not None
    assert entry.mode == 0o700


def test_a_file_goes_behind_links_to_folders() -> None:
    tree = tree_of(usr__lib=folder(), lib=link("usr/lib"), abs=link("/usr"))

    assert tree.add("lib/x", file(b"1")) == "usr/lib/x"
    assert tree.add("abs/lib/y", file(b"2")) == "usr/lib/y"
    assert tree.find("/lib/x") == file(b"1")
    assert tree.get("lib/x") is None


@pytest.mark.parametrize(
    ("target", "resolved"),
    [
        pytest.param("../etc/x", "etc/x", id="up"),
        pytest.param("../../../../etc", "etc", id="above the root"),
        pytest.param("/etc/./x", "etc/x", id="absolute"),
        pytest.param("b", "a/b", id="beside"),
    ],
)
def test_links_are_followed_inside_the_tree(target: str, resolved: str) -> None:
    assert tree_of(a__link=link(target)).resolve("a/link") == resolved


def test_links_in_a_circle_are_an_error() -> None:
    tree = tree_of(a=link("b"), b=link("a"))

    with pytest.raises(ConflictError, match="circle"):
        tree.add("a/c", file(b""))
    assert tree.find("a/c") is None


def test_merging_puts_a_tree_below_a_prefix() -> None:
    root, other = tree_of(x=file(b"1")), tree_of(a__b=file(b"2"), tmp=folder(mode=0o1777))

    root.merge("containers/one", other)

    assert [path for path, _ in root] == [
        *("containers", "containers/one", "containers/one/a", "containers/one/a/b"),
        *("containers/one/tmp", "x"),
    ]


def test_merging_does_not_take_folders_for_named_that_were_only_implied() -> None:
    root, other = tree_of(a=folder(mode=0o700)), tree_of(a__b=file(b""))

    root.merge("", other)
    later = tree_of(c__d=file(b""))
    later.merge("", tree_of(c__e=file(b"")))
    later.add("c", folder(mode=0o711))

    assert [entry.mode for path, entry in root if path == "a"] == [0o700]
    assert [entry.mode for path, entry in later if path == "c"] == [0o711]


def test_removing_a_folder_removes_what_it_holds() -> None:
    tree = tree_of(a__b__c=file(b""), ab=file(b""))

    tree.remove("a")

    assert [path for path, _ in tree] == ["ab"]


@pytest.mark.parametrize("path", ["../x", "a/../../b", "a\0b"])
def test_paths_that_leave_the_root_are_refused(path: str) -> None:
    with pytest.raises(InputError):
        clean(path)
