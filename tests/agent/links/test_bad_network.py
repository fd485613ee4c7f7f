"""Transfers over a network that fails at any byte end right, and go on where they were."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import AgentError
from edge_agent.link import RepositoryFiles
from edge_agent.links.guarded import Pace
from edge_agent.links.http import HttpLink
from tests.agent.links.test_http import event, order, put_blob
from tests.fakes.bad_network import FAULTS, BadNetwork, Fault, Trouble, bad_network
from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide, serving
from tests.fakes.pki import Pki

UNIT_BYTES = 40_000
# Those that wait are slow.
QUICK_FAULTS = [
    pytest.param(one, marks=[pytest.mark.slow] * (one in ("stall", "delay"))) for one in FAULTS
]
HEAD_BYTES = 6000  # of a connection: the handshake and the head of the answer
QUICK = Pace(least_bytes_per_s=1000, window_s=0.3, total_s=3.0, connect_s=0.5)


@pytest.fixture
def network(server: HttpSide) -> Iterator[BadNetwork]:
    with bad_network(server.server_address[1]) as one:
        yield one


@pytest.fixture
def far(network: BadNetwork, pki: Pki) -> Iterator[HttpLink]:
    """The link over the bad network."""
    url = f"https://127.0.0.1:{network.port}/"
    with closing(HttpLink(url, pki.identity("dev-1"), pace=QUICK)) as link:
        yield link


def fetched(
    files: RepositoryFiles, name: str, length: int, attempts: int = 100
) -> tuple[bytes, list[str]]:
    """Read a file unit by unit, each until it is there; return it and all errors."""
    data, errors = b"", []
    while len(data) < length:
        try:
            data += files.read(name, len(data), min(UNIT_BYTES, length - len(data)))
        except AgentError as error:
            errors.append(error.reason)
            assert len(errors) < attempts, errors[-3:]
    return data, errors


def again(call: Callable[..., object], *words: object) -> object:
    """Call once more after an error, as nothing is wrong with the second connection."""
    try:
        return call(*words)
    except AgentError:
        return call(*words)


@pytest.mark.parametrize("upwards", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("fault", QUICK_FAULTS)
def test_a_file_comes_whole_whatever_happens(
    network: BadNetwork, far: HttpLink, repository: Path, fault: Fault, upwards: bool
) -> None:
    name, data = put_blob(repository, 200_000)
    chance = random.Random(f"{fault}{upwards}")
    most = 3000 if upwards else 60_000
    network.plan = lambda number: (
        Trouble(fault, chance.randrange(most), upwards=upwards) if number < 12 else None
    )

    found, errors = fetched(far.repository(""), name, len(data))

    assert found == data
    assert all(errors)
    # What came is not fetched again, but for what was on the way.
    spare = network.connections * (HEAD_BYTES + (2 * UNIT_BYTES if fault == "spoil" else 20_000))
    assert network.down_bytes < len(data) * 1.1 + spare


def test_progress_is_made_though_no_connection_lives_for_a_unit(
    network: BadNetwork, far: HttpLink, repository: Path
) -> None:
    name, data = put_blob(repository, 3 * UNIT_BYTES)
    network.plan = lambda _number: Trouble("drop", HEAD_BYTES + 20_000)

    found, errors = fetched(far.repository(""), name, len(data))

    assert found == data
    assert 3 < len(errors) < 20


@pytest.mark.parametrize("step", [2000, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("fault", QUICK_FAULTS)
def test_orders_and_events_survive_each_byte_of_the_handshake(
    network: BadNetwork, pki: Pki, fleet: Fleet, fault: Fault, step: int
) -> None:
    fleet.offer("dev-1", order())
    url = f"https://127.0.0.1:{network.port}/"

    for after_bytes in range(0, 6000, step):
        start = network.connections
        network.plan = lambda number, at=after_bytes, first=start: (  # type: ignore[misc]
            Trouble(fault, at) if number == first else None
        )
        with closing(HttpLink(url, pki.identity("dev-1"), pace=QUICK)) as link:
            assert again(link.desired) == order()
            stored = again(link.send_events, [event(after_bytes + 1)])
        assert stored == (event(after_bytes + 1).id,)

    assert len(fleet.events("dev-1")) == 6000 // step


def test_a_restarted_server_is_found_again_in_the_middle(
    fleet: Fleet, repository: Path, pki: Pki
) -> None:
    name, data = put_blob(repository, 400_000)
    with serving(HttpSide(fleet, repository, pki)) as first:
        port = first.server_address[1]
        link = HttpLink(first.url, pki.identity("dev-1"), pace=QUICK)
        files = link.repository("")
        begin = files.read(name, 0, UNIT_BYTES)
    for _attempt in range(5):
        with pytest.raises(AgentError):
            files.read(name, UNIT_BYTES, UNIT_BYTES)

    with closing(link), serving(HttpSide(fleet, repository, pki, port=port)):
        rest = files.read(name, UNIT_BYTES, len(data) - UNIT_BYTES)

    assert begin + rest == data


def test_nothing_new_costs_less_than_a_thousand_bytes(
    network: BadNetwork, far: HttpLink, fleet: Fleet
) -> None:
    fleet.offer("dev-1", order())
    assert far.desired() == order()
    before = network.up_bytes + network.down_bytes

    for _poll in range(10):
        assert far.desired() == order()

    cost_bytes = (network.up_bytes + network.down_bytes - before) / 10
    print(f"\na poll with nothing new: {cost_bytes:.0f} bytes with TLS, {before} for the first")
    assert cost_bytes < 1000
    assert network.connections == 1
