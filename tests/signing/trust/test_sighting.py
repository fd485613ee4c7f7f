"""The floor of metadata binds while older metadata could be accepted, and not a moment longer."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_signing.errors import FormatError, TrustError
from edge_signing.trust import documents, signatures
from edge_signing.trust.sighting import KEYS_MOST, UNSEEN, Sighting, mark
from tests.fakes.forge import Yard
from tests.fakes.sightings import sighting

HIGH, LOW = 1 << 62, 3


@pytest.mark.parametrize(
    ("old", "of_old", "new", "of_new", "binds"),
    [
        pytest.param("a", 1, "a", 1, True, id="the same key"),
        pytest.param("a", 1, "b", 1, False, id="another key"),
        pytest.param("abc", 2, "abc", 2, True, id="the same keys"),
        pytest.param("abc", 2, "bcd", 2, True, id="one of three replaced, two sign"),
        pytest.param("abc", 2, "cde", 2, False, id="two of three replaced, two sign"),
        pytest.param("abc", 2, "def", 2, False, id="all replaced"),
        pytest.param("abcde", 2, "cdefg", 2, True, id="as many replaced as sign, but three stay"),
        pytest.param("abcde", 2, "efghi", 2, False, id="one of five stays"),
        pytest.param("abc", 2, "ab", 2, True, id="a key fewer"),
        pytest.param("abc", 2, "abcd", 2, True, id="a key more"),
        pytest.param("abc", 2, "a", 1, True, id="one key of three is left, and signs alone"),
        pytest.param("abc", 2, "cde", 1, True, id="one stays, and one is enough now"),
        pytest.param("a", 1, "ab", 2, False, id="one stays, and two must sign now"),
        pytest.param("ab", 1, "ab", 2, True, id="the same keys, both must sign now"),
        pytest.param("ab", 2, "ab", 1, True, id="the same keys, one is enough now"),
    ],
)
def test_a_floor_binds_as_long_as_keys_from_before_can_sign(
    old: str, of_old: int, new: str, of_new: int, binds: bool
) -> None:
    floor = sighting(HIGH, root=1, keys=old, threshold=of_old)
    later = sighting(LOW, root=2, keys=new, threshold=of_new)

    assert floor.binds(later) is binds
    if binds:
        with pytest.raises(TrustError, match=f"x.json: version {LOW} is below {HIGH}"):
            floor.check(later, "x.json")
        assert floor.raised(later) == later.raised(floor) == replace(later, version=HIGH)
    else:
        floor.check(later, "x.json")
        assert floor.raised(later) == later.raised(floor) == later


def test_what_is_not_below_the_floor_is_taken_whatever_the_keys() -> None:
    for keys in ("a", "b"):
        sighting(5).check(sighting(5, root=1, keys=keys), "x.json")
        sighting(5).check(sighting(6, root=2, keys=keys), "x.json")


@pytest.mark.parametrize("keys", ["a", "b"])
def test_an_earlier_root_voids_nothing(keys: str) -> None:
    """Whoever has the keys of an earlier root shows it, and no later one."""
    with pytest.raises(TrustError, match="those of root 1, below 2"):
        sighting(5, root=2).check(sighting(HIGH, root=1, keys=keys), "x.json")

    assert sighting(5, root=2).raised(sighting(HIGH, root=1, keys="b")) == sighting(5, root=2)


def test_where_nothing_was_seen_there_is_no_floor() -> None:
    UNSEEN.check(sighting(1), "x.json")

    assert UNSEEN.raised(sighting(1)) == sighting(1).raised(UNSEEN) == sighting(1)
    assert UNSEEN.raised(UNSEEN) == UNSEEN


@pytest.mark.parametrize(
    "facts",
    [
        {"version": 0},
        {"version": -1},
        {"root_version": 0},
        {"keys": ()},
        {"threshold": 0},
        {"threshold": 3},
        {"keys": (mark(b"a"), mark(b"a"))},
        {"keys": tuple(sorted((mark(b"a"), mark(b"b")), reverse=True))},
        {"keys": (b"short", mark(b"a"))},
        {"keys": tuple(sorted(mark(bytes([one])) for one in range(KEYS_MOST + 1)))},
    ],
    ids=str,
)
def test_what_can_not_be_seen_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        replace(sighting(1, keys="ab"), **facts)  # type: ignore[arg-type]


def test_a_key_is_known_by_what_it_is_made_of(yard: Yard) -> None:
    """An id is free to choose: the same key with another one is the same key."""
    root = yard.ring.root().signed
    before = signatures.seen(root, "targets", version=1, root_version=1)
    (key_id,) = root.roles["targets"].keyids
    key = root.keys.pop(key_id)
    key.keyid = "f" * 64
    root.keys["f" * 64] = key
    root.roles["targets"].keyids[0] = "f" * 64

    after = signatures.seen(root, "targets", version=1, root_version=1)

    assert after == before
    assert after.keys == (mark(documents.material(key)),)


@dataclass(frozen=True)
class File:
    """What the owner signed once: when, as which version, with which keys, under which root."""

    version: int
    signers: frozenset[str]
    root: int

    def is_good(self, root: Sighting) -> bool:
        marks = {mark(letter.encode()) for letter in self.signers}
        return len(marks & set(root.keys)) >= root.threshold


@dataclass(frozen=True)
class History:
    """Roots in order, each as the sighting of version 1, and all that was signed, in order."""

    roots: tuple[Sighting, ...]
    files: tuple[File, ...]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return an owner who replaces keys as he likes, but never takes one back."""
    unused = iter("abcdefghijklmnopqrstuvwxyz")
    keys = {next(unused) for _number in range(draw(st.integers(1, 4)))}
    roots, files, version = [], [], 0
    for number in range(1, draw(st.integers(2, 5))):
        if number > 1:
            keys = set(draw(st.sets(st.sampled_from(sorted(keys)))))
            keys |= {next(unused) for _number in range(draw(st.integers(not keys, 3)))}
        threshold = draw(st.integers(1, len(keys)))
        roots.append(sighting(1, root=number, keys="".join(keys), threshold=threshold))
        for _file in range(draw(st.integers(1, 2))):
            signers = draw(st.sets(st.sampled_from(sorted(keys)), min_size=threshold))
            version += 1
            files.append(File(version, frozenset(signers), number))
    return History(tuple(roots), tuple(files))


