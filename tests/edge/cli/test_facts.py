"""Facts of one thing, as people read them."""

from edge.cli import facts


def test_a_time_is_a_date_and_what_is_empty_is_left_out() -> None:
    found = {
        "device": "gw-1",
        "seen_s": 1_795_744_258,
        "boards": ["a", "b"],
        "tags": [],
        "more": "",
    }

    assert list(facts.lines({**found, "is_new": False, "attr": {"x": 1}}, width=6)) == [
        "device  gw-1",
        "  seen  2026-11-27 01:50:58 UTC",
        "boards  a b",
        "is_new  no",
        "  attr  x=1",
    ]
