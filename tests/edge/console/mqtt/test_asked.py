"""What is asked once goes through a real Mosquitto, to devices with the agent's own links."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from edge_agent.reach.policy import Policy
from edge_signing import topics
from edge_signing.commands import Command, Reply, unpack_content
from tests.agent.links.conftest import eventually
from tests.agent.reach.bench import FakeWork, command
from tests.edge.console.mqtt.conftest import Make, Raw
from tests.fakes import asked_device
from tests.fakes.console_side import ConsoleSide
from tests.fakes.memory_desk import TENANT

pytestmark = pytest.mark.tools


def ask(console: ConsoleSide, device: str, *asked: Command) -> None:
    """Ask a device, as the office does."""

    async def tell() -> None:
        console.desk.questions[device] = [*asked]
        console.link.ask(TENANT, device)

    console.call(tell)


def ends(console: ConsoleSide) -> list[tuple[str, str, str]]:
    return [(device, one.command, one.state) for device, one in console.desk.replies if one.is_last]


def test_a_device_answers_at_once(agent: Make, console: ConsoleSide, tmp_path: Path) -> None:
    work = FakeWork(said=Random(1).randbytes(500_000))
    with asked_device.running(tmp_path / "device", agent(), None, work):
        ask(console, "dev-1", command("a"), command("b", "restart"))

        assert eventually(lambda: len(ends(console)) == 2)

    said = b"".join(one.content for _device, one in console.desk.replies if one.command == "a")
    assert ends(console) == [("dev-1", "a", "done"), ("dev-1", "b", "done")]
    assert unpack_content(said) == work.said


def test_it_is_for_its_device_alone(
    agent: Make, console: ConsoleSide, raw: Callable[[str], Raw], tmp_path: Path
) -> None:
    other = raw("dev-2")
    with asked_device.running(tmp_path / "device", agent(), None, FakeWork()):
        ask(console, "dev-1", command("a"))
        assert eventually(lambda: ends(console) != [])

    assert other.heard == []


def test_a_console_that_comes_back_asks_again_and_nothing_is_done_twice(
    agent: Make, console: ConsoleSide, tmp_path: Path
) -> None:
    work = FakeWork()
    with asked_device.running(tmp_path / "device", agent(), None, work):
        ask(console, "dev-1", command("a", "restart"))
        assert eventually(lambda: len(ends(console)) == 1)

        console.unlink()
        console.relink()
        assert eventually(lambda: len(ends(console)) >= 2)

    assert work.done == ["restart web"]
    assert set(ends(console)) == {("dev-1", "a", "done")}


def test_a_birth_is_answered_with_what_is_open(
    console: ConsoleSide, raw: Callable[[str], Raw]
) -> None:
    console.desk.questions["dev-1"] = [command("a")]

    device = raw("dev-1")

    assert eventually(lambda: device.said(topics.command("dev-1")) == [command("a").pack()])


def test_what_came_before_somebody_listens_is_not_lost(
    agent: Make, console: ConsoleSide, tmp_path: Path
) -> None:
    console.desk.questions["dev-1"] = [command("a")]
    link = agent()
    assert eventually(lambda: len(link._early) == 1)

    with asked_device.running(tmp_path / "device", link, None, FakeWork()):
        assert eventually(lambda: ends(console) == [("dev-1", "a", "done")])


def test_what_the_settings_do_not_allow_is_refused(
    agent: Make, console: ConsoleSide, tmp_path: Path
) -> None:
    work, policy = FakeWork(), Policy(frozenset({"inventory"}))
    with asked_device.running(tmp_path / "device", agent(), None, work, policy=policy):
        ask(console, "dev-1", command("a"), command("b", "reboot"))
        assert eventually(lambda: len(ends(console)) == 2)

    assert [state for _device, _command, state in ends(console)] == ["refused", "refused"]
    assert work.done == []


def test_an_agent_that_can_not_read_a_command_goes_on(
    agent: Make, console: ConsoleSide, tmp_path: Path
) -> None:
    with asked_device.running(tmp_path / "device", agent(), None, FakeWork()):

        async def lie() -> None:
            client = console.link._client
            assert client is not None
            for payload in (b"", b"{}", b"x" * 70_000, command("a").pack() + b" "):
                client.publish(topics.command("dev-1"), payload)

        console.call(lie)
        ask(console, "dev-1", command("a"))

        assert eventually(lambda: ends(console) == [("dev-1", "a", "done")])


def test_lies_of_devices_are_dropped(console: ConsoleSide, raw: Callable[[str], Raw]) -> None:
    console.desk.questions["dev-1"] = [command("a")]
    liar, device = raw("dev-2"), raw("dev-1")

    for payload in (b"{}", b"x" * 200_000, Reply("a", "done", "not mine").pack()):
        liar.session.publish(topics.reply("dev-2"), payload)
    liar.session.publish(topics.reply("dev-1"), Reply("a", "done", "not mine").pack())
    device.session.publish(topics.reply("dev-1"), Reply("a", "failed").pack())

    assert eventually(lambda: ends(console) == [("dev-1", "a", "failed")])


def test_a_device_that_is_shut_out_is_asked_nothing(
    console: ConsoleSide, raw: Callable[[str], Raw]
) -> None:
    device = raw("dev-1")
    console.desk.known.discard("dev-1")

    ask(console, "dev-1", command("a"))
    device.session.publish(topics.reply("dev-1"), Reply("a", "done").pack())
    ask(console, "dev-2", command("b"))
    other = raw("dev-2")

    assert eventually(lambda: other.said(topics.command("dev-2")) != [])
    assert device.said(topics.command("dev-1")) == []
    assert console.desk.replies == []
