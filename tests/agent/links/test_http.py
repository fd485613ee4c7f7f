"""The link by HTTP against a real server with mutual TLS."""

import hashlib
import random
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.links.http import HttpLink
from edge_signing import canonical
from edge_signing.messages import Desired, EventId, ReportEvent, Status
from tests.agent.links.conftest import PACE
from tests.fakes.fleet import Fleet
from tests.fakes.http_side import HttpSide
from tests.fakes.pki import Pki

DIRECTOR = canonical.encode({"signed": {"version": 1}})


def order(seq: int = 1, repository: str = "") -> Desired:
    return Desired(seq, f"act-{seq}", "gateway/1.1/release.json", DIRECTOR, repository=repository)


def event(n: int = 1) -> ReportEvent:
    return ReportEvent(EventId("boot-1", n), 1_793_491_200, "started")


def put_blob(repository: Path, length: int = 300_000, seed: int = 1) -> tuple[str, bytes]:
    data = random.Random(seed).randbytes(length)
    name = f"blobs/{hashlib.sha256(data).hexdigest()}"
    (repository / name).write_bytes(data)
    return name, data


def test_the_newest_order_is_seen(link: HttpLink, fleet: Fleet) -> None:
    assert link.desired() is None

    fleet.offer("dev-1", order(1))
    assert link.desired() == order(1)
    assert link.desired() == order(1)
    fleet.offer("dev-1", order(2))
    assert link.desired() == order(2)
    fleet.offer("dev-1", None)
    assert link.desired() is None


def test_events_and_state_reach_the_server_and_repeats_are_dropped(
    link: HttpLink, fleet: Fleet
) -> None:
    link.send_state(Status("boot-1", phase="installing", done_bytes=1, planned_bytes=2))

    assert link.send_events([event(1), event(2)]) == (event(1).id, event(2).id)
    assert link.send_events([event(2), event(3)]) == (event(2).id, event(3).id)
    assert fleet.events("dev-1") == [event(1), event(2), event(3)]
    assert fleet.repeats == 1
    state = fleet.state("dev-1")
    assert state is not None
    assert state.percent == 50


def test_parts_of_a_blob_are_read_in_any_order(link: HttpLink, repository: Path) -> None:
    name, data = put_blob(repository)
    files = link.repository("")

    for offset, length in [(0, 1000), (1000, 1000), (2000, 5), (250_000, 50_000), (7, 100), (0, 1)]:
        assert files.read(name, offset, length) == data[offset : offset + length]
    assert files.read(name, 299_000, 5000) == data[299_000:]
    assert files.read(name, 300_000, 1) == b""
    assert files.read(name, 0, 0) == b""
    assert b"".join(files.pieces(name)) == data


def test_who_reads_on_asks_seldom(link: HttpLink, repository: Path, server: HttpSide) -> None:
    name, data = put_blob(repository, 4 << 20)
    files = link.repository("")

    read = b"".join(files.read(name, at, 64 << 10) for at in range(0, len(data), 64 << 10))

    assert read == data
    assert len(server.asked) <= 7


def test_a_file_that_is_not_there_is_final(link: HttpLink) -> None:
    with pytest.raises(RefusedByServerError) as caught:
        link.repository("").read("blobs/" + "0" * 64, 0, 1)

    assert caught.value.status == 404


def test_a_busy_server_says_how_long_to_wait(link: HttpLink, server: HttpSide) -> None:
    server.fail_next = 1

    with pytest.raises(LinkError) as caught:
        link.desired()
    assert caught.value.wait_s == 7
    assert link.desired() is None


def test_a_device_can_not_ask_for_another(server: HttpSide, pki: Pki) -> None:
    theirs = replace(pki.identity("dev-1"), device="dev-2")

    foreign = HttpLink(server.url, theirs, pace=PACE)
    with closing(foreign), pytest.raises(RefusedByServerError):
        foreign.desired()


def test_a_token_stands_for_a_certificate(server: HttpSide, pki: Pki, fleet: Fleet) -> None:
    fleet.offer("dev-2", order())

    with closing(HttpLink(server.url, pki.identity("dev-2"), token="secret", pace=PACE)) as link:
        assert link.desired() == order()


def test_a_wake_ends_one_wait_even_if_it_came_before(link: HttpLink) -> None:
    threading.Timer(0.1, link.wake).start()

    assert not link.wait(60)

    link.wake()
    assert not link.wait(60)
    begin_s = time.monotonic()
    link.wait(0.2)
    assert time.monotonic() - begin_s >= 0.2
