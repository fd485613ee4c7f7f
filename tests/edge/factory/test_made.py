"""The record of a device, as a line tells it: read as it was written, and nothing else is."""

import json
from typing import Any

import pytest

from edge.factory.made import Fate, Made
from edge_signing.errors import FormatError

GOOD = Made(
    device="gw-1",
    fate=Fate.GOOD,
    line="hall-3",
    station="S1",
    number=7,
    digest="d" * 64,
    made_at_s=1_800_000_000,
    operator="Jörg",
    product="gateway",
    board="rpi4",
    board_serial="10000000abcdef01",
    order="A-77",
    release="gateway 1.0.0",
    image="1" * 64,
    key="a" * 64,
    certificate="-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
    retired=("a1", "ff"),
    tests={"ethernet": "ok"},
)


def test_a_record_is_read_as_it_was_written() -> None:
    said = json.loads(json.dumps(GOOD.to_json()))

    assert Made.from_json(said, "test") == GOOD


@pytest.mark.parametrize("name", sorted(GOOD.to_json()))
def test_a_field_that_is_missing_or_of_another_type_is_an_error(name: str) -> None:
    said = GOOD.to_json()
    wrong: tuple[object, ...] = (None, True, [[]], {"a": 1}, -1)
    for value in wrong:
        with pytest.raises(FormatError, match=rf"^records\[3\].*{name}"):
            Made.from_json({**said, name: value}, "records[3]")
    del said[name]
    with pytest.raises(FormatError, match=rf"^records\[3\]: {name} is missing"):
        Made.from_json(said, "records[3]")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("device", "a/b", id="name of two topics"),
        pytest.param("device", "", id="no name"),
        pytest.param("fate", "GOOD", id="another fate"),
        pytest.param("line", "../x", id="line with a path"),
        pytest.param("number", 0, id="number 0"),
        pytest.param("number", 1.0, id="number with a point"),
        pytest.param("operator", "a\nb", id="two lines"),
        pytest.param("operator", "\ud800", id="half a character"),
        pytest.param("order", "x" * 129, id="long order"),
        pytest.param("board_serial", "\x1b[2J", id="escape"),
        pytest.param("key", "A" * 64, id="capital hash"),
        pytest.param("key", "", id="no key"),
        pytest.param("certificate", "x" * 20_000, id="long certificate"),
        pytest.param("certificate", "", id="no certificate"),
        pytest.param("retired", ["ff", "a1"], id="retired not in order"),
        pytest.param("retired", ["01"], id="serial with a 0"),
        pytest.param("retired", [f"{n:x}" for n in range(1000, 1065)], id="too many retired"),
        pytest.param("tests", {f"t{n}": "ok" for n in range(65)}, id="too many tests"),
        pytest.param("tests", {"a b": "ok"}, id="test with a blank"),
        pytest.param("more", 1, id="unknown field"),
    ],
)
def test_what_is_no_record_is_an_error(field: str, value: Any) -> None:
    with pytest.raises(FormatError):
        Made.from_json({**GOOD.to_json(), field: value}, "test")


def test_what_was_scrapped_may_have_no_key_but_not_half_of_one() -> None:
    nothing = {"fate": "scrapped", "key": "", "certificate": "", "image": "", "release": ""}
    said = {**GOOD.to_json(), **nothing}

    assert Made.from_json(said, "test").fate is Fate.SCRAPPED
    with pytest.raises(FormatError, match="one without the other"):
        Made.from_json({**said, "key": "a" * 64}, "test")
