"""A device whose image names approvers: a stolen console can not start a roll-out there."""

from pathlib import Path

import pytest

from edge_agent.counters import Floor
from edge_signing.errors import TrustError
from edge_signing.release import Content
from tests.agent.test_check import NOW_S, Bench
from tests.fakes.approving import Board, approvers
from tests.fakes.forge import PRODUCT, Yard

PEOPLE = approvers(2, "anna", "pete", "olga")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A device of PEOPLE, and a console that was stolen: its director signs any order."""
    return Bench(Yard(tmp_path / "yard"), tmp_path, approvers=PEOPLE)


def board(bench: Bench, *paths: str, not_after_s: int = NOW_S + 3600) -> Board:
    found = bench.yard.repository.targets(PRODUCT)
    contents = {
        path: Content(found[path].length_bytes, bytes.fromhex(found[path].sha256)) for path in paths
    }
    return Board(contents, not_after_s)


def refusal(bench: Bench, path: str, approval: bytes, **known: object) -> str:
    bench.approval = approval
    checked = bench.check(path, bench.document(path), **known)
    assert checked.release is not None
    return checked.refusal


def test_what_enough_people_approved_is_installed(bench: Bench) -> None:
    path = bench.release()

    assert refusal(bench, path, board(bench, path).packed("anna", "olga")) == ""


def test_an_order_of_the_console_alone_is_refused(bench: Bench) -> None:
    path = bench.release()

    assert "nobody approved it, 2 of 3 have to" in refusal(bench, path, b"")


def test_too_few_approvals_are_refused(bench: Bench) -> None:
    path = bench.release()

    assert "1 of 2" in refusal(bench, path, board(bench, path).packed("anna", "eve"))


def test_the_approval_of_another_release_starts_nothing(bench: Bench) -> None:
    approved, other = bench.release("1.1"), bench.release("1.2")

    said = refusal(bench, other, board(bench, approved).packed("anna", "pete"))

    assert "is of other releases" in said


def test_the_release_of_before_is_approved_with_the_plan(bench: Bench) -> None:
    old, new = bench.release("1.0"), bench.release("1.1")
    document = board(bench, old, new).packed("anna", "pete")

    assert [refusal(bench, path, document) for path in (old, new)] == ["", ""]


@pytest.mark.parametrize("late_s", [0, 1])
def test_an_approval_ends_by_the_time_that_counts_for_the_device(bench: Bench, late_s: int) -> None:
    """It is the later of clock and floor: setting the clock back does not help."""
    path = bench.release()
    document = board(bench, path, not_after_s=NOW_S - late_s).packed("anna", "pete")

    assert ("ended 1 s ago" in refusal(bench, path, document)) == bool(late_s)


def test_what_is_no_approval_is_a_refusal_and_no_crash(bench: Bench) -> None:
    path = bench.release()

    assert "approval: statement is missing" in refusal(bench, path, b"{}")


def test_an_approval_does_not_stand_for_the_director_or_the_counter(bench: Bench) -> None:
    path, other = bench.release("1.1"), bench.release("1.2")
    bench.approval = board(bench, path, other).packed("anna", "pete")

    with pytest.raises(TrustError, match="the director does not order it"):
        bench.check(path, bench.document(other))
    with pytest.raises(TrustError, match="is 3, below 4"):
        bench.check(path, bench.document(path), floor=Floor(counter=4))


def test_an_order_to_stay_needs_nobody(bench: Bench) -> None:
    bench.release()

    checked = bench.check(None, bench.document())

    assert (checked.release, checked.refusal) == (None, "")


def test_an_image_that_names_nobody_asks_nobody(bench: Bench) -> None:
    bench.approvers = None
    path = bench.release()

    assert [refusal(bench, path, document) for document in (b"", b"{}")] == ["", ""]
