"""The lock file: its bytes, what makes it stale, and what an update moves."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.debian.archive import Package
from edge.errors import EdgeError, InputError, ProblemsError
from edge.system.lock import (
    Lock,
    LockedImage,
    LockedItem,
    Request,
    dump,
    parse_lock,
    read,
    require_current,
    stale,
    to_resolve,
    updated,
    write,
)

OLD = Package("busybox", "1:1.37", "arm64", "ab" * 32, 1000, "pool/main/b/busybox.deb", "main")
NEW = replace(OLD, version="1:1.38", sha256="cd" * 32, origin="security")
REQUEST = Request(("busybox",), ("lib*",))
LOCK = Lock("trixie", "arm64", {"kernel": LockedItem(REQUEST, (OLD.key,))}, {OLD.key: OLD})
GOLDEN = """\
{
 "architecture": "arm64",
 "items": {
  "kernel": {
   "packages": [
    "busybox=1:1.37"
   ],
   "request": [
    "busybox"
   ],
   "without": [
    "lib*"
   ]
  }
 },
 "packages": {
  "busybox=1:1.37": {
   "architecture": "arm64",
   "origin": "main",
   "path": "pool/main/b/busybox.deb",
   "sha256": "abababababababababababababababababababababababababababababababab",
   "size_bytes": 1000
  }
 },
 "suite": "trixie",
 "version": 1
}
"""


def test_the_bytes_of_a_lock_stay_the_same() -> None:
    assert dump(LOCK) == GOLDEN
    assert parse_lock(GOLDEN, "edge.lock") == LOCK


def test_images_are_pinned_by_index_manifest_and_layers() -> None:
    digest = [f"sha256:{two * 32}" for two in ("ab", "cd", "ef")]
    images = {
        "docker.io/library/a:1": LockedImage(digest[0], digest[1], (digest[2],)),
        "oci:web": LockedImage(None, digest[1], ()),
    }
    lock = replace(LOCK, images=images)

    assert parse_lock(dump(lock), "edge.lock") == lock
    assert (
        dump(lock).partition(' "items"')[0]
        == f"""\
{{
 "architecture": "arm64",
 "images": {{
  "docker.io/library/a:1": {{
   "index": "{digest[0]}",
   "layers": [
    "{digest[2]}"
   ],
   "manifest": "{digest[1]}"
  }},
  "oci:web": {{
   "index": null,
   "layers": [],
   "manifest": "{digest[1]}"
  }}
 }},
"""
    )
    with pytest.raises(ProblemsError, match="is not a digest"):
        parse_lock(dump(lock).replace(digest[1], "sha256:../etc"), "edge.lock")


def test_a_lock_is_written_and_read_again(tmp_path: Path) -> None:
    write(LOCK, tmp_path / "edge.lock")

    assert read(tmp_path / "edge.lock") == LOCK
    assert read(tmp_path / "other.lock") is None


def test_what_is_locked_is_not_stale() -> None:
    assert stale(LOCK, {"kernel": REQUEST}) == []


def test_a_changed_request_is_stale_and_says_why() -> None:
    requests = {"kernel": Request(("crun",), ()), "service/a": REQUEST}

    assert [(one.item, one.reason) for one in stale(LOCK, requests)] == [
        ("kernel", "asks for other packages: +crun, -busybox, `without` changed"),
        ("service/a", "not in the lock"),
    ]


def test_locked_refuses_to_drift_and_names_each_item() -> None:
    require_current(LOCK, {"kernel": REQUEST}, file=Path("edge.lock"))

    with pytest.raises(InputError) as error:
        require_current(LOCK, {"service/a": REQUEST}, file=Path("edge.lock"))

    assert str(error.value) == (
        "edge.lock: the lock does not fit the system, and --locked forbids to change it:\n"
        "  service/a: not in the lock"
    )


def test_only_stale_items_are_resolved_unless_an_update_is_asked_for() -> None:
    requests = {"kernel": REQUEST, "service/a": REQUEST}

    assert to_resolve(LOCK, requests) == ("service/a",)
    assert to_resolve(LOCK, requests, update=["kernel"]) == ("kernel", "service/a")
    assert to_resolve(LOCK, requests, update=None) == ("kernel", "service/a")
    assert to_resolve(None, requests) == ("kernel", "service/a")
    with pytest.raises(InputError, match="nothing called service/b to update"):
        to_resolve(LOCK, requests, update=["service/b"])


def test_an_update_moves_what_was_resolved_and_drops_what_nobody_uses() -> None:
    requests = {"kernel": REQUEST, "service/a": REQUEST}

    both = updated(LOCK, requests, {"service/a": [NEW]}, suite="trixie", architecture="arm64")
    assert both.packages_of("kernel") == (OLD,)
    assert both.packages_of("service/a") == (NEW,)

    moved = updated(both, {"kernel": REQUEST}, {"kernel": [NEW]}, suite="t", architecture="arm64")
    assert moved.packages == {NEW.key: NEW}


def test_an_item_that_is_neither_locked_nor_resolved_is_an_error() -> None:
    with pytest.raises(InputError, match="kernel: neither locked nor resolved"):
        updated(None, {"kernel": REQUEST}, {}, suite="trixie", architecture="arm64")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param(
            '"version": 1', '"version": 2', "l:26:13: version: 2 is not one of 1", id="version"
        ),
        pytest.param(
            "1000",
            '"1000"',
            "l:22:18: packages.busybox=1:1.37.size_bytes: '1000' is not a whole number",
            id="size",
        ),
        pytest.param('"main",', '"main"', "l:20:4: ", id="syntax"),
        pytest.param('"ab', '"xx', "l:21:14: packages.busybox=1:1.37.sha256: ", id="digest"),
        pytest.param(
            '"suite": "trixie",\n', "", "l:1:1: the key 'suite' is missing", id="missing key"
        ),
    ],
)
def test_a_damaged_lock_is_refused_with_its_line(old: str, new: str, line: str) -> None:
    with pytest.raises(ProblemsError) as error:
        parse_lock(GOLDEN.replace(old, new, 1), "l")

    assert str(error.value.problems[0]).startswith(line)


def test_a_lock_that_names_a_package_it_does_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"items.kernel: busybox=2 is not among the packages"):
        parse_lock(GOLDEN.replace('"busybox=1:1.37"\n', '"busybox=2"\n', 1), "l")


@given(st.integers(0, len(GOLDEN) - 1), st.characters())
def test_no_damage_raises_anything_but_an_error_of_ours(place: int, letter: str) -> None:
    with suppress(EdgeError):
        parse_lock(GOLDEN[:place] + letter + GOLDEN[place + 1 :], "l")
