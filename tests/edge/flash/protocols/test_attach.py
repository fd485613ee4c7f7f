"""Coming to the prompt, from wherever the board is; and what is said when there is none."""

import pytest

from edge.errors import LinkError
from edge.flash.events import Event, Note
from edge.flash.protocols import attach
from edge.flash.protocols.attach import Attaching
from edge.flash.protocols.console import Console
from edge.flash.protocols.steps import Line
from edge.flash.transports import driver
from tests.fakes.scripted_board import Faults, ScriptedBoard

HOW = Attaching(wait_s=30)


def board(*, at_prompt: bool = False, **settings: object) -> ScriptedBoard:
    made = ScriptedBoard(bytearray(512), at_prompt=at_prompt, faults=Faults(**settings))  # type: ignore[arg-type]
    if not at_prompt:
        made.power_later(3)
    return made


def come(made: ScriptedBoard, how: Attaching = HOW) -> tuple[Console, list[str]]:
    notes: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    dialog = attach.attach(Line(), how, place="serial:X")
    found = driver.run(dialog, made, clock_s=made.clock_s, listener=listen)
    assert found.baud == made.baud
    return found.console, notes


def works(console: Console, made: ScriptedBoard) -> bool:
    dialog = console.command("setenv a b")
    answer = driver.run(dialog, made, clock_s=made.clock_s, listener=lambda _event: None)
    return answer.status == 0


def test_a_board_that_is_switched_on_is_stopped() -> None:
    made = board()

    console, _notes = come(made)

    assert works(console, made)
    assert 3 < made.now_s < 6


def test_a_board_at_its_prompt_is_found_at_once() -> None:
    made = board(at_prompt=True)

    dialog = attach.look(Line(), HOW)
    console = driver.run(dialog, made, clock_s=made.clock_s, listener=lambda _event: None)

    assert console is not None
    assert works(console, made)
    assert made.now_s < 1


def test_a_board_that_wants_a_word_of_its_own_gets_it() -> None:
    made = board()
    made.stop = b"halt!"

    console, _notes = come(made, Attaching(wait_s=30, stop="halt!"))

    assert works(console, made)


def test_a_board_that_wants_another_word_is_named() -> None:
    made = board()
    made.stop = b"halt!"

    with pytest.raises(LinkError, match=r"U-Boot asked, and '\\x03' did not stop it") as error:
        come(made)
    assert "flash.serial.stop" in str(error.value.hint)


def test_a_board_that_starts_its_system_without_asking_is_named() -> None:
    with pytest.raises(LinkError, match="started the system without asking") as error:
        come(board(autoboot=False))
    assert "bootdelay" in str(error.value.hint)


def test_a_board_that_says_nothing_is_named_after_the_time() -> None:
    made = board(mute=True)

    with pytest.raises(LinkError, match="serial:X: the board said nothing in 30 s") as error:
        come(made)
    assert "115200" in str(error.value.hint)
    assert 30 <= made.now_s < 32


def test_a_board_that_babbles_is_named_with_its_last_words() -> None:
    made = board(at_prompt=True, babbles=True)

    with pytest.raises(LinkError, match=r"no prompt '=> ' in 30 s; .*reset high-speed USB"):
        come(made)
    assert made.now_s < 32


def test_the_wrong_rate_is_said() -> None:
    with pytest.raises(LinkError, match="what comes in at 115200 baud is no text") as error:
        come(board(right_baud=1500000))
    assert "1500000" in str(error.value.hint)


def test_other_rates_are_tried_when_that_is_wished() -> None:
    made = board(right_baud=921600)
    for after_s in range(10, 90, 7):  # its watchdog starts it again and again
        made.power_later(after_s)

    console, notes = come(made, Attaching(wait_s=90, try_rates=True))

    assert made.baud == 921600
    assert works(console, made)
    assert "no text at this rate: trying 1500000 baud" in notes


def test_a_board_that_waits_at_another_rate_is_found_too() -> None:
    made = board(at_prompt=True, right_baud=57600)

    console, _notes = come(made, Attaching(wait_s=60, try_rates=True))

    assert made.baud == 57600
    assert works(console, made)


def test_a_board_in_its_system_waits_for_the_switch() -> None:
    made = board()
    made.said += b"\r\nDebian GNU/Linux 13 gateway ttyAMA0\r\n\r\ngateway login: "

    _console, notes = come(made)

    assert notes == ["the board runs its system: switch it off and on"]


@pytest.mark.parametrize(
    ("data", "garbage"),
    [
        pytest.param(b"U-Boot 2025.01 says\r\n" * 10, False, id="text"),
        pytest.param(bytes(range(128, 256)), True, id="high bytes"),
        pytest.param(b"\0\xff" * 10, False, id="too little to tell"),
        pytest.param(b"\x1b[32mok\x1b[0m\r\n" * 10, False, id="colours"),
    ],
)
def test_garbage_is_told_from_text(data: bytes, *, garbage: bool) -> None:
    assert attach.is_garbage(data) is garbage
