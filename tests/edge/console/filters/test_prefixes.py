"""How texts begin that a pattern fits: no such text is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.filters import glob

_SIGNS = "aAbBzZ09-_.é*?"


@pytest.mark.parametrize(
    ("pattern", "begun"),
    [
        pytest.param("7b-*", ["7B-", "7b-"], id="one letter"),
        pytest.param("ab?c", ["AB", "Ab", "aB", "ab"], id="up to what may be any sign"),
        pytest.param("a1b2c3", ["A1B2", "A1b2", "a1B2", "a1b2"], id="up to a letter too many"),
        pytest.param("*a", [], id="in any way"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_a_pattern_says_how_texts_begin(pattern: str, begun: list[str]) -> None:
    assert glob.prefixes(pattern, 2) == begun


@given(text=st.text(_SIGNS), pattern=st.text(_SIGNS), letters=st.integers(0, 4))
def test_what_fits_begins_in_one_of_the_ways(text: str, pattern: str, letters: int) -> None:
    begun = glob.prefixes(pattern, letters)

    if glob.is_like(text, pattern) and begun:
        assert sum(text.startswith(one) for one in begun) == 1
