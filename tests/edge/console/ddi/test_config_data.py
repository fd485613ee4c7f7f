"""The attributes that devices say of themselves."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.ddi import config_data
from edge_signing.errors import FormatError


def read(**said: object) -> config_data.ConfigData:
    return config_data.read(json.dumps(said).encode())


@pytest.mark.parametrize(
    ("mode", "after"),
    [
        ("merge", {"a": "2", "b": "1", "c": "3"}),
        ("replace", {"a": "2", "c": "3"}),
        ("remove", {"b": "1"}),
        ("REPLACE", {"a": "2", "c": "3"}),
    ],
)
def test_the_mode_says_what_becomes_of_the_others(mode: str, after: dict[str, str]) -> None:
    found = read(mode=mode, data={"a": "2", "c": "3"}, id="", status={"execution": "closed"})

    assert found.after({"a": "1", "b": "1"}) == after


def test_without_a_mode_they_are_added() -> None:
    assert read(data={"a": 1, "b": True}).after({"c": "x"}) == {"a": "1", "b": "true", "c": "x"}


def test_what_is_known_of_all_devices_is_taken_if_it_can_be_that() -> None:
    found = read(data={"board": "bench", "version": "<script>", "product": "gateway", "x": "y"})

    assert found.known == {"board": "bench", "product": "gateway"}
    assert read(mode="remove", data={"board": "bench"}).known == {}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"mode": "other"}, id="mode"),
        pytest.param({"data": []}, id="list"),
        pytest.param({"data": {"a": {}}}, id="object"),
        pytest.param({"data": {"a": None}}, id="null"),
        pytest.param({"data": {"": "x"}}, id="no name"),
        pytest.param({"data": {"a" * 129: "x"}}, id="long name"),
        pytest.param({"data": {"a": "x" * 129}}, id="long value"),
    ],
)
def test_what_can_be_no_attribute_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        read(**said)


def test_an_attribute_is_one_line_of_text() -> None:
    found = read(data={"a\nboard": "\x1b]0;x\x07\nstate  accepted"})

    assert dict(found.data) == {"a board": "\ufffd]0;x\ufffd state  accepted"}


@given(st.binary(max_size=200))
def test_any_bytes_are_attributes_or_refused(body: bytes) -> None:
    with contextlib.suppress(FormatError):
        config_data.read(body)
