"""The power of a station fails at each write of its ledger: no record is lost, double or false."""

import random

import pytest

from edge.errors import UntrustedError
from edge.factory.audit import Audit
from edge.factory.entry import Kind, parse
from edge.factory.records import made_of
from edge.factory.simulated import Fault, SimulatedBoard
from tests.fakes.factory_line import Yard
from tests.fakes.ledger_disk import LedgerDisk, PowerCutError

BOARDS = (
    SimulatedBoard("A"),
    SimulatedBoard("B", (Fault("flash"),), plugs=1),
    SimulatedBoard("C", (Fault("label", "pulled"),), plugs=1),
)


def writes_of_a_shift() -> int:
    yard = Yard(ports=("1", "2"))
    yard.run(BOARDS)
    return yard.disk.writes


@pytest.mark.parametrize("seed", [1])
def test_the_station_goes_on_where_the_power_failed(seed: int) -> None:
    total = writes_of_a_shift()
    cuts = list(range(total))
    assert total > 30
    for cut in cuts:
        yard = Yard(ports=("1", "2"), disk=LedgerDisk(cut, random.Random(1000 * seed + cut)))
        given: dict[str, str] = {}
        try:
            yard.run(BOARDS)
        except PowerCutError:
            for line in yard.disk.ledger.splitlines(keepends=True):
                given.update(_start_of(line))
        yard.disk = yard.disk.again()

        yard.run(BOARDS)

        entries = yard.entries()
        made = {one.device: one.board_serial for one in made_of(entries)}
        assert sorted(made.values()) == ["A", "B", "C"], cut
        audit = Audit(yard.line, [yard.range])
        for entry in entries:
            audit.take(entry)
        assert audit.findings == [], cut
        starts = [one for one in entries if one.said.kind is Kind.START]
        ids = {one.said.details["board_serial"]: one.said.device for one in starts}
        assert len(set(ids.values())) == 3
        assert given.items() <= {device: serial for serial, device in ids.items()}.items()


def _start_of(line: bytes) -> dict[str, str]:
    """Return the id that a whole line has given, and the board that got it."""
    try:
        found = parse(line.removesuffix(b"\n"))
    except UntrustedError:
        return {}
    if found.said.kind is not Kind.START or not line.endswith(b"\n"):
        return {}
    return {found.said.device: found.said.details["board_serial"]}
