"""Cut the power of a device at every point, and again at every point of what follows."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edge_signing.messages import ReportEvent
from tests.agent.power.device import Frame, ViolationError
from tests.agent.power.medium import KINDS, Contents, Heard, Kind, after_cut


@dataclass(frozen=True)
class Cut:
    """A point at which the power fails."""

    start: int
    op: int
    kind: Kind


@dataclass(frozen=True)
class Left:
    """What a cut leaves: the disk, and what the server heard."""

    contents: Contents
    heard: tuple[ReportEvent, ...]

    def key(self) -> tuple[object, ...]:
        return (self.contents.key(), self.heard)


class Cuttable(Protocol):
    """A device whose power may be cut."""

    @property
    def story(self) -> str:
        """What happens to it."""

    def new_contents(self) -> Contents:
        """Return its disk at first."""

    def run(self, start: Contents, heard: Sequence[ReportEvent] = ()) -> list[Frame]:
        """Let it work until nothing is left to do, and return its starts."""


@dataclass
class Explorer:
    """Counts cases; one that leaves what was seen before is not run again, as it goes the same way.

    Args:
        device: What is cut.
    """

    device: Cuttable
    cases: int = 0
    runs: int = 0
    _seen: set[int] = field(default_factory=set)

    def cut_once(self, share: float = 1, seed: int = 0) -> list[tuple[Cut, Left]]:
        """Cut at every point, or a share of them; return what each cut leaves, once for each."""
        found = {}
        frames = self.device.run(self.device.new_contents())
        for cut, left in cuts_of(frames, _taken(share, seed)):
            if self._is_new(left, cut):
                found[cut] = left
        return list(found.items())

    def cut_again(self, cut: Cut, left: Left, share: float, seed: int) -> None:
        """Cut at a share of all points of what follows a first cut."""
        frames = self._run(left, cut)
        for second, last in cuts_of(frames, _taken(share, seed)):
            self._is_new(last, cut, second)

    def _is_new(self, left: Left, *cuts: Cut) -> bool:
        self.cases += 1
        key = hash(left.key())
        if key in self._seen:
            return False
        self._seen.add(key)
        self._run(left, *cuts)
        return True

    def _run(self, left: Left, *cuts: Cut) -> list[Frame]:
        self.runs += 1
        try:
            return self.device.run(left.contents, left.heard)
        except ViolationError as error:
            raise ViolationError(f"{self.device.story}, cut at {cuts}: {error}") from error


def _taken(share: float, seed: int) -> Callable[[], bool]:
    """Return what says which points are taken: a share of all."""
    generator = random.Random(seed)
    return lambda: share >= 1 or generator.random() < share


def cuts_of(
    frames: Sequence[Frame], is_taken: Callable[[], bool] = lambda: True
) -> Iterator[tuple[Cut, Left]]:
    """Yield every cut that is taken, and what it leaves."""
    for number, frame in enumerate(frames):
        log = frame.medium.log
        heard = list(frame.heard)
        for at in range(len(log) + 1):
            if at and isinstance(event := getattr(log[at - 1], "event", None), ReportEvent):
                heard.append(event)
            for kind in KINDS:
                if is_taken():
                    ops = [*log[:at], log[at] if at < len(log) else Heard(None)]
                    left = Left(after_cut(frame.medium.start, ops, kind), tuple(heard))
                    yield Cut(number, at, kind), left
