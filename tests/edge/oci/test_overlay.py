"""Layers over each other: whiteouts, and one kind of thing over another."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import RefusedError
from edge.oci.limits import STANDARD
from edge.oci.overlay import Replacing, overlaid
from edge.oci.tree import ConflictError, Entry, Kind, Tree, file, folder, link

FILE, FOLDER = file(b"x"), folder()


def tree(**entries: Entry) -> Tree:
    """Return a tree; `__` in a name is a slash, `_wh_` a whiteout, `_opq` the opaque one."""
    made = Tree()
    for name, entry in entries.items():
        path = name.replace("__", "/").replace("_wh_", ".wh.").replace("_opq", ".wh..wh..opq")
        made.add(path, entry)
    return made


def paths(lower: Tree, *uppers: Tree) -> dict[str, Kind]:
    for upper in uppers:
        lower = overlaid(lower, upper, STANDARD)
    return {path: entry.kind for path, entry in lower}


def test_a_file_over_a_folder_over_a_file_is_what_came_last() -> None:
    first, second, third = tree(a=FILE), tree(a=FOLDER, a__b=FILE), tree(a=FILE)

    assert paths(first, second) == {"a": Kind.FOLDER, "a/b": Kind.FILE}
    assert paths(first, second, third) == {"a": Kind.FILE}
    assert paths(first, second, third, second) == {"a": Kind.FOLDER, "a/b": Kind.FILE}


def test_a_folder_over_a_link_is_a_folder_and_what_the_link_meant_stays() -> None:
    lower = tree(usr__lib__x=FILE, lib=link("usr/lib"))

    assert paths(lower, tree(lib=FOLDER, lib__y=FILE)) == {
        "lib": Kind.FOLDER,
        "lib/y": Kind.FILE,
        "usr": Kind.FOLDER,
        "usr/lib": Kind.FOLDER,
        "usr/lib/x": Kind.FILE,
    }


def test_a_whiteout_takes_away_what_is_below_and_never_its_own_layer() -> None:
    lower = tree(a__b=FILE, a__c=FILE, ab=FILE)

    assert paths(lower, tree(_wh_a=FILE)) == {"ab": Kind.FILE}
    assert paths(lower, tree(a___wh_b=FILE)) == {
        "a": Kind.FOLDER,
        "a/c": Kind.FILE,
        "ab": Kind.FILE,
    }
    assert paths(tree(), tree(_wh_a=FILE, a=FILE)) == {"a": Kind.FILE}


def test_an_opaque_whiteout_empties_its_folder_only() -> None:
    lower = tree(a__b__c=FILE, a__d=FILE, ab=FILE)

    assert paths(lower, tree(a___opq=FILE, a__new=FILE)) == {
        "a": Kind.FOLDER,
        "a/new": Kind.FILE,
        "ab": Kind.FILE,
    }
    assert paths(lower, tree(_opq=FILE, new=FILE)) == {"new": Kind.FILE}


def test_a_whiteout_of_what_is_not_there_does_nothing() -> None:
    upper = tree(_wh_nothing=FILE, no___opq=FILE, x___wh_y=FILE)

    assert paths(tree(a=FILE), upper) == {"a": Kind.FILE}


@pytest.mark.parametrize("target", ["/etc", "../../etc", "etc"])
def test_a_whiteout_behind_a_link_stays_inside_the_image(target: str) -> None:
    lower = tree(etc__x=FILE, out=link(target))

    assert paths(lower, tree(out___wh_x=FILE)) == {"etc": Kind.FOLDER, "out": Kind.LINK}


def test_many_whiteouts_take_no_longer_than_one_look() -> None:
    lower, upper = Tree(), Tree()
    for number in range(20_000):
        lower.put(f"{number}", FOLDER)
        upper.put(f".wh.{number}", FILE)

    assert len(overlaid(lower, upper, STANDARD)) == 0


def test_folders_that_become_files_without_end_are_refused() -> None:
    lower, upper = Tree(), Tree()
    for number in range(20):
        lower.add(f"{number}/a", FILE)
        upper.add(f"{number}", FILE)

    with pytest.raises(RefusedError, match="more than 10 folders"):
        overlaid(lower, upper, replace(STANDARD, replaced=10))


NAMES = st.lists(st.sampled_from(["a", "b", ".wh.a", ".wh..wh..opq"]), min_size=1, max_size=3)
TREES = st.lists(st.tuples(NAMES, st.sampled_from([FILE, FOLDER, link("a"), link("../b")])))


@given(st.lists(TREES, min_size=2, max_size=4))
def test_what_comes_of_layers_is_a_tree_or_told_not_to_be_one(
    layers: list[list[tuple[list[str], Entry]]],
) -> None:
    found = Tree()
    try:
        for layer in layers:
            found = overlaid(found, _made(layer), STANDARD)
    except ConflictError:
        return  # a file below what is no folder, or links in a circle

    for path, _ in found:
        parent = path.rpartition("/")[0]
        assert not parent or kind_of(found, parent) is Kind.FOLDER


def kind_of(found: Tree, path: str) -> Kind | None:
    entry = found.get(path)
    return entry.kind if entry else None


def _made(layer: list[tuple[list[str], Entry]]) -> Tree:
    """Return the tree of a layer: whiteouts are files, and nothing is below them."""
    made = Tree()
    replacing = Replacing(made, STANDARD)
    for names, entry in layer:
        above = [name for name in names[:-1] if not name.startswith(".wh.")]
        is_whiteout = names[-1].startswith(".wh.")
        replacing.lay("/".join([*above, names[-1]]), FILE if is_whiteout else entry)
    return made
