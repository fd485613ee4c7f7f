"""What devices answer: whole, once, of their own commands, and never believed."""

import gzip
import json
from random import Random

import pytest

from edge_agent.link import RefusedByServerError
from edge_signing.commands import Reply, replies
from edge_signing.inventory import Inventory, Service
from tests.edge.console.test_link_attacks import ask as ask_raw
from tests.fakes.asked import Asked
from tests.fakes.console import Console

HOSTILE = "\x1b]0;title\x07\x1b[2J\u202e\r\x00\x9b".encode() + b"\xff\xfe<script>\tline\n"


def test_an_answer_that_comes_late_is_taken_once(asked: Asked) -> None:
    command = asked.ask()
    asked.change("expires_at_s = 1")
    asked.expire()
    link = asked.link

    link.send_reply(Reply(command, "done"))
    link.send_reply(Reply(command, "failed", "no"))

    assert (asked.shown(command)["state"], asked.shown(command)["reason"]) == ("done", "")


def test_an_answer_that_comes_twice_counts_once(asked: Asked) -> None:
    command, link = asked.ask(), asked.link

    for content in (b"first\n", b"second\n"):
        for part in replies(command, "done", content=content):
            link.send_reply(part)

    assert asked.shown(command)["content"] == "first\n"


def test_parts_that_come_in_any_order_and_twice_are_one_answer(asked: Asked) -> None:
    command, link = asked.ask(), asked.link
    content = Random(1).randbytes(900_000)
    parts = replies(command, "done", content=content)
    assert len(parts) > 2

    for part in (parts[-1], parts[1], parts[1], *parts[:1], *parts[2:]):
        assert asked.shown(command)["state"] == "open" or part is parts[-1]
        link.send_reply(part)

    assert asked.shown(command)["length_bytes"] == len(content)


def test_a_device_does_not_answer_for_another_one(asked: Asked) -> None:
    command = asked.ask()

    with pytest.raises(RefusedByServerError) as refused:
        asked.site.link(asked.other).send_reply(Reply(command, "done"))

    assert refused.value.status == 404
    assert asked.state(command) == "open"
    assert asked.site.link(asked.other).commands() == ()
    path = f"/v1/devices/{asked.device}/replies"
    assert ask_raw(asked.site, asked.other, "POST", path, Reply(command, "done").pack())[0] == 403
    assert ask_raw(asked.site, asked.other, "GET", f"/v1/devices/{asked.device}/commands")[0] == 403
    assert ask_raw(asked.site, None, "GET", f"/v1/devices/{asked.device}/commands")[0] == 403


def test_nobody_answers_what_was_not_asked(asked: Asked) -> None:
    before = asked.site.running.office.database.batches

    for number in range(20):
        with pytest.raises(RefusedByServerError):
            asked.link.send_reply(Reply(f"logs-{number}", "done"))

    assert asked.all() == []
    assert asked.site.running.office.database.batches <= before + 1  # its sighting


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"x" * ((192 << 10) + 1), 413, id="too long"),
        pytest.param(b"{}", 400, id="no reply"),
        pytest.param(b"", 400, id="nothing"),
    ],
)
def test_what_is_no_answer_is_refused(shared: Console, body: bytes, status: int) -> None:
    path = "/v1/devices/unit-1/replies"

    assert ask_raw(shared, "unit-1", "POST", path, body)[0] == status


def test_other_messages_are_not_longer_than_before(shared: Console) -> None:
    path = "/v1/devices/unit-1/events"

    assert ask_raw(shared, "unit-1", "POST", path, b"x" * ((64 << 10) + 1))[0] == 413


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param([b"no gzip"], id="no gzip"),
        pytest.param([gzip.compress(bytes(64 << 20))], id="a bomb"),
        pytest.param([gzip.compress(b"a") + b"b"], id="trailing"),
    ],
)
def test_an_answer_that_can_not_be_read_is_a_failure(asked: Asked, contents: list[bytes]) -> None:
    command = asked.ask()

    for number, content in enumerate(contents):
        asked.link.send_reply(Reply(command, "done", "", number, True, content))

    found = asked.shown(command)
    assert (found["state"], found["content"]) == ("failed", "")
    assert "can not be read" in found["reason"]


def test_a_part_after_the_last_one_makes_no_answer(asked: Asked) -> None:
    command, link = asked.ask(), asked.link

    link.send_reply(Reply(command, "done", "", 3, True, b"d"))
    link.send_reply(Reply(command, "done", "", 5, False, b"f"))

    assert "after the last" in asked.shown(command)["reason"]


def test_an_inventory_is_of_its_form_or_a_failure(asked: Asked) -> None:
    link = asked.link
    good, bad = asked.ask("inventory"), asked.ask("inventory")
    inventory = Inventory((Service("web", "ready"),), kernel="6.12")

    for part in replies(good, "done", content=inventory.pack()):
        link.send_reply(part)
    for part in replies(bad, "done", content=b'{"services":"<script>"}'):
        link.send_reply(part)

    assert json.loads(asked.shown(good)["content"])["services"][0]["name"] == "web"
    assert (asked.shown(bad)["state"], asked.shown(bad)["content"]) == ("failed", "")


def test_a_restart_has_nothing_to_tell(asked: Asked) -> None:
    command = asked.ask("restart", service="web")

    for part in replies(command, "done", content=b"anything"):
        asked.link.send_reply(part)

    assert asked.shown(command)["state"] == "failed"


def test_hostile_logs_are_text(asked: Asked) -> None:
    command = asked.ask()

    for part in replies(command, "done", content=HOSTILE):
        asked.link.send_reply(part)

    assert asked.shown(command)["content"] == (
        r"\x1b]0;title\x07\x1b[2J\u202e\r\x00\x9b\xff\xfe<script>" + "\tline\n"
    )
