"""The fleet as a plan meets it: who takes part, and of which kind devices are.

A million devices are of a few hundred kinds. Each device is read once, with a text that is the same
for all of a kind; what is told of a kind is then read of one of them.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Text,
    and_,
    case,
    cast,
    false,
    literal,
    select,
)

from edge.console.campaigns import enlisting, offering
from edge.console.campaigns.plan import Plan
from edge.console.devices.states import State
from edge.console.releases import SERVICE, Release
from edge.console.store.tables import DEVICES

EXAMPLES: Final = 5
_ASKED_MOST: Final = 1000
_READ_AT_ONCE: Final = 2000
_TAKES: Final = "1"
_BETWEEN: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Kind:
    """Devices of which a campaign thinks the same.

    Attributes:
        version: Of the system.
        services: As they say them; empty if no release is of a service.
        is_unseen: They were not seen for longer than the plan asks for.
        device: One of them.
    """

    product: str
    version: str
    board: str
    counter: int
    services: str
    is_ddi: bool
    is_accepted: bool
    is_unseen: bool
    device: str = ""


@dataclass(frozen=True, slots=True)
class Out:
    """Devices of a kind that take no part, the first of them by name."""

    kind: Kind
    devices: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """The devices that the filter of a plan means.

    Attributes:
        names: Of those that take part, in order.
        kind_of: The number of the kind of each of them.
        kinds: By number.
        out: Those that take no part.
    """

    names: Sequence[str]
    kind_of: "array[int]"
    kinds: Sequence[Kind]
    out: Sequence[Out]

    @property
    def places(self) -> range:
        """Of all that take part."""
        return range(len(self.names))

    def counts(self, places: Iterable[int]) -> dict[Kind, int]:
        """Return how many of some devices are of which kind."""
        found = Counter(self.kind_of[place] for place in places)
        return {self.kinds[number]: count for number, count in found.items()}


@dataclass(slots=True)
class _Reading:
    """What is known while devices are read."""

    names: list[str] = field(default_factory=list)
    kind_of: "array[int]" = field(default_factory=lambda: array("I"))
    numbers: dict[str, int] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    out: dict[int, int] = field(default_factory=dict)
    examples: dict[int, list[str]] = field(default_factory=dict)

    def read(self, rows: Iterator[tuple[str, str]]) -> None:
        """Take devices in, in order, each with the text of its kind."""
        for device, key in rows:
            number = self.numbers.get(key)
            if number is None:
                number = self.numbers[key] = len(self.numbers)
                self.first.append(device)
            if key[0] == _TAKES:
                self.names.append(device)
                self.kind_of.append(number)
            else:
                self._leave_out(number, device)

    def _leave_out(self, number: int, device: str) -> None:
        self.out[number] = self.out.get(number, 0) + 1
        examples = self.examples.setdefault(number, [])
        if len(examples) < EXAMPLES:
            examples.append(device)


def survey(
    connection: Connection, tenant: str, plan: Plan, known: Sequence[Release], now_s: int
) -> Survey:
    """Return the devices that the filter of a plan means; see `enlisting.taking`."""
    takes = and_(*enlisting.taking(connection, tenant, plan, known, now_s))
    facts = _facts(plan, known, now_s)
    where = enlisting.meant(connection, tenant, plan, now_s)[1:]
    asked = (
        select(DEVICES.c.device, _key(takes, facts.values()))
        .select_from(enlisting.WITH_SIGHTINGS)
        .where(DEVICES.c.tenant == tenant, *where)
        .order_by(DEVICES.c.device)
    )
    reading = _Reading()
    rows = connection.execute(asked.execution_options(yield_per=_READ_AT_ONCE)).tuples()
    reading.read(iter(rows))
    kinds = _kinds(connection, tenant, reading.first, facts)
    out = [
        Out(kinds[number], count, tuple(reading.examples[number]))
        for number, count in reading.out.items()
    ]
    return Survey(reading.names, reading.kind_of, kinds, out)


def _facts(plan: Plan, known: Iterable[Release], now_s: int) -> dict[str, ColumnElement[Any]]:
    """Return what makes a kind, by the names that it has in `Kind`, as parts of a query."""
    is_of_services = any(one.kind == SERVICE for one in known)
    seen_s = plan.times.seen_s
    return {
        **{name: DEVICES.c[name] for name in ("product", "version", "board", "counter")},
        "services": DEVICES.c.services if is_of_services else literal(""),
        "is_ddi": enlisting.SPEAKS_DDI,
        "is_accepted": DEVICES.c.state == State.ACCEPTED,
        "is_unseen": offering.seen_at_s() < now_s - seen_s if seen_s else false(),
    }


def _key(takes: ColumnElement[bool], facts: Iterable[ColumnElement[Any]]) -> ColumnElement[str]:
    """Return a text that is the same for all devices of a kind; it begins with who takes part."""
    said: ColumnElement[Any] = case((takes, _TAKES), else_="0")
    for fact in facts:
        match fact.type:
            case Boolean():
                said = said + case((fact, "1"), else_="0")
            case Text():
                said = said + literal(_BETWEEN) + fact
            case _:
                said = said + literal(_BETWEEN) + cast(fact, Text)
    return said


def _kinds(
    connection: Connection,
    tenant: str,
    devices: Sequence[str],
    facts: Mapping[str, ColumnElement[Any]],
) -> list[Kind]:
    """Return the kind of each of some devices."""
    found: dict[str, Kind] = {}
    columns = [fact.label(name) for name, fact in facts.items()]
    for begin in range(0, len(devices), _ASKED_MOST):
        some = devices[begin : begin + _ASKED_MOST]
        asked = (
            select(DEVICES.c.device, *columns)
            .select_from(enlisting.WITH_SIGHTINGS)
            .where(DEVICES.c.tenant == tenant, DEVICES.c.device.in_(some))
        )
        for row in connection.execute(asked):
            found[row.device] = Kind(**row._mapping)
    return [found[one] for one in devices]
