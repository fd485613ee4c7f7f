"""Write one image to many targets, whatever their methods: each ends for itself."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from edge.errors import EdgeError
from edge.flash.events import Event, Listener
from edge.flash.methods.block import BecomesDisk, BlockMethod
from edge.flash.methods.block_run import Outcome, StoppedError, flash_all
from edge.flash.methods.method import Method
from edge.flash.sources.source import Source

ListenerOf = Callable[[str], Listener]
Ended = Callable[[str, Outcome], None]
TOGETHER_S: Final = 5.0  # boards that are disks so soon after the first one are written with it


def run(
    methods: Sequence[Method],
    source: Source,
    listener_of: ListenerOf,
    ended: Ended,
    *,
    at_a_time: int,
) -> None:
    """Write to all targets; disks, and boards that become disks, share one reading of the image.

    Args:
        methods: The targets.
        source: The image.
        listener_of: Returns who is told of the events of a target.
        ended: Told when a target is done or has failed, from any thread.
        at_a_time: How many are written at a time; disks and other targets count for themselves.

    Raises:
        EdgeError: The image cannot be read to its end.
    """
    if len(methods) == 1 and not isinstance(methods[0], BlockMethod):
        # In this thread, so that an interrupt comes to it.
        _flash(methods[0], source, listener_of(methods[0].target), ended)
        return
    stop = threading.Event()
    with ThreadPoolExecutor(at_a_time) as pool:
        others, coming = [], set()
        for one in methods:
            told = _stopping(listener_of(one.target), stop)
            if isinstance(one, BecomesDisk):
                coming.add(pool.submit(_become, one, told, ended))
            elif not isinstance(one, BlockMethod):
                others.append(pool.submit(_flash, one, source, told, ended))
        try:
            there = [one for one in methods if isinstance(one, BlockMethod)]
            while batch := _next(there, coming, at_a_time):
                flash_all(batch, source, [listener_of(one.target) for one in batch], ended)
            for each in others:
                each.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _next(
    there: list[BlockMethod], coming: set[Future[BlockMethod | None]], most: int
) -> list[BlockMethod]:
    """Take the disks to be written now, so many at most; none when all are done.

    Args:
        there: Those that wait; the ones returned are taken out.
        coming: Boards on their way to be disks; those that have come are taken out.
        most: How many disks are written at a time.
    """
    while coming and len(there) < most:
        limit_s = TOGETHER_S if there else None
        came, _others = wait(coming, limit_s, return_when=FIRST_COMPLETED)
        if not came:
            break
        coming -= came
        there += [disk for one in came if (disk := one.result()) is not None]
    batch = there[:most]
    del there[:most]
    return batch


def _stopping(listener: Listener, stop: threading.Event) -> Listener:
    """Return a listener that ends its job when all are to stop."""

    def take(event: Event) -> None:
        if stop.is_set():
            raise StoppedError
        listener(event)

    return take


def _become(board: BecomesDisk, listener: Listener, ended: Ended) -> BlockMethod | None:
    """Bring a board so far that it is a disk; None when it failed, which is told."""
    try:
        return board.become_disk(listener)
    except EdgeError as error:
        ended(board.target, error)
        return None


def _flash(method: Method, source: Source, listener: Listener, ended: Ended) -> None:
    try:
        outcome: Outcome = method.flash(source, listener)
    except EdgeError as error:
        outcome = error
    ended(method.target, outcome)
