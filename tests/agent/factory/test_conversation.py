"""The dialog on the line of the factory: its bytes, and all that can happen to a line."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.factory.answers import answering
from edge_agent.factory.conversation import LINE_MOST_BYTES, Conversation, Incoming
from edge_signing import canonical, frames
from edge_signing.frames import MESSAGE_MOST_BYTES, Assembly, Way
from tests.source_tree import PROJECT

GOLDEN = (PROJECT / "tests/vectors/factory/dialog.txt").read_text().splitlines()
ASKED = [line for line in GOLDEN if line.startswith("@E>")]
SAID: dict[str, dict[str, Any]] = {
    "hello": {"edge": 1},
    "new": {"request": "PEM"},
    "prove": {"signature": "30" * 70},
    "put": {"device": "gw-0001"},
}
KERNEL = "[    4.201773] mmc0: new high speed SDHC card at address aaaa"


class Device:
    """A device whose answers are known, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._incoming, self._conversation = Incoming(), Conversation(self._answer)

    def hear(self, data: bytes) -> list[str]:
        """Return the lines that it says to what comes in."""
        lines = self._incoming.take(data)
        return [said for line in lines for said in self._conversation.take(line)]

    def _answer(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(content["ask"])
        if content.get("device") == "gw-0002":
            return {"error": "this device is gw-0001 already"}
        return SAID[content["ask"]]


WORDS = ["hello", "new", "prove", "put", "new"]


def test_the_dialog_has_these_bytes() -> None:
    device = Device()

    shown = [line for asked in ASKED for line in (asked, *device.hear(f"{asked}\n".encode()))]

    assert shown == GOLDEN
    assert device.asked == WORDS


@pytest.mark.parametrize("cut_from", ["front", "back"])
def test_a_line_that_is_cut_anywhere_counts_for_nothing_until_it_is_said_again(
    cut_from: str,
) -> None:
    expected = [line for line in GOLDEN if line.startswith("@E<")]

    for place in range(1, max(map(len, ASKED)), 7):
        device, heard = Device(), []
        for line in ASKED:
            part = line[place:] if cut_from == "front" else line[:place]
            if part != line:
                assert device.hear(f"{part}\n".encode()) == []
            heard += device.hear(f"{line}\n".encode())
        assert (heard, device.asked) == (expected, WORDS)


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda line: f"{line}\n{line}\n", id="twice"),
        pytest.param(lambda line: f"{KERNEL}{line}\r\n", id="noise before"),
        pytest.param(lambda line: f"{line} {KERNEL}\n", id="noise behind"),
        pytest.param(lambda line: f"{line[:9]}{KERNEL}\n{line}\n", id="noise within"),
        pytest.param(lambda line: "=> " * 3000 + f"{line}\n", id="long line"),
        pytest.param(lambda line: "\0" * 5000 + f"{line}\n", id="NULs"),
        pytest.param(lambda line: f"@E> 1 1/1 {'A' * 9000} {line}\n", id="endless piece"),
        pytest.param(lambda line: f"@E> 999 1/999 AAAA 00000000\n{line}\n", id="wrong sum"),
        pytest.param(lambda line: "\x03\x04\x11\x13\n" + f"{line}\n", id="control characters"),
    ],
)
def test_what_else_is_on_the_line_changes_nothing(damaged: Callable[[str], str]) -> None:
    device = Device()

    for line in ASKED:
        device.hear(damaged(line).encode())

    assert device.asked == WORDS


@given(pieces=st.lists(st.binary(max_size=1500), max_size=8))
def test_after_any_bytes_the_next_message_is_answered_and_little_is_kept(
    pieces: list[bytes],
) -> None:
    device = Device()

    for piece in pieces:
        assert device.hear(piece) == []
        assert len(device._incoming._begun) <= LINE_MOST_BYTES

    assert device.hear(f"\n{ASKED[0]}\n".encode()) == GOLDEN[1:2]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = ("device", "nonce", "chain", "server_ca", "epoch", "more")


@given(
    word=st.sampled_from(["hello", "put", "prove", "sh"]) | VALUES,
    rest=st.dictionaries(st.sampled_from(NAMES), VALUES),
)
def test_what_is_asked_can_be_anything(
    word: object, rest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.getbasetemp() / "never"

    said = answering(data)({"ask": word, **rest})

    assert set(said) == {"edge"} if word == "hello" and not rest else {"error"}
    assert len(canonical.encode(dict(said))) < MESSAGE_MOST_BYTES
    assert not data.exists()


def test_a_long_reason_is_told_all_the_same(tmp_path: Path) -> None:
    conversation = Conversation(answering(tmp_path))
    asked = frames.pieces(Way.TO_DEVICE, 5, {"ask": "\0" * 3900})

    said = [line for one in asked for line in conversation.take(one.line())]

    together = Assembly()
    for line in said:
        piece = frames.piece_in(line, Way.FROM_DEVICE)
        assert piece is not None
        if piece.count > 1:
            together.take(piece)
    assert "nobody knows what" in str(together.content())


def test_nothing_is_done_for_a_request_that_says_more_than_it_should(tmp_path: Path) -> None:
    data = tmp_path / "data"

    said = answering(data)(json.loads('{"ask": "new", "device": "gw-1", "then": "sh"}'))

    assert "not known" in said["error"]
    assert not data.exists()
