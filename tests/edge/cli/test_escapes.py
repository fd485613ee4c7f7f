"""What a record may do to the terminal of who looks at it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cli.escapes import Harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\tb\r\n\x07", "a\tb\r\n\x07", id="text"),
        pytest.param("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m", id="colours"),
        pytest.param("\x1b[2J\x1b[H\x1b[?25l", "\x1b[2J\x1b[H\x1b[?25l", id="moves"),
        pytest.param("a\x1b]52;c;aGk=\x07b", "ab", id="the clipboard"),
        pytest.param("a\x1b]0;title\x1b\\b", "ab", id="the title"),
        pytest.param("a\x1bPq#0;2;0;0;0\x1b\\b", "ab", id="a picture"),
        pytest.param("a\x1b[6nb\x1b[cc", "abc", id="what is answered"),
        pytest.param("a\x1b[?2004hb", "ab", id="how pastes come"),
        pytest.param("a\x1b[9999999bb", "ab", id="endless repeats"),
        pytest.param("a\x1b(0b\x1b=c", "abc", id="fonts and keys"),
        pytest.param("a\x9b6n\x90b\x85", "a6nb", id="in one character"),
        pytest.param("a\u202eb", "ab", id="the direction of writing"),
        pytest.param("a\x1b]52;never ends", "a", id="no end"),
    ],
)
def test_only_what_shows_and_moves_is_left(text: str, shown: str) -> None:
    assert Harmless().take(text) == shown


@given(
    text=st.text(alphabet="a\x1b[]P;0cn\\\x07(?25hl", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_it_does_not_matter_in_which_pieces_it_comes(text: str, cuts: list[int]) -> None:
    whole, pieces = Harmless(), Harmless()
    ends = sorted({min(one, len(text)) for one in cuts} | {len(text)})

    said, begin = "", 0
    for end in ends:
        said += pieces.take(text[begin:end])
        begin = end

    assert said == whole.take(text)
