"""What is asked is done once, in time, as the settings allow, and never in the way."""

import threading
from pathlib import Path
from random import Random

import pytest

from edge_agent.errors import AgentError
from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.reach.notes import FILE
from edge_agent.reach.policy import Policy
from edge_agent.request import RefusedError
from edge_agent.store import files_in
from edge_signing.commands import PART_MOST_BYTES, Reply
from tests.agent.reach.bench import ALL, Bench, PowerCutError, command


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.start()
    return made


def test_logs_and_an_inventory_are_told(bench: Bench) -> None:
    assert bench.ask(command("a"), command("b", "inventory")) == [("a", "done"), ("b", "done")]
    assert bench.work.done == ["logs web 10", "inventory"]


def test_a_long_answer_goes_in_parts(bench: Bench) -> None:
    bench.work.said = Random(1).randbytes(700_000)

    assert bench.ask(command("a")) == [("a", "done")]

    assert bench.content() == bench.work.said
    assert all(len(one.content) <= PART_MOST_BYTES for one in bench.channel.heard)


def test_an_answer_that_is_too_long_is_a_failure_that_is_told(bench: Bench) -> None:
    bench.work.said = bytes(2 << 20)

    assert bench.ask(command("a")) == [("a", "failed")]


@pytest.mark.parametrize("word", ["logs", "inventory", "restart"])
def test_a_command_that_comes_twice_is_done_once_and_answered_twice(
    bench: Bench, word: str
) -> None:
    asked = command("a", word)  # type: ignore[arg-type]

    bench.ask(asked)
    assert bench.ask(asked, asked) == [("a", "done")] * 2
    assert len(bench.work.done) == 1


def test_commands_that_come_in_another_order_are_all_done(bench: Bench) -> None:
    late, early = command("b", "restart"), command("a", "restart")

    assert bench.ask(late, early) == [("b", "done"), ("a", "done")]


def test_a_restart_that_was_done_is_not_done_again_by_another_agent(bench: Bench) -> None:
    bench.ask(command("a", "restart"))

    bench.start_agent()

    assert bench.ask(command("a", "restart")) == [("a", "done")] * 2
    assert bench.work.done == ["restart web"]


@pytest.mark.parametrize("is_new_start", [False, True])
def test_a_power_cut_in_an_act_lets_nothing_be_done_twice(bench: Bench, is_new_start: bool) -> None:
    bench.work.fails = PowerCutError()
    with pytest.raises(PowerCutError):
        bench.ask(command("a", "restart"))
    bench.work.fails = None

    _executor = bench.start() if is_new_start else bench.start_agent()

    assert bench.ends() == [("a", "failed")]
    assert "may have been" in bench.channel.heard[0].reason
    assert bench.ask(command("a", "restart")) == [("a", "failed")] * 2
    assert bench.work.done == ["restart web"]


def test_a_restart_of_the_system_is_told_by_the_next_start_and_not_done_again(
    bench: Bench,
) -> None:
    assert bench.ask(command("a", "reboot"), command("a", "reboot")) == []
    assert bench.work.done == ["reboot"]

    bench.start()

    assert bench.ends() == [("a", "done")]
    assert bench.ask(command("a", "reboot")) == [("a", "done")] * 2
    assert bench.work.done == ["reboot"]


def test_a_restart_of_the_system_that_did_not_come_is_told(bench: Bench) -> None:
    bench.ask(command("a", "reboot"))

    bench.start_agent()

    assert bench.ends() == [("a", "failed")]


def test_a_reboot_that_is_refused_is_told_and_not_done_later(bench: Bench) -> None:
    bench.work.fails = RefusedError("reboot: an update is under way, or on trial")

    assert bench.ask(command("a", "reboot")) == [("a", "refused")]
    bench.start()

    assert bench.ends() == [("a", "refused")]


@pytest.mark.parametrize("word", ["restart", "reboot"])
def test_an_act_that_can_not_be_noted_is_not_done(bench: Bench, word: str) -> None:
    bench.files.is_full = True

    assert bench.ask(command("a", word)) == [("a", "failed")]  # type: ignore[arg-type]
    assert bench.work.done == []


def test_damaged_notes_are_none(bench: Bench) -> None:
    bench.files.files[FILE] = b"{"

    bench.start()

    assert bench.ask(command("a", "restart")) == [("a", "done")]


def test_a_note_that_is_on_the_disk_is_read_again(tmp_path: Path) -> None:
    bench = Bench()
    bench.files = files_in(tmp_path)  # type: ignore[assignment]
    bench.start()

    bench.ask(command("a", "restart"))
    bench.start()
    bench.ask(command("a", "restart"))

    assert bench.work.done == ["restart web"]


