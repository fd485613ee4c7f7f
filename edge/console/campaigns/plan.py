"""What a campaign is to do, and when it stops: all that people decide before it starts.

A plan is checked whole: what can not be meant is an error with the place of the word.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from edge.errors import InputError
from edge_signing import canonical
from edge_signing.messages import Policy

OnTrip = Literal["pause", "abort", "revert"]
ON_TRIP: Final[tuple[OnTrip, ...]] = ("pause", "abort", "revert")

WAVES_MOST: Final = 100
CANARIES_MOST: Final = 10_000
RELEASES_MOST: Final = 32
PRIORITY_MOST: Final = 1000
TRIES_MOST: Final = 10
_WAVE: Final = re.compile(r"(\d{1,8})(%?)")
_WEEK_S: Final = 7 * 86_400
_MOST: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """When a wave has too many failures: by count, or by percent once enough have ended.

    Attributes:
        count: So many failures are too many; None for any number.
        percent: More than this is too many; None for any share.
        sample: So many must have ended, well or not, before the share counts; all of a wave that
            has fewer.
    """

    count: int | None = None
    percent: int | None = 10
    sample: int = 10


@dataclass(frozen=True, slots=True)
class Wave:
    """A part of the devices.

    Attributes:
        percent: Up to which share of all devices this wave goes; None if it is said otherwise.
        count: Up to how many; None if it is said otherwise.
        filter: The devices of it, by what they are; empty if it is said otherwise.
        devices: Named ones: canaries.
        limit: When it has too many failures.
        success_percent: So much of it must have succeeded before the next one begins.
        wait_s: How long the next one waits then.
    """

    percent: int | None = None
    count: int | None = None
    filter: str = ""
    devices: tuple[str, ...] = ()
    limit: Limit = Limit()
    success_percent: int = 80
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The stop rule over the whole campaign: a sequential probability ratio test.

    It trips as soon as the reports speak so much more for `bad_permille` failures than for
    `good_permille` that a good release is stopped in at most `alarm_permille` of all campaigns,
    however often one looks. Source: A. Wald, Sequential Tests of Statistical Hypotheses, 1945.

    Attributes:
        good_permille: Failures that are usual, in 1,000 devices.
        bad_permille: Failures that must be noticed.
        alarm_permille: In how many of 1,000 campaigns with a good release it may stop.
    """

    good_permille: int = 10
    bad_permille: int = 50
    alarm_permille: int = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it goes; late joiners are bound by it like all others.

    Attributes:
        at_once: So many devices may be under way.
        per_minute: So many orders a minute; None for no bound.
        bytes_per_s: What all together may fetch, by their planned bytes; None for no bound.
    """

    at_once: int = 50
    per_minute: int | None = None
    bytes_per_s: int | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """How long things may take, seconds.

    Attributes:
        soak_s: A device has to run the release so long after it was committed.
        silence_s: Not heard of so long after it restarted is a failure, and in its soak.
        timeout_s: So long an update may take, without the time it waits for its user or window.
        answer_s: An order that is not taken up so long goes to another device.
        seen_s: Devices not seen so long get no order until they call; 0 for all.
    """

    soak_s: int = 300
    silence_s: int = 900
    timeout_s: int = 86_400
    answer_s: int = 3600
    seen_s: int = 86_400


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is to do.

    Attributes:
        releases: Paths of documents; a device gets those that are for it: of the systems and of
            each service the first one.
        target: The filter of its devices; empty for all that are accepted.
        is_dynamic: Devices that come to fit the filter later join.
        waves: In order; the last one takes all that are left.
        start_at_s: Not before, seconds since 1970; 0 for at once.
        end_at_s: Nothing is ordered from then on; 0 for never.
        approvals: So many people have to agree before it starts.
        priority: A device waits for campaigns with a higher one.
        tries: So many orders a device gets before it counts as failed.
        on_trip: What happens when there are too many failures.
        within: Groups whose members alone take part, also later: who made it reaches no others.
            None for all devices; it is bound to none.
    """

    releases: tuple[str, ...]
    target: str = ""
    is_dynamic: bool = False
    waves: tuple[Wave, ...] = (Wave(percent=100),)
    evidence: Evidence | None = Evidence()
    pace: Pace = Pace()
    times: Times = Times()
    policy: Policy = Policy()  # noqa: RUF009
    start_at_s: int = 0
    end_at_s: int = 0
    approvals: int = 0
    priority: int = 100
    tries: int = 1
    on_trip: OnTrip = "pause"
    within: tuple[str, ...] | None = None

    def check(self) -> None:
        """Refuse what can not be meant.

        Raises:
            InputError: With the place of the word.
        """
        for mistake in _mistakes(self):
            raise InputError(mistake)


@dataclass(frozen=True, slots=True)
class Share:
    """How far a wave goes, when the plan meets a fleet.

    Attributes:
        upto: So many devices are in this wave and those before it, named ones and those of
            filters apart.
    """

    wave: int
    upto: int


