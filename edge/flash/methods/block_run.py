"""Runs of the method `block`: several targets from one reading of an image.

Each target goes through the same steps: cleared, written, flushed, read back, made whole. One that
fails is left behind; an error of the image, or an interrupt, ends the run for all.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from edge.errors import EdgeError
from edge.flash.events import Advance, Event, Listener, Phase, Report
from edge.flash.methods.block_verify import Comparer, ReadBack, compare_by_hash
from edge.flash.methods.block_write import BlockWriter
from edge.flash.methods.fan_out import buffers_for, fan_out
from edge.flash.methods.journal import Journal
from edge.flash.sources.buffers import Buffers
from edge.flash.sources.source import Facts, Source
from edge.flash.transports.storage import Storage

Outcome = Report | EdgeError


class StoppedError(Exception):
    """Another target met what ends the whole run."""


class BlockTarget(Protocol):
    """One target of a run, as its user chose it."""

    @property
    def target(self) -> str:
        """What to call it."""

    @property
    def verifies(self) -> bool:
        """Read back and compare."""

    @property
    def discards(self) -> bool:
        """Have the disk forget what it held."""

    @property
    def is_ejected(self) -> bool:
        """Let go of the disk at the end."""

    def open(self, facts: Facts) -> Storage:
        """Return it, open for us alone."""

    def journal(self, facts: Facts) -> Journal:
        """Return its journal for an image."""


@dataclass(slots=True)
class _Opened:
    storage: Storage
    writer: BlockWriter
    back: ReadBack


@dataclass(slots=True)
class _Run:
    """One target of a run.

    Attributes:
        told: Who is told of this target.
        stop: Set when the whole run ends early.
        ended: Told what came of it.
        outcome: What came of it; None while it goes on.
    """

    target: BlockTarget
    told: Listener
    stop: threading.Event
    ended: Callable[[str, Outcome], None]
    outcome: Outcome | None = None
    rewritten_bytes: int = 0
    _storage: Storage | None = field(default=None, init=False)
    _opened: _Opened | None = field(default=None, init=False)

    @property
    def opened(self) -> _Opened:
        """The target, cleared and to be written.

        Raises:
            EdgeError: It is not.
        """
        if self._opened is None:
            raise EdgeError(f"{self.target.target}: it is not open")
        return self._opened

    def listener(self, event: Event) -> None:
        """Tell of an event; the one place that all work passes often."""
        if self.stop.is_set():
            raise StoppedError
        self.told(event)

    def end(self, outcome: Outcome | None) -> None:
        """Keep and tell what came of it; None if it goes on."""
        self.outcome = outcome
        if outcome is not None:
            self.ended(self.target.target, outcome)

    def prepare(self, facts: Facts) -> None:
        """Open the target and clear its start."""
        self.listener(Advance(Phase.CONNECT, 0, 1))
        self._storage = storage = self.target.open(facts)
        writer = BlockWriter(
            storage,
            facts,
            self.target.journal(facts),
            self.listener,
            discard=self.target.discards,
            may_resume=self.target.verifies,
        )
        back = ReadBack(storage, self.listener, facts.mapped_bytes, writer.head)
        self._opened = _Opened(storage, writer, back)
        writer.prepare()

    def verify(self, source: Source) -> None:
        """Read back and compare by the hashes of the map; write again what differs."""
        opened = self.opened
        self.rewritten_bytes = compare_by_hash(opened.back, source, opened.writer.rewrite)

    def comparer(self) -> Comparer:
        """Return what compares this target byte for byte and writes again what differs."""
        return Comparer(self.opened.back, self.opened.writer.rewrite)

    def finish(self) -> Report:
        """Make the target whole and let go of it."""
        opened = self.opened
        opened.writer.write_head(Buffers(2))
        self.listener(Advance(Phase.EJECT, 0, 1))
        opened.storage.finish(eject=self.target.is_ejected)
        return Report(
            opened.writer.written_bytes,
            opened.writer.skipped_bytes,
            opened.back.verified_bytes,
            self.rewritten_bytes,
        )

    def close(self) -> None:
        """Let go of the target; one that is not done remembers how far it came."""
        if self._opened is not None and not isinstance(self.outcome, Report):
            with suppress(EdgeError, OSError):
                self._opened.writer.remember()
        if self._storage is not None:
            self._storage.close()


def flash_all(
    targets: Sequence[BlockTarget],
    source: Source,
    listeners: Sequence[Listener],
    ended: Callable[[str, Outcome], None] = lambda _target, _outcome: None,
) -> list[Outcome]:
    """Write an image to several targets, read once for all, and return what came of each.

    Args:
        targets: Where it goes.
        source: The image.
        listeners: Who is told of each target.
        ended: Told as soon as one is done or has failed, from any thread.

    Raises:
        EdgeError: The image cannot be read to its end; no target holds a partition table then.
    """
    stop = threading.Event()
    runs = [
        _Run(target, told, stop, ended) for target, told in zip(targets, listeners, strict=True)
    ]
    try:
        _each(runs, lambda run: run.prepare(source.facts))
        _write([run for run in runs if run.outcome is None], source)
        _each(runs, lambda run: run.opened.writer.remember())
        _verify([run for run in runs if run.outcome is None], source)
        _each(runs, lambda run: run.finish())
    finally:
        for run in runs:
            run.close()
    return [run.outcome or EdgeError(f"{run.target.target}: not done") for run in runs]


def _write(runs: Sequence[_Run], source: Source) -> None:
    """Give all targets all chunks, also those that an earlier run wrote: the image is checked."""
    if not runs:
        return
    writers = [run.opened.writer for run in runs]
    chunks = source.chunks(Buffers(buffers_for(len(writers))))
    for run, error in zip(runs, fan_out(chunks, writers), strict=True):
        if isinstance(error, EdgeError):
            run.end(error)
        elif error is not None:
            raise error


def _verify(runs: Sequence[_Run], source: Source) -> None:
    wanted = [run for run in runs if run.target.verifies]
    if len(wanted) == 1 and has_hashes(source):
        _each(wanted, lambda run: run.verify(source))
        return
    comparers = [run.comparer() for run in wanted]
    for run, comparer, error in zip(wanted, comparers, compared(comparers, source), strict=True):
        run.rewritten_bytes = comparer.rewritten_bytes
        if isinstance(error, EdgeError):
            run.end(error)
        elif error is not None:
            raise error


def compared(comparers: Sequence[Comparer], source: Source) -> list[BaseException | None]:
    """Compare storages with one reading of the image; return what went wrong with each."""
    if not comparers:
        return []
    return fan_out(source.chunks(Buffers(buffers_for(len(comparers)))), comparers)


def has_hashes(source: Source) -> bool:
    """Return whether the map says what every span hashes to."""
    return all(span.sha256 for span in source.facts.spans)


def _each(runs: Sequence[_Run], act: Callable[[_Run], Report | None]) -> None:
    """Do something with all targets that go on, side by side; an interrupt stops each of them."""
    failures: list[BaseException] = []
    going = [run for run in runs if run.outcome is None]
    threads = [
        threading.Thread(target=_attempt, args=(run, act, failures), daemon=True)
        for run in going[1:]
    ]
    try:
        for thread in threads:
            thread.start()
        for run in going[:1]:
            _attempt(run, act, failures)
        _join(threads)
    except BaseException:  # an interrupt while the others were waited for
        for run in going:
            run.stop.set()
        _join(threads)
        raise
    if failures:
        raise failures[0]


def _attempt(
    run: _Run, act: Callable[[_Run], Report | None], failures: list[BaseException]
) -> None:
    """Do something with one target; what is no error of its own goes to `failures`."""
    try:
        try:
            run.end(act(run))
        except EdgeError as error:
            run.end(error)
    except BaseException as error:  # noqa: BLE001 - raised by `_each`, an interrupt too
        failures.append(error)
        run.stop.set()


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        if thread.is_alive():  # one that was never started cannot be waited for
            thread.join()