@pytest.mark.parametrize("late", ["by the clock", "while it waited", "of the past"])
def test_what_has_expired_is_not_done(bench: Bench, late: str) -> None:
    asked = command("a", "restart", in_s=0 if late == "of the past" else 60)
    if late == "by the clock":
        bench.clock.wrong_s = 61
    bench.executor.take(asked)
    if late == "while it waited":
        bench.clock.wrong_s = -3600  # a clock that is slow is no reason
        bench.clock.at_s += 60

    assert bench.ask() == [("a", "expired")]
    assert bench.work.done == []


@pytest.mark.parametrize("word", ["logs", "inventory", "restart", "reboot"])
def test_a_word_that_is_turned_off_is_refused(word: str) -> None:
    bench = Bench()
    bench.start(Policy(ALL.words - {word}))

    assert bench.ask(command("a", word)) == [("a", "refused")]  # type: ignore[arg-type]
    assert bench.work.done == []


def test_no_system_is_restarted_unless_its_settings_say_so() -> None:
    bench = Bench()
    bench.start(Policy())

    assert bench.ask(command("a", "reboot")) == [("a", "refused")]


def test_a_service_that_is_not_listed_is_not_restarted() -> None:
    bench = Bench()
    bench.start(Policy(restartable=frozenset({"worker"})))

    assert bench.ask(command("a", "restart")) == [("a", "refused")]


def test_logs_that_stay_on_the_device_are_refused() -> None:
    bench = Bench()
    bench.start(Policy(without_logs=frozenset({"web"})))

    assert bench.ask(command("a")) == [("a", "refused")]
    assert bench.work.done == []


def test_what_goes_wrong_is_told_with_its_reason(bench: Bench) -> None:
    bench.work.fails = AgentError("web is not ready again")

    assert bench.ask(command("a", "restart")) == [("a", "failed")]
    assert bench.channel.heard[0].reason == "web is not ready again"


def test_a_flood_is_slowed_down_and_what_has_no_room_is_dropped(bench: Bench) -> None:
    ends = bench.ask(*(command(f"c-{number}") for number in range(200)))

    assert len(ends) == len(bench.work.done) == 16
    assert bench.clock.at_s == pytest.approx(6 * 6.0, abs=1)


def test_a_flood_of_one_command_is_slowed_down_too(bench: Bench) -> None:
    asked = command("a")
    for _round in range(30):
        bench.ask(asked)

    assert bench.work.done == ["logs web 10"]
    assert bench.clock.at_s >= 19 * 6.0


def test_a_lost_link_is_waited_for_and_no_part_is_told_twice(bench: Bench) -> None:
    bench.work.said = Random(1).randbytes(700_000)
    bench.channel.breaks = [LinkError("lost")] * 3

    bench.ask(command("a"))

    assert bench.content() == bench.work.said
    assert bench.clock.at_s > 0


def test_an_answer_that_nobody_hears_is_given_up(bench: Bench) -> None:
    bench.channel.breaks = [LinkError("lost")] * 1000

    assert bench.ask(command("a", in_s=600)) == []
    assert 300 < bench.clock.at_s <= 900
    bench.channel.breaks = []
    assert bench.ask(command("b")) == [("b", "done")]


def test_an_answer_that_the_server_does_not_want_is_not_told_again(bench: Bench) -> None:
    bench.channel.breaks = [RefusedByServerError("404", status=404)]

    assert bench.ask(command("a")) == []
    assert bench.clock.at_s == 0


def test_commands_are_looked_for_when_the_server_says_that_there_are_some(bench: Bench) -> None:
    bench.channel.open = [command("a"), command("b", "inventory")]

    bench.executor.look()

    assert bench.ask() == [("a", "done"), ("b", "done")]


@pytest.mark.parametrize("error", [LinkError("lost"), RefusedByServerError("no", status=403)])
def test_a_server_that_does_not_tell_them_costs_nothing(bench: Bench, error: Exception) -> None:
    bench.channel.breaks = [error]

    bench.executor.look()

    assert bench.ask() == []


def test_it_works_in_a_thread_and_ends() -> None:
    bench, heard = Bench(), threading.Event()
    bench.start()
    executor = bench.executor
    send = bench.channel.send_reply

    def hear(reply: Reply) -> None:
        send(reply)
        heard.set()

    bench.channel.send_reply = hear  # type: ignore[method-assign]
    bench.work.fails = ValueError("a fault of ours")
    executor.start()

    executor.take(command("a"))
    executor.take(command("b", "restart"))
    while bench.work.done != ["logs web 10", "restart web"]:
        heard.wait(0.01)
    bench.work.fails = None
    executor.take(command("c"))
    assert heard.wait(10)
    executor.close()

    assert bench.ends() == [("c", "done")]
    assert bench.channel.is_closed
