"""When there are too many failures, and how many devices a bad release reaches before.

`tripped` is asked after every report. `exposure` says beforehand what it will cost: it plays the
same rules against a release that fails on a known share of devices.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist
from typing import Final

from edge.console.campaigns.plan import Evidence, Limit, Plan, Wave
from edge.console.campaigns.tally import Tally

# That a bad release gets through the stop rule: Wald's second error.
_MISS_PERMILLE: Final = 50
_PLAYS: Final = 400
_NEVER: Final = -1
_ALL: Final = 100
# Fewer failures are played one by one; of more the number is drawn as from a normal distribution.
_MANY: Final = 30
_SPREADS: Final = 7
_LEAST: Final = 1e-12


class Rule(StrEnum):
    """Which rule stops a campaign. The names are stored in the journal."""

    LIMIT = "limit"  # of a wave: too many failures, or too large a share
    REACH = "reach"  # of a wave: it can not have enough successes any more
    EVIDENCE = "evidence"  # over all waves


@dataclass(frozen=True, slots=True)
class Trip:
    """Why a campaign has to stop, with the numbers that were seen.

    Attributes:
        reason: In words.
        wave: Counts from 1; 0 for all of them together.
        failures: How many devices had failed.
        ended: How many had ended, well or not.
    """

    rule: Rule
    reason: str
    wave: int
    failures: int
    ended: int


def tripped(plan: Plan, tallies: Sequence[Tally]) -> Trip | None:
    """Return why a campaign has to stop; None if it may go on."""
    for number, (wave, tally) in enumerate(zip(plan.waves, tallies, strict=True), 1):
        failures, ended = tally.failures, tally.failures + tally.good
        if found := beyond(within(wave.limit, tally.able), failures, tally.good):
            return Trip(Rule.LIMIT, f"wave {number}: {found}", number, failures, ended)
        is_last = number == len(plan.waves)
        found = "" if is_last else out_of_reach(wave.success_percent, failures, tally.counted)
        if found:
            return Trip(Rule.REACH, f"wave {number}: {found}", number, failures, ended)
    return _tripped_by_all(plan.evidence, tallies)


def _tripped_by_all(evidence: Evidence | None, tallies: Sequence[Tally]) -> Trip | None:
    failures, good = sum(one.failures for one in tallies), sum(one.good for one in tallies)
    if not _is_sure(evidence, failures, good):
        return None
    assert evidence is not None
    usual = f"{evidence.good_permille / 10:g}%"
    reason = f"{failures} of {failures + good} devices failed: more than {usual} for sure"
    return Trip(Rule.EVIDENCE, reason, 0, failures, failures + good)


def within(limit: Limit, size: int) -> Limit:
    """Return the limit of a wave with so many devices: in a small one all of them are enough."""
    return replace(limit, sample=max(1, min(limit.sample, size)))


def beyond(limit: Limit, failures: int, good: int) -> str:
    """Return which limit of a wave is passed; empty if none is.

    Args:
        limit: Of the wave.
        failures: How many devices failed.
        good: How many ended well.
    """
    ended = failures + good
    if limit.count is not None and failures >= limit.count:
        return f"{failures} failed, and {limit.count} are too many"
    if limit.percent is None or ended < limit.sample:
        return ""
    if failures * 100 > limit.percent * ended:
        return f"{failures} of {ended} failed, more than {limit.percent}%"
    return ""


def out_of_reach(success_percent: int, failures: int, size: int) -> str:
    """Return that a wave can not have enough successes any more; empty if it can.

    Args:
        success_percent: So much of it is wanted.
        failures: How many of its devices failed.
        size: How many it has, without those that can not take the release.
    """
    left = size - failures
    if left * 100 >= success_percent * size:
        return ""
    return f"{failures} failed, so that at most {left} of {size} can succeed"


def speaks_against(evidence: Evidence, failures: int, good: int) -> bool:
    """Return whether the reports are enough to call a release bad."""
    return failures > 0 and failures >= failures_that_stop(evidence, good)


def failures_that_stop(evidence: Evidence, good: int) -> int:
    """Return how many failures would be enough, beside so many devices that ended well."""
    usual, bad = evidence.good_permille / 1000, evidence.bad_permille / 1000
    bound = math.log((1000 - _MISS_PERMILLE) / evidence.alarm_permille)
    for_good = good * math.log((1 - usual) / (1 - bad))
    return max(1, math.ceil((bound + for_good) / math.log(bad / usual)))


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a bad release would reach before the campaign stops, of many plays.

    Attributes:
        defect_permille: On how many of 1,000 devices it fails.
        median: Devices ordered to take it, in half of the plays at most.
        most: In 19 of 20 plays at most.
        stopped_percent: In how many of 100 plays the campaign stopped at all.
        first_wave_percent: In how many it stopped in its first wave.
    """

    defect_permille: int
    median: int
    most: int
    stopped_percent: int
    first_wave_percent: int


