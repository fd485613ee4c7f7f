"""Canonical JSON: one form, and nothing else is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing import canonical
from edge_signing.errors import FormatError

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab\u00e4\n"), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_encoded_is_decoded(value: Any) -> None:
    assert canonical.decode(canonical.encode(value)) == value


def test_the_form_is_this_one() -> None:
    value = {"b": [1, -2, True, None], "a": 'ä"\\\n\x01\x7f', "A": {}}

    assert canonical.encode(value) == (
        '{"A":{},"a":"ä\\"\\\\\\n\\u0001\x7f","b":[1,-2,true,null]}'.encode()
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"a": 1}', id="white space"),
        pytest.param(b'{"a":1}\n', id="trailing byte"),
        pytest.param(b'{"b":1,"a":1}', id="order"),
        pytest.param(b'{"a":1,"a":1}', id="double key"),
        pytest.param(b'{"a":{"x":1,"x":2}}', id="double key inside"),
        pytest.param(b"1.0", id="float"),
        pytest.param(b"1e3", id="exponent"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b"-0", id="minus zero"),
        pytest.param(b"9223372036854775808", id="65 bits"),
        pytest.param(b"1" * 5000, id="endless number"),
        pytest.param(b'"\\u0041"', id="needless escape"),
        pytest.param(b'"\\u00E4"', id="escape for UTF-8"),
        pytest.param(b'"\\/"', id="escaped slash"),
        pytest.param(b'"\\ud800"', id="half a pair"),
        pytest.param(b'"\xff"', id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbf1", id="mark of byte order"),
        pytest.param("1".encode("utf-16"), id="utf-16"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[", id="cut"),
        pytest.param(b"[" * 40 + b"]" * 40, id="deep"),
        pytest.param(b"[" * 100_000, id="very deep"),
    ],
)
def test_any_other_form_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        canonical.decode(data)


@pytest.mark.parametrize("value", [1.0, b"x", {1: 2}, {"a": {2}}, 1 << 63, "\ud800", object()])
def test_what_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(FormatError):
        canonical.encode(value)


def test_more_bytes_than_allowed_are_refused_before_they_are_read() -> None:
    with pytest.raises(FormatError, match="11 bytes of JSON are more than 10"):
        canonical.decode(b'"' + b"x" * 9 + b'"', limit_bytes=10)


@given(VALUES, st.data())
def test_a_flipped_byte_is_never_the_same_value(value: Any, data: st.DataObject) -> None:
    form = canonical.encode(value)
    place = data.draw(st.integers(0, len(form) - 1))
    spoilt = bytes(
        byte ^ data.draw(st.integers(1, 255)) if index == place else byte
        for index, byte in enumerate(form)
    )

    try:
        read = canonical.decode(spoilt)
    except FormatError:
        return
    assert json.dumps(read) != json.dumps(value)
