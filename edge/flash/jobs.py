"""Write one image to many targets, whatever their methods: each ends for itself."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from edge.errors import EdgeError
from edge.flash.events import Event, Listener
from edge.flash.methods.block import BlockMethod
from edge.flash.methods.block_run import Outcome, StoppedError, flash_all
from edge.flash.methods.method import Method
from edge.flash.sources.source import Source

ListenerOf = Callable[[str], Listener]
Ended = Callable[[str, Outcome], None]


def run(
    methods: Sequence[Method],
    source: Source,
    listener_of: ListenerOf,
    ended: Ended,
    *,
    at_a_time: int,
) -> None:
    """Write to all targets; those of the method `block` share one reading of the image.

    Args:
        methods: The targets.
        source: The image.
        listener_of: Returns who is told of the events of a target.
        ended: Told when a target is done or has failed, from any thread.
        at_a_time: How many are written at a time; each kind of method counts for itself.

    Raises:
        EdgeError: The image cannot be read to its end.
    """
    disks = [one for one in methods if isinstance(one, BlockMethod)]
    others = [one for one in methods if not isinstance(one, BlockMethod)]
    if not disks and len(others) == 1:  # in this thread, so that an interrupt comes to it
        _flash(others[0], source, listener_of(others[0].target), ended)
        return
    stop = threading.Event()
    with ThreadPoolExecutor(at_a_time) as pool:
        waiting = [
            pool.submit(_flash, one, source, _stopping(listener_of(one.target), stop), ended)
            for one in others
        ]
        try:
            for start in range(0, len(disks), at_a_time):
                batch = disks[start : start + at_a_time]
                flash_all(batch, source, [listener_of(one.target) for one in batch], ended)
            for one in waiting:
                one.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _stopping(listener: Listener, stop: threading.Event) -> Listener:
    """Return a listener that ends its job when all are to stop."""

    def take(event: Event) -> None:
        if stop.is_set():
            raise StoppedError
        listener(event)

    return take


def _flash(method: Method, source: Source, listener: Listener, ended: Ended) -> None:
    try:
        outcome: Outcome = method.flash(source, listener)
    except EdgeError as error:
        outcome = error
    ended(method.target, outcome)
