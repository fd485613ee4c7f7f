"""Tables and sizes for people."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cli.table import human, table, visible


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (47_788_032, "45.6 MiB"),
        (5 << 40, "5.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_a_size_is_told_in_the_unit_that_suits_it(size_bytes: int, text: str) -> None:
    assert human(size_bytes) == text


@given(st.integers(min_value=0, max_value=1 << 49))
def test_no_size_takes_more_than_four_digits_before_the_point(size_bytes: int) -> None:
    assert re.fullmatch(r"\d{1,4}(\.\d)? (B|KiB|MiB|GiB|TiB)", human(size_bytes))


def test_columns_are_as_wide_as_their_widest_cell_and_numbers_stand_right() -> None:
    lines = table(("part", "size"), [("a", "10 B"), ("long name", "5 B")], right={1})

    assert lines == ["part       size", "a          10 B", "long name   5 B"]


def test_what_plays_tricks_on_a_terminal_is_spelled_out() -> None:
    text = "a\x1b[2J\u202eb\n\tü"

    assert visible(text) == r"a\x1b[2J\u202eb\n\tü"
    assert visible(text, keep="\n\t") == "a\\x1b[2J\\u202eb\n\tü"
