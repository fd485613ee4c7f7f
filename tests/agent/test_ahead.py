"""Working on the next pieces in threads: in order, bounded, and nothing lost before an error."""

import threading
from collections.abc import Iterator

import pytest

from edge_agent.ahead import PIECES, ahead


class LostError(Exception):
    """What ends a source in these tests."""


def numbers(most: int, *, fails: bool = False, taken: list[int] | None = None) -> Iterator[int]:
    for number in range(most):
        if taken is not None:
            taken.append(number)
        yield number
    if fails:
        raise LostError


@pytest.mark.parametrize("most", [0, 1, PIECES - 1, PIECES, PIECES + 1, 50])
@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(most: int, workers: int) -> None:
    assert list(ahead(numbers(most), str, workers=workers)) == [str(one) for one in range(most)]


@pytest.mark.parametrize("most", [0, PIECES - 1, PIECES, 50])
def test_what_came_before_an_error_of_the_source_is_given_first(most: int) -> None:
    found: list[object] = []

    with pytest.raises(LostError):
        found.extend(ahead(numbers(most, fails=True), str))

    assert found == [str(one) for one in range(most)]


@pytest.mark.parametrize("wrong", [0, PIECES - 2, PIECES, 20])
def test_an_error_of_the_work_comes_in_its_turn(wrong: int) -> None:
    def work(number: int) -> int:
        if number == wrong:
            raise LostError
        return number

    found: list[object] = []

    with pytest.raises(LostError):
        found.extend(ahead(numbers(30), work))

    assert found == list(range(wrong))


def test_no_more_is_taken_than_may_be_in_memory() -> None:
    taken: list[int] = []
    results = ahead(numbers(50, taken=taken), str)

    for number in range(10):
        next(results)
        assert len(taken) <= number + PIECES

    assert isinstance(results, Iterator)


def test_items_are_taken_by_who_asks_and_worked_on_elsewhere() -> None:
    mine = threading.get_ident()
    takers = []

    def source() -> Iterator[int]:
        for number in range(20):
            takers.append(threading.get_ident())
            yield number

    workers = set(ahead(source(), lambda _number: threading.get_ident()))

    assert set(takers) == {mine}
    assert mine not in workers


def test_two_pieces_are_worked_on_at_once() -> None:
    together = threading.Barrier(2, timeout=10)

    def work(number: int) -> int:
        together.wait()  # nobody gets past alone
        return number

    assert list(ahead(numbers(20), work)) == list(range(20))


def test_who_stops_asking_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    results = ahead(numbers(50), str)
    next(results)
    assert threading.active_count() > before

    del results

    assert threading.active_count() == before
