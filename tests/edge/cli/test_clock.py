"""How commands show a time."""

from edge.cli import clock


def test_a_time_is_shown_in_utc_to_the_second_or_the_minute() -> None:
    assert clock.shown(1_700_000_001) == "2023-11-14 22:13:21"
    assert clock.shown(1_700_000_001, seconds=False) == "2023-11-14 22:13"