def shares(waves: Sequence[Wave], total: int) -> list[Share]:
    """Return how many devices each wave by percent or count goes up to.

    A share is rounded up, so that 1 % of 20 devices is one device and not none.
    """
    found: list[Share] = []
    upto = 0
    for number, wave in enumerate(waves):
        if wave.percent is not None:
            wanted = -(-total * wave.percent // 100)
        elif wave.count is not None:
            wanted = wave.count
        else:
            continue
        upto = max(upto, min(total, wanted))
        found.append(Share(number, upto))
    return found


def waves(text: str, pattern: Wave) -> tuple[Wave, ...]:
    """Return the waves that a text says: `1%,10%,50%,100%`, `5,50,100%`.

    Args:
        text: Shares or counts, each of all devices up to the end of the wave.
        pattern: What is the same for all.

    Raises:
        InputError: It can not be read.
    """
    found = []
    for number, part in enumerate(text.replace(" ", "").split(","), 1):
        said = _WAVE.fullmatch(part)
        if said is None:
            raise InputError(
                f"waves: part {number}, {part!r}, is neither a percent nor a count",
                hint="1%,10%,50%,100%",
            )
        amount, is_share = int(said[1]), bool(said[2])
        found.append(
            replace(
                pattern,
                percent=amount if is_share else None,
                count=None if is_share else amount,
            )
        )
    return tuple(found)


def _mistakes(plan: Plan) -> list[str]:
    found = []
    if not plan.releases:
        found.append("releases: there is none")
    if len(plan.releases) > RELEASES_MOST:
        found.append(f"releases: {len(plan.releases)} of them; {RELEASES_MOST} can be")
    if not 1 <= len(plan.waves) <= WAVES_MOST:
        found.append(f"waves: {len(plan.waves)} of them; 1 to {WAVES_MOST} can be")
    for number, wave in enumerate(plan.waves):
        found += [f"waves[{number}].{one}" for one in _wave_mistakes(wave)]
    found += _order_mistakes(plan.waves)
    found += _number_mistakes(plan)
    if plan.end_at_s and plan.end_at_s <= plan.start_at_s:
        found.append("end_at_s: before the start")
    if plan.on_trip == "revert" and plan.policy.download_only:
        found.append("on_trip: what is only downloaded can not be reverted")
    return found


def _wave_mistakes(wave: Wave) -> list[str]:
    said = [wave.percent is not None, wave.count is not None, bool(wave.filter), bool(wave.devices)]
    found = [] if sum(said) == 1 else ["size: one of percent, count, filter and devices"]
    bounds: list[tuple[str, int | None, int, int]] = [
        ("percent", wave.percent, 1, 100),
        ("count", wave.count, 1, _MOST),
        ("devices", len(wave.devices), 0, CANARIES_MOST),
        ("success_percent", wave.success_percent, 0, 100),
        ("limit.count", wave.limit.count, 1, _MOST),
        ("limit.percent", wave.limit.percent, 0, 100),
        ("limit.sample", wave.limit.sample, 1, _MOST),
        ("wait_s", wave.wait_s, 0, _WEEK_S * 10),
    ]
    return found + _outside(bounds)


def _order_mistakes(all_of: Sequence[Wave]) -> list[str]:
    percents = [one.percent for one in all_of if one.percent is not None]
    counts = [one.count for one in all_of if one.count is not None]
    found = []
    for said in (percents, counts):
        if any(later <= earlier for earlier, later in itertools.pairwise(said)):
            found.append("waves: each goes up to more devices than the one before")
    if all_of and all_of[-1].percent != 100:
        found.append("waves: the last one is not 100%, so that some devices would be in none")
    return found


def _number_mistakes(plan: Plan) -> list[str]:
    evidence = plan.evidence
    bounds: list[tuple[str, int | None, int, int]] = [
        ("pace.at_once", plan.pace.at_once, 1, 1_000_000),
        ("pace.per_minute", plan.pace.per_minute, 1, 1_000_000),
        ("pace.bytes_per_s", plan.pace.bytes_per_s, 1, 1 << 40),
        ("times.soak_s", plan.times.soak_s, 0, _WEEK_S * 10),
        ("times.silence_s", plan.times.silence_s, 5, _WEEK_S),
        ("times.timeout_s", plan.times.timeout_s, 10, _WEEK_S * 52),
        ("times.answer_s", plan.times.answer_s, 5, _WEEK_S * 52),
        ("times.seen_s", plan.times.seen_s, 0, _WEEK_S * 520),
        ("approvals", plan.approvals, 0, 20),
        ("priority", plan.priority, 0, PRIORITY_MOST),
        ("tries", plan.tries, 1, TRIES_MOST),
    ]
    if evidence is not None:
        bounds += [
            ("evidence.good_permille", evidence.good_permille, 1, 998),
            ("evidence.bad_permille", evidence.bad_permille, evidence.good_permille + 1, 999),
            ("evidence.alarm_permille", evidence.alarm_permille, 1, 500),
        ]
    return _outside(bounds)


def _outside(bounds: Iterable[tuple[str, int | None, int, int]]) -> list[str]:
    return [
        f"{name}: {value} is not {least} to {most}"
        for name, value, least, most in bounds
        if value is not None and not least <= value <= most
    ]


_PLANS: Final = TypeAdapter(Plan)


def pack(plan: Plan) -> bytes:
    """Return a plan as canonical JSON: what is stored, and what approvals are of."""
    return canonical.encode(_PLANS.dump_python(plan, mode="json"))


def unpack(data: bytes) -> Plan:
    """Return the plan that was packed.

    Raises:
        InputError: It is none.
    """
    try:
        return _PLANS.validate_json(data)
    except ValidationError as error:
        raise InputError(f"plan: {error.errors()[0]['msg']}") from error
