"""Files that are no Edge releases: kept as they came, listed with the others, never changed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.console.api import releases
from tests.agent.power.system import System
from tests.fakes.console import Console
from tests.fakes.ddi_device import PAYLOAD, add_file
from tests.fakes.operator import Operator

SHA256 = hashlib.sha256(PAYLOAD).hexdigest()


def shelf(alone: Console) -> list[Path]:
    folder = alone.site.tenants / "default" / "files"
    return sorted(folder.iterdir()) if folder.exists() else []


def left(alone: Console) -> Iterator[Path]:
    return alone.site.incoming.iterdir()


def test_a_file_is_kept_by_its_content_and_listed(alone: Console, operator: Operator) -> None:
    operator.release(System.make("7", 7))
    alone.good("POST", "/releases", operator.bundle("7"))

    made = add_file(alone, boards="bench,other", type="swu").body

    file = {
        "name": "a.swu",
        "type": "swu",
        "boards": ["bench", "other"],
        "sha256": SHA256,
        "length_bytes": len(PAYLOAD),
    }
    listed = alone.good("GET", "/releases")["releases"]
    assert (made["kind"], made["files"], made["is_published"]) == ("foreign", [file], True)
    assert alone.good("GET", "/releases/1") == made
    assert [(one["version"], one["kind"], len(one["files"])) for one in listed] == [
        ("1", "foreign", 1),
        ("7", "edge", 0),
    ]
    assert [one.read_bytes() for one in shelf(alone)] == [PAYLOAD]
    assert (shelf(alone)[0].name, list(left(alone))) == (SHA256, [])


def test_the_same_file_again_changes_nothing(alone: Console) -> None:
    first = add_file(alone)
    before = alone.good("GET", "/audit")

    again = add_file(alone)

    assert (again.status, again.body) == (200, first.body)
    assert alone.good("GET", "/audit") == before


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({}, id="same name"),
        pytest.param({"name": "b.swu"}, id="same board"),
        pytest.param({"name": "b.swu", "boards": "other,bench"}, id="one of the boards"),
    ],
)
def test_what_was_added_stays_as_it_is(alone: Console, query: dict[str, Any]) -> None:
    add_file(alone)

    refused = add_file(alone, b"another", **query)

    assert refused.status == 409
    assert alone.good("GET", "/releases/1")["files"][0]["sha256"] == SHA256
    assert [one.name for one in shelf(alone)] == [SHA256]
    assert list(left(alone)) == []


def test_a_release_has_a_file_for_each_board(alone: Console) -> None:
    add_file(alone, boards="bench")

    made = add_file(alone, b"another", boards="other", name="b.swu").body

    assert made["boards"] == ["bench", "other"]
    assert [one["name"] for one in made["files"]] == ["a.swu", "b.swu"]


@pytest.mark.parametrize(
    "query",
    [
        {"name": "../a.swu"},
        {"name": "a/b"},
        {"name": ".hidden"},
        {"name": "a b"},
        {"name": "a\0b"},
        {"product": "../x"},
        {"product": "root"},
        {"version": "../../x"},
        {"version": "1/2"},
        {"version": "<b>"},
        {"boards": "a b"},
        {"boards": ","},
        {"type": "exe"},
        {"name": ""},
        {"product": ""},
        {"version": ""},
        {"boards": ""},
    ],
)
def test_names_that_mean_something_to_a_file_system_are_refused(
    stand: Console, query: dict[str, Any]
) -> None:
    before = shelf(stand)

    assert add_file(stand, **query).status == 400
    assert shelf(stand) == before


def test_an_empty_file_is_refused(stand: Console) -> None:
    before = shelf(stand)

    assert add_file(stand, b"", version="9").status == 400
    assert shelf(stand) == before


def test_a_file_that_is_too_long_leaves_nothing(
    stand: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shelf(stand)
    monkeypatch.setattr(releases, "UPLOAD_MOST_BYTES", 1000)

    assert add_file(stand, version="9").status == 413
    assert (shelf(stand), list(left(stand))) == (before, [])


def test_the_version_of_a_product_is_of_one_kind(alone: Console, operator: Operator) -> None:
    add_file(alone, version="8")
    for number in (7, 8, 9):
        operator.release(System.make(str(number), number))

    for version in ("8", "7", "9"):
        alone.good("POST", "/releases", operator.bundle(version))
    file = add_file(alone, version="7")

    found = alone.good("GET", "/releases")["releases"]
    acts = [one["act"] for one in alone.good("GET", "/audit")["entries"]]
    assert (file.status, "is an Edge release" in file.body["error"]) == (409, True)
    # Nothing of the publisher is kept from being known by a file that has its version.
    assert [(one["version"], one["kind"], one["is_published"]) for one in found] == [
        ("7", "edge", True),
        ("8", "foreign", True),
        ("9", "edge", True),
    ]
    assert "release.leave-out" in acts


def test_a_file_is_no_part_of_the_repository_of_edge_devices(alone: Console) -> None:
    add_file(alone)
    repository = alone.site.tenants / "default" / "repository"

    found = [one for one in repository.rglob("*") if one.is_file() and PAYLOAD in one.read_bytes()]

    assert found == []
