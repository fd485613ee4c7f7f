"""Ids: handed out once, given once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edge.errors import InputError, RefusedError, UntrustedError
from edge.factory import ids
from edge.factory.ids import Ids, Range
from edge.factory.spans import span

SPAN = span("gw-0001..gw-0100")


def test_stations_get_ranges_that_have_nothing_in_common(tmp_path: Path) -> None:
    made = [ids.hand_out(tmp_path, SPAN, name, 30) for name in ("S1", "S2", "S1")]

    assert made == [Range("S1", 1, 30), Range("S2", 31, 60), Range("S1", 61, 90)]
    assert ids.read(tmp_path) == tuple(made)
    assert ids.overlapping(made) == []


def test_more_than_are_left_are_not_handed_out(tmp_path: Path) -> None:
    ids.hand_out(tmp_path, SPAN, "S1", 90)

    with pytest.raises(InputError, match="10 are left of 100"):
        ids.hand_out(tmp_path, SPAN, "S2", 11)

    assert len(ids.read(tmp_path)) == 1


@pytest.mark.parametrize(
    "text", ["{", '[{"station":"S1"}]', '[{"station":"S1","first":1,"last":true}]', "3"]
)
def test_a_damaged_file_is_no_reason_to_begin_at_one(tmp_path: Path, text: str) -> None:
    (tmp_path / ids.FILE).write_text(text)

    with pytest.raises(UntrustedError):
        ids.hand_out(tmp_path, SPAN, "S1", 1)


def test_ids_are_given_in_order_through_all_ranges_and_then_no_more() -> None:
    own = Ids(SPAN, [Range("S1", 9, 10), Range("S1", 2, 3)])
    given_ids = []
    while own.left:
        given_ids.append(own.next())
        own.saw(given_ids[-1])

    assert given_ids == ["gw-0002", "gw-0003", "gw-0009", "gw-0010"]
    with pytest.raises(RefusedError, match="no ids left"):
        own.next()


@given(some.lists(some.integers(1, 60), max_size=20))
def test_an_id_that_the_ledger_has_is_never_given(seen: list[int]) -> None:
    own = Ids(SPAN, [Range("S1", 10, 20), Range("S1", 40, 50)])
    for number in seen:
        own.saw(SPAN.name(number))

    if own.left:
        assert own.next() not in {SPAN.name(number) for number in seen}


def test_ranges_that_overlap_are_found() -> None:
    one, two, three = Range("S1", 1, 10), Range("S2", 10, 20), Range("S3", 21, 30)

    assert ids.overlapping([three, two, one]) == [(one, two)]
