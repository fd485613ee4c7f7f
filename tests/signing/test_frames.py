"""Lines of a message on a console."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_signing import frames
from edge_signing.errors import FormatError
from edge_signing.frames import Assembly, Way

CONTENT = st.dictionaries(st.text(max_size=8), st.text(max_size=400), max_size=4)


@given(content=CONTENT, data=st.data())
def test_a_message_comes_together_from_its_lines_in_any_order(
    content: dict[str, str], data: st.DataObject
) -> None:
    lines = [one.line() for one in frames.pieces(Way.TO_DEVICE, 7, content)]
    together = Assembly()

    for line in data.draw(st.permutations(lines + lines)):
        piece = frames.piece_in(f"# {line}", Way.TO_DEVICE)
        assert piece is not None
        together.take(piece)

    assert together.content() == content


def test_a_line_has_one_form() -> None:
    (piece,) = frames.pieces(Way.TO_DEVICE, 7, {"ask": "hello"})

    assert piece.line() == "@E> 7 1/1 eyJhc2siOiJoZWxsbyJ9 28811284"
    assert frames.piece_in(piece.line(), Way.FROM_DEVICE) is None


def test_each_flipped_bit_of_a_line_is_seen() -> None:
    line = frames.pieces(Way.TO_DEVICE, 7, {"ask": "hello"})[0].line()

    for place in range(len(line)):
        for bit in range(7):
            bad = line[:place] + chr(ord(line[place]) ^ 1 << bit) + line[place + 1 :]
            assert frames.piece_in(bad, Way.TO_DEVICE) is None


def test_a_message_has_an_end() -> None:
    with pytest.raises(FormatError, match="too long for a console"):
        frames.pieces(Way.TO_DEVICE, 1, {"a": "x" * frames.MESSAGE_MOST_BYTES})
