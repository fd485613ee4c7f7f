from dataclasses import replace

import pytest

from edge_signing.messages import Status
from tests.e2e.tally import CUTS, CUTS_IN_CI, STARTING, Tally, cuts_wanted

BEFORE = Status("boot-1", phase="installing")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        pytest.param({}, CUTS, id="a long run"),
        pytest.param({"CI": "true"}, CUTS_IN_CI, id="continuous integration"),
        pytest.param({"CI": "true", "EDGE_POWER_CUTS": "7"}, 7, id="chosen"),
    ],
)
def test_the_place_says_how_many_cuts_are_made(environment: dict[str, str], wanted: int) -> None:
    assert cuts_wanted(environment) == wanted


def test_the_least_and_the_most_are_what_was_promised() -> None:
    assert (CUTS_IN_CI >= 25, CUTS) == (True, 200)


@pytest.mark.parametrize(
    ("before", "last", "phase"),
    [
        pytest.param(None, None, STARTING, id="never told anything"),
        pytest.param(BEFORE, BEFORE, STARTING, id="told nothing since the start"),
        pytest.param(None, BEFORE, "installing", id="told for the first time"),
        pytest.param(BEFORE, replace(BEFORE, boot_id="boot-2"), "installing", id="told again"),
    ],
)
def test_a_cut_counts_for_the_phase_that_was_told_in_the_same_start(
    before: Status | None, last: Status | None, phase: str
) -> None:
    tally = Tally()

    assert tally.count(before, last) == phase
    assert tally.text() == f"{phase} 1"
