"""The golden samples: boards that are known, by which the tests of a station are tested."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edge.errors import EdgeError
from edge.factory.attempt import Patience
from edge.factory.entry import Kind, Said
from edge.factory.ledger import Ledger
from edge.factory.line import Golden
from edge.factory.records import Index
from edge.factory.steps.step import Job, Step


@dataclass(frozen=True, slots=True)
class Result:
    """How a sample did.

    Attributes:
        expected: Whether it has to pass.
        passed: Whether it did.
        reason: Why not.
    """

    expected: bool
    passed: bool
    reason: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether the station can be relied on."""
        return self.expected == self.passed


def missing(golden: Golden | None, index: Index, now_ms: int) -> tuple[str, ...]:
    """Return the samples that have to be tested before anything is made."""
    if golden is None:
        return ()
    since_ms = now_ms - golden.every_h * 3_600_000
    return tuple(
        one for one in (*golden.good, *golden.bad) if index.golden_ms.get(one, -1) < since_ms
    )


def tested(
    steps: Mapping[str, Step],
    timeouts_s: Mapping[str, float],
    job: Job,
    patience: Patience,
    *,
    expected: bool,
) -> Result:
    """Run the tests of the line on a sample; nothing is written to it, and it gets no id.

    Args:
        steps: The steps that test, by name, in their order.
        timeouts_s: How long each may take.
        job: Of the sample.
        patience: How long is waited.
        expected: Whether it has to pass.
    """
    for name, step in steps.items():
        try:
            patience.perform(name, step, replace(job, timeout_s=timeouts_s[name]))
        except EdgeError as error:
            return Result(expected, passed=False, reason=f"{name}: {error}".splitlines()[0][:500])
    return Result(expected, passed=True)


def record(ledger: Ledger, job: Job, result: Result) -> None:
    """Write down how a sample did."""
    details = {
        "board_serial": job.seen.serial,
        "expected": "pass" if result.expected else "fail",
        "as_expected": result.as_expected,
        "reason": result.reason,
    }
    said = Said(Kind.GOLDEN, job.unit, "", job.port, job.operator, details)
    ledger.append(said)
