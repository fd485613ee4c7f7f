"""Work on the next pieces in threads while the one before is used.

Only what is pure goes there: hashing and decoding, which let other threads run. Whatever reads,
writes or tells is done by the thread that asks, in order.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

PIECES: Final = 4  # at once in memory
WORKERS: Final = 2

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def ahead(
    items: Iterable[_Item], work: Callable[[_Item], _Made], *, workers: int = WORKERS
) -> Iterator[_Made]:
    """Yield what `work` makes of each item, in order.

    When an item cannot be had, what was made of those before it comes first, then the error. What
    is less than `PIECES` is not worth a thread.

    Args:
        items: Taken by the thread that asks for results, at most `PIECES` before their turn.
        work: Done in other threads; it must not touch what others use.
        workers: How many threads; with one the items are worked on in order.
    """
    source = iter(items)
    waiting = _Taken(source)
    first = list(islice(waiting, PIECES))
    if len(first) < PIECES:
        yield from map(work, first)
        waiting.end()
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # not for a start of the agent

    with ThreadPoolExecutor(workers) as pool:
        made: deque[Future[_Made]] = deque(pool.submit(work, item) for item in first)
        while made:
            yield made.popleft().result()
            made.extend(pool.submit(work, item) for item in islice(waiting, 1))
    waiting.end()


class _Taken(Iterator[_Item]):
    """Items up to an error, which is kept for the end."""

    def __init__(self, source: Iterator[_Item]) -> None:
        self._source = source
        self._error: BaseException | None = None

    def __next__(self) -> _Item:
        if self._error is not None:
            raise StopIteration
        try:
            return next(self._source)
        except StopIteration:
            raise
        except Exception as error:
            self._error = error
            raise StopIteration from error

    def end(self) -> None:
        """Raise the error, if there was one."""
        if self._error is not None:
            raise self._error