@given(histories(), st.data())
@settings(max_examples=400)
def test_no_older_file_of_the_owner_ever_comes_back(history: History, data: st.DataObject) -> None:
    taken = sorted(data.draw(st.sets(st.sampled_from(range(len(history.files))), min_size=1)))
    floor = UNSEEN
    for index in taken:
        file = history.files[index]
        seen = replace(history.roots[file.root - 1], version=file.version)
        floor.check(seen, "x.json")
        floor = floor.raised(seen)

    for older in history.files[: taken[-1]]:
        for root in history.roots:
            if older.is_good(root):
                with pytest.raises(TrustError):
                    floor.check(replace(root, version=older.version), "x.json")


@given(histories(), st.integers(1, 1 << 62))
def test_a_thief_is_forgotten_once_too_few_keys_of_his_time_are_left(
    history: History, ahead: int
) -> None:
    stolen = replace(history.roots[0], version=ahead)
    for later in history.roots[1:]:
        left = set(stolen.keys) & set(later.keys)
        if len(left) < later.threshold:
            stolen.check(later, "x.json")
            assert stolen.raised(later) == later


@given(histories(), st.lists(st.integers(1, 1 << 62), min_size=2, max_size=2))
def test_the_order_of_two_sightings_does_not_matter(history: History, versions: list[int]) -> None:
    for one in history.roots:
        for other in history.roots:
            first, second = replace(one, version=versions[0]), replace(other, version=versions[1])

            assert first.raised(second) == second.raised(first)
