"""When a system is healthy: ready, stable, agreed by its own commands, in time."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.health import DeviceProbe, Facts, Terms, Verdict, Watch
from tests.fakes.own_programs import answer, put_program

TERMS = Terms(stable_s=10, timeout_s=60)


def watched(looks: Sequence[Facts], terms: Terms = TERMS) -> tuple[Verdict, str]:
    watch = Watch(0)
    for facts in looks:
        watch = watch.seen(facts)
    return watch.verdict(looks[-1], terms)


READY_AT_5 = Facts(5, True, 1)


@pytest.mark.parametrize(
    ("looks", "verdict", "missing"),
    [
        pytest.param([Facts(0, False, 0)], "pending", "not all services are ready", id="begin"),
        pytest.param([READY_AT_5], "pending", "not stable yet", id="just ready"),
        pytest.param([READY_AT_5, Facts(14, True, 1)], "pending", "not stable yet", id="soon"),
        pytest.param([READY_AT_5, Facts(15, True, 1)], "healthy", "", id="stable"),
        pytest.param(
            [READY_AT_5, Facts(14, True, 2), Facts(16, True, 2)],
            "pending",
            "a service ended again",
            id="one ended",
        ),
        pytest.param(
            [READY_AT_5, Facts(14, True, 2), Facts(24, True, 2)], "healthy", "", id="stable again"
        ),
        pytest.param(
            [Facts(60, False, 0)],
            "unhealthy",
            "not healthy after 60 s: not all services are ready",
            id="never ready",
        ),
        pytest.param(
            [Facts(at, True, at) for at in range(0, 61, 5)],
            "unhealthy",
            "not healthy after 60 s: a service ended again",
            id="never stable",
        ),
    ],
)
def test_the_verdict(looks: Sequence[Facts], verdict: str, missing: str) -> None:
    assert watched(looks) == (verdict, missing)


def test_where_it_is_asked_for_the_server_has_to_be_reached() -> None:
    terms = Terms(10, 60, needs_console=True)
    stable = Facts(15, True, 1)

    assert watched([READY_AT_5, stable], terms) == ("pending", "the server was not reached")
    assert watched([READY_AT_5, Facts(15, True, 1, True)], terms) == ("healthy", "")
    assert watched([READY_AT_5, Facts(60, True, 1)], terms)[0] == "unhealthy"


def probe(folder: Path) -> DeviceProbe:
    for name in ("restarts", "health.d"):
        (folder / name).mkdir()
    places = (folder / "ready", folder / "restarts", folder / "health.d")
    return DeviceProbe(lambda: 0.0, *places)


def test_readiness_and_restarts_are_those_that_init_tells(tmp_path: Path) -> None:
    found = probe(tmp_path)
    assert not found.is_ready()
    (tmp_path / "ready").touch()
    (tmp_path / "restarts" / "log").write_text("2\n")
    (tmp_path / "restarts" / "sshd").write_text("3\n")
    (tmp_path / "restarts" / "torn").write_text("")

    assert (found.is_ready(), found.restarts()) == (True, 5)


def test_a_device_without_such_folders_has_nothing_to_say(tmp_path: Path) -> None:
    found = DeviceProbe(lambda: 0.0, tmp_path / "x", tmp_path / "y", tmp_path / "z")

    assert (found.restarts(), found.complaint()) == (0, "")


def test_the_programs_of_the_image_are_asked_in_their_order(tmp_path: Path) -> None:
    found = probe(tmp_path)
    for name, text in (("20-late", "exit 9"), ("10-own", "echo no uplink; exit 3")):
        put_program(tmp_path / "health.d" / name, text)
    (tmp_path / "health.d" / "README").write_text("no program")

    assert answer(found.complaint) == "10-own: status 3: no uplink"
    assert answer(found.complaint) == "10-own: status 3: no uplink"


def test_programs_that_are_asked_do_not_hold_the_agent_and_can_be_withdrawn(tmp_path: Path) -> None:
    found = probe(tmp_path)
    program = put_program(tmp_path / "health.d" / "10-own", "exec sleep 60")
    assert found.complaint() is None

    found.withdraw()

    program.write_text("#!/bin/sh\necho asked anew; exit 1\n")
    assert answer(found.complaint) == "10-own: status 1: asked anew"
