"""What is offered while a filter is written."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.filters.complete import quoted, suggestions
from edge.console.filters.errors import FilterError
from edge.console.filters.fields import FIELDS
from edge.console.filters.parse import parse
from edge.console.filters.terms import Compare

KNOWN = {"board": ("rpi4", "rpi5", "vim3"), "attr": ("site", "serial"), "tag": ("Hall 3", "and")}


def _known(field: str) -> Iterable[str]:
    return KNOWN.get(field, ())


def _offered(text: str) -> list[str]:
    return [one.text for one in suggestions(text, len(text), _known)]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        pytest.param("bo", ["board"], id="field"),
        pytest.param("attr.s", ["attr.site", "attr.serial"], id="attribute"),
        pytest.param("board ", ["=", "~", "in"], id="operator"),
        pytest.param("board=", ["rpi4", "rpi5", "vim3"], id="value"),
        pytest.param("board=rp", ["rpi4", "rpi5"], id="begun value"),
        pytest.param("state=ac", ["accepted"], id="choice"),
        pytest.param("seen<", ["1h", "1d", "1w", "never"], id="age"),
        pytest.param("tag:", ['"Hall 3"', '"and"'], id="quotes"),
        pytest.param('tag:"ha', ['"Hall 3"'], id="open quote"),
        pytest.param("board in (rpi4, ", ["rpi4", "rpi5", "vim3"], id="list"),
        pytest.param("board=rpi4 ", ["and", "or"], id="join"),
        pytest.param("(board=rpi4 ", ["and", "or", ")"], id="open"),
        pytest.param("tag not ", ["in"], id="not in"),
        pytest.param("vershun<1 and ", [], id="after a mistake"),
        pytest.param("board=a; ", [], id="after a wrong letter"),
    ],
)
def test_what_may_follow_is_offered(text: str, offered: list[str]) -> None:
    assert _offered(text) == offered


def _wrong(text: str) -> FilterError | None:
    try:
        parse(text)
    except FilterError as error:
        return error
    return None


def test_at_the_beginning_all_fields_are_offered() -> None:
    assert _offered("") == [*FIELDS, "attr.site", "attr.serial", "not", "("]


def test_only_what_is_before_the_cursor_counts() -> None:
    found = suggestions("board=rpi4 and tag:x", 2, _known)

    assert [(one.text, one.start) for one in found] == [("board", 0)]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_quoted_value_is_read_back(value: str) -> None:
    found = parse(f"attr.x={quoted(value)}")

    assert isinstance(found, Compare)
    assert found.value == value


@given(st.text('abgt=<>~!:(),"\\ \n-*' + "0123", max_size=30))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    wrong = _wrong(text)

    assert wrong is None or (0 <= wrong.start <= len(text) and wrong.column >= 1)
    for one in suggestions(text, len(text), _known):
        assert 0 <= one.start <= len(text)