def exposure(
    plan: Plan,
    sizes: Sequence[int],
    defect_permille: int,
    uniform: Callable[[], float],
    *,
    plays: int = _PLAYS,
) -> Exposure:
    """Return how far a release comes that fails on a share of devices.

    Args:
        plan: With the rules.
        sizes: How many devices each wave has.
        defect_permille: The share, 1 to 999.
        uniform: Gives numbers from 0 up to 1.
        plays: How often it is played.
    """
    found = sorted(_play(plan, sizes, defect_permille / 1000, uniform) for _ in range(plays))
    reached = [one[0] for one in found]
    stopped = sum(one[1] != _NEVER for one in found)
    in_first = sum(one[1] == 0 for one in found)
    return Exposure(
        defect_permille,
        reached[(plays - 1) // 2],
        reached[math.ceil(plays * 0.95) - 1],
        stopped * 100 // plays,
        in_first * 100 // plays,
    )


def _play(
    plan: Plan, sizes: Sequence[int], share: float, uniform: Callable[[], float]
) -> tuple[int, int]:
    """Return how many devices were ordered, and in which wave it stopped; -1 for none."""
    before, failures = 0, 0
    for number, (wave, size) in enumerate(zip(plan.waves, sizes, strict=True)):
        has_next = number + 1 < len(plan.waves)
        rules = _Rules(
            replace(wave, limit=within(wave.limit, size)),
            plan.evidence,
            size,
            _Past(before, failures),
            has_next=has_next,
        )
        found, stops = rules.play(share, uniform)
        if stops:
            return _reached(plan, before, found.ended, size), number
        before, failures = before + size, failures + found.failures
    return before, _NEVER


@dataclass(frozen=True, slots=True)
class _Past:
    """How many devices ended, and how many of them failed."""

    ended: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class _Rules:
    """What may stop a campaign while a wave with so many devices is under way.

    Attributes:
        past: The waves before it.
        has_next: There is another wave, for which so many must have succeeded.
    """

    wave: Wave
    evidence: Evidence | None
    size: int
    past: _Past
    has_next: bool

    def play(self, share: float, uniform: Callable[[], float]) -> tuple[_Past, bool]:
        """Return how many of the wave ended, and whether that stopped the campaign."""
        limit, now = self.wave.limit, _Past()
        while True:
            if now.ended >= limit.sample:
                now = self._leap(now, share, uniform)
            good_run = _run(share, uniform)
            at_sample = limit.sample - now.ended
            # Their share may be looked at for the first time after a device that is well.
            is_first_look = now.failures and 0 < at_sample <= min(good_run, self.size - now.ended)
            if is_first_look and beyond(limit, now.failures, limit.sample - now.failures):
                return _Past(limit.sample, now.failures), True
            following = _Past(now.ended + good_run + 1, now.failures + 1)
            if following.ended > self.size:
                return _Past(self.size, now.failures), False
            now = following
            if self._stops(now):
                return now, True

    def _stops(self, now: _Past) -> bool:
        good = now.ended - now.failures
        if beyond(self.wave.limit, now.failures, good):
            return True
        if self.has_next and out_of_reach(self.wave.success_percent, now.failures, self.size):
            return True
        failures = self.past.failures + now.failures
        return _is_sure(self.evidence, failures, self.past.ended + now.ended - failures)

    def _leap(self, now: _Past, share: float, uniform: Callable[[], float]) -> _Past:
        """Return where it stands after so many devices that no rule can have stopped it before.

        Where failures are far from being too many, most devices need not be played one by one.
        """
        spare = self._spare(now)
        # So many fail at most, but once in a billion times.
        mean = spare - _SPREADS * math.sqrt(spare)
        devices = min(int(mean / share), self.size - now.ended)
        if devices * share < _MANY:
            return now
        spread = math.sqrt(devices * share * (1 - share))
        drawn = NormalDist(devices * share, spread).inv_cdf(max(uniform(), _LEAST))
        failed = min(max(round(drawn), 0), spare, devices)
        return _Past(now.ended + devices, now.failures + failed)

    def _spare(self, now: _Past) -> int:
        """Return how many more can fail, one after the other, before any rule stops it."""
        limit, size = self.wave.limit, self.size
        known = [size - now.ended]
        if limit.count is not None:
            known.append(limit.count - now.failures - 1)
        if limit.percent is not None and limit.percent < _ALL:
            left = limit.percent * now.ended - _ALL * now.failures
            known.append(left // (_ALL - limit.percent))
        if self.has_next:
            wanted = -(-self.wave.success_percent * size // _ALL)
            known.append(size - wanted - now.failures)
        if self.evidence is not None:
            failures = self.past.failures + now.failures
            good = self.past.ended + now.ended - failures
            known.append(failures_that_stop(self.evidence, good) - failures - 1)
        return max(0, min(known))


def _run(share: float, uniform: Callable[[], float]) -> int:
    """Return how many devices are well before the next one that fails."""
    return int(math.log(1 - uniform()) / math.log(1 - share))


def _is_sure(evidence: Evidence | None, failures: int, good: int) -> bool:
    return evidence is not None and speaks_against(evidence, failures, good)


def _reached(plan: Plan, before: int, ended: int, size: int) -> int:
    """Return how many had an order: those that ended, and those that were under way then."""
    return before + min(size, ended + plan.pace.at_once - 1)
