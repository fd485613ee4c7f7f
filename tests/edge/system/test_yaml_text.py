"""YAML as LinuxKit writes it, and read back."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.strict.document import load
from edge.system.yaml_text import yaml_text

_LETTERS = string.ascii_letters + string.digits + " _-:#'\"\n\t\r@*&!|>%{}[],.~=<\\é\u2028\x85"
_TEXTS = st.text(alphabet=_LETTERS, max_size=20) | st.sampled_from(
    ["yes", "no", "0644", "1_0", "null", "~", "-1", "1.5", "0x10", "a: b", "a #b", "- a", "", "<<"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
def test_what_is_written_comes_back(value: dict[str, object]) -> None:
    assert load(yaml_text(value) or "{}", "f.yml").plain() == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"a": [{"b": [1]}]}, "a:\n- b:\n  - 1\n", id="lists are not indented"),
        pytest.param({"a": {"b": "c: d"}}, 'a:\n  b: "c: d"\n', id="quotes where needed"),
        pytest.param({"a": "x\ny\n"}, "a: |\n  x\n  y\n", id="lines"),
        pytest.param({"a": "x\ny"}, "a: |-\n  x\n  y\n", id="lines without an end"),
        pytest.param({"a": [], "b": {}}, "a: []\nb: {}\n", id="nothing"),
        pytest.param({"a": "docker.io/x:1"}, "a: docker.io/x:1\n", id="colon in a word"),
    ],
)
def test_the_form_is_that_of_linuxkit(value: dict[str, object], text: str) -> None:
    assert yaml_text(value) == text
