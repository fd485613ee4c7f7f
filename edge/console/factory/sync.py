"""Tell a console what stations have made: the side of the line, whose connection may be away.

The console is asked which records it has not, by their hashes, and is sent those; so nothing has to
be remembered here, a sync that was cut off goes on where it was, and a console that was restored
from an older copy is told again what it has forgotten.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from edge.console.client import Client
from edge.console.factory.outcome import Outcome
from edge.errors import ServerError
from edge.factory.made import Made
from edge_signing import canonical

ASKED_MOST: Final = 1000
SENT_MOST: Final = 100
# The console takes 1 MiB.
_SENT_MOST_BYTES: Final = 768 << 10
_PROBLEMS_MOST: Final = 1000
# In the order in which they are shown.
SHOWN: Final = (Outcome.NEW, Outcome.NEWER, Outcome.CONFLICT, Outcome.REFUSED)
_BAD: Final = (Outcome.CONFLICT, Outcome.REFUSED)


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that was not taken as it is.

    Attributes:
        number: Of the entry in the station's ledger.
    """

    device: str
    number: int
    outcome: Outcome
    problem: str


@dataclass(slots=True)
class Told:
    """What a station told.

    Attributes:
        records: How many it has.
        here: How many the console had already.
        outcomes: What became of those that were sent.
        problems: Those that were not taken, the first thousand.
    """

    station: str
    records: int = 0
    here: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many were sent."""
        return self.outcomes.total()

    @property
    def bad(self) -> int:
        """How many were not taken."""
        return sum(self.outcomes[one] for one in _BAD)

    def to_json(self) -> dict[str, object]:
        """Return it as what JSON can say."""
        return {
            "station": self.station,
            "records": self.records,
            "here": self.here,
            "sent": self.sent,
            "outcomes": {str(one): count for one, count in sorted(self.outcomes.items())},
            "problems": [
                {
                    "device": one.device,
                    "number": one.number,
                    "outcome": str(one.outcome),
                    "problem": one.problem,
                }
                for one in self.problems
            ],
        }


def tell(
    client: Client,
    line: str,
    station: str,
    records: Iterable[Made],
    *,
    is_trial: bool = False,
    on_records: Callable[[int], None] = lambda _records: None,
) -> Told:
    """Tell a console what it does not know of a station; return what became of it.

    Args:
        client: To the console.
        line: Name of the line.
        station: Name of the station.
        records: All of its ledger, in order.
        is_trial: Ask only what would be sent.
        on_records: Told how many more are known there.

    Raises:
        EdgeError: The console says no, or can not be reached. What it took it has.
    """
    told = Told(station)
    given = iter(records)
    while some := list(islice(given, ASKED_MOST)):
        lacking = _lacking(client, line, station, some)
        told.records += len(some)
        told.here += len(some) - len(lacking)
        if is_trial:
            told.outcomes[Outcome.NEW] += len(lacking)
        else:
            for part in _parts(lacking):
                _send(client, part, told)
                on_records(len(part))
        on_records(len(some) - len(lacking))
    return told


def _lacking(client: Client, line: str, station: str, some: list[Made]) -> list[Made]:
    contents = [one.content() for one in some]
    asked = {"line": line, "station": station, "contents": contents}
    found = set(client.send("POST", "/factory/lacking", asked)["contents"])
    return [one for one, content in zip(some, contents, strict=True) if content in found]


def _send(client: Client, part: list[dict[str, Any]], told: Told) -> None:
    answer = client.send("POST", "/factory/records", {"records": part})["outcomes"]
    if len(answer) != len(part):
        raise ServerError(f"{client.url}: {len(answer)} outcomes of {len(part)} records")
    for said, one in zip(part, answer, strict=True):
        outcome = Outcome(one["outcome"])
        told.outcomes[outcome] += 1
        if outcome in _BAD and len(told.problems) < _PROBLEMS_MOST:
            place = (str(said["device"]), int(said["number"]))
            told.problems.append(Problem(*place, outcome, str(one["problem"])))


def _parts(lacking: Iterable[Made]) -> Iterator[list[dict[str, Any]]]:
    """Yield records in parts that the console takes at once."""
    part: list[dict[str, Any]] = []
    length = 0
    for one in lacking:
        said = one.to_json()
        # As the client sends it: what is not ASCII takes six bytes.
        more = len(canonical.encode(said)) * 2
        if part and (len(part) == SENT_MOST or length + more > _SENT_MOST_BYTES):
            yield part
            part, length = [], 0
        part.append(said)
        length += more
    if part:
        yield part
