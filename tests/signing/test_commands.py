"""Commands and answers: their bytes, and what is refused."""

import base64
import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edge_signing import canonical, commands, topics
from edge_signing.commands import Command, Reply
from edge_signing.errors import FormatError
from edge_signing.inventory import Inventory, Service
from edge_signing.messages import MESSAGE_MOST_BYTES

LOGS = Command("logs-1", "logs", 1_793_491_200, 900, "web", 200)
REPLY = Reply("logs-1", "done", "", 1, True, b"\x1f\x8b")
LOGS_BYTES = (
    b'{"expires_at_s":1793491200,"expires_in_s":900,"format":1,"id":"logs-1","lines":200,'
    b'"service":"web","word":"logs"}'
)
REPLY_BYTES = (
    b'{"command":"logs-1","content":"H4s=","format":1,"is_last":true,"part":1,"reason":"",'
    b'"state":"done"}'
)
INVENTORY = Inventory(
    (Service("web", "ready", "0a1b2c", 41, 3600, 2),),
    "a", "ab", "rpi4", "gateway", "1.2", "6.12.0-arm64", 7200, 1 << 30, 1 << 29, 1 << 34, 1 << 33,
    ("eth0 192.0.2.7",),
)  # fmt: skip
INVENTORY_BYTES = (
    b'{"addresses":["eth0 192.0.2.7"],"board":"rpi4","data_bytes":17179869184,'
    b'"data_free_bytes":8589934592,"format":1,"kernel":"6.12.0-arm64","memory_bytes":1073741824,'
    b'"memory_free_bytes":536870912,"order":"ab","product":"gateway","services":[{"age_s":3600,'
    b'"name":"web","pid":41,"restarts":2,"state":"ready","version":"0a1b2c"}],"slot":"a",'
    b'"uptime_s":7200,"version":"1.2"}'
)


@pytest.mark.parametrize(
    ("message", "golden"),
    [
        pytest.param(LOGS, LOGS_BYTES, id="command"),
        pytest.param(REPLY, REPLY_BYTES, id="reply"),
        pytest.param(INVENTORY, INVENTORY_BYTES, id="inventory"),
    ],
)
def test_a_message_has_these_bytes(message: Any, golden: bytes) -> None:
    assert message.pack() == golden
    assert type(message).unpack(golden) == message


def test_a_list_of_commands_has_these_bytes() -> None:
    listed = b'{"commands":[%s],"format":1}' % LOGS_BYTES.replace(b'"format":1,', b"")

    assert commands.pack_commands([LOGS]) == listed
    assert commands.unpack_commands(listed) == (LOGS,)


def test_topics_are_those_of_the_design() -> None:
    assert topics.reply("dev-1") == "edge/v1/d/dev-1/s/reply"
    assert topics.path("dev-1", "commands") == "v1/devices/dev-1/commands"


def changed(golden: bytes, **changes: object) -> bytes:
    value: Any = canonical.decode(golden)
    value.update(changes)
    return canonical.encode({name: one for name, one in value.items() if one is not ...})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"word": "shell"}, id="another word"),
        pytest.param({"word": "logs; reboot"}, id="two words"),
        pytest.param({"command": "/bin/sh"}, id="unknown field"),
        pytest.param({"service": "../../data"}, id="service is a path"),
        pytest.param({"service": "-f"}, id="service is an option"),
        pytest.param({"service": "a b"}, id="service is two words"),
        pytest.param({"service": "web\n"}, id="service is two lines"),
        pytest.param({"lines": 10_001}, id="too many lines"),
        pytest.param({"lines": 0}, id="logs without lines"),
        pytest.param({"word": "inventory", "lines": 0}, id="inventory of a service"),
        pytest.param({"word": "reboot", "lines": 1, "service": ""}, id="reboot with lines"),
        pytest.param({"word": "restart", "lines": 0, "service": ""}, id="restart of nothing"),
        pytest.param({"expires_in_s": 604_801}, id="expires too late"),
        pytest.param({"expires_in_s": ...}, id="never expires"),
        pytest.param({"expires_at_s": -1}, id="before 1970"),
        pytest.param({"id": "a/b"}, id="id with a slash"),
        pytest.param({"format": 2}, id="newer format"),
    ],
)
def test_a_wrong_command_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        Command.unpack(changed(LOGS_BYTES, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"state": "open"}, id="no ending"),
        pytest.param({"part": 8}, id="a ninth part"),
        pytest.param({"part": 7, "is_last": False}, id="an eighth that is not the last"),
        pytest.param({"content": "", "is_last": False}, id="an empty part before others"),
        pytest.param({"content": "H4s"}, id="base64 without its end"),
        pytest.param({"content": "H4t="}, id="base64 in another form"),
        pytest.param({"content": "H4s=\n"}, id="a line break"),
        pytest.param(
            {"content": base64.b64encode(bytes((128 << 10) + 1)).decode()}, id="a part too long"
        ),
        pytest.param({"reason": "x" * 1001}, id="long reason"),
        pytest.param({"is_last": 1}, id="1 is not true"),
    ],
)
def test_a_wrong_reply_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        Reply.unpack(changed(REPLY_BYTES, **changes))


def test_the_longest_part_is_a_message() -> None:
    longest = Reply("x" * 64, "refused", "é" * 1000, 7, True, b"\xff" * commands.PART_MOST_BYTES)

    packed = longest.pack()

    assert MESSAGE_MOST_BYTES < len(packed) <= commands.REPLY_MOST_BYTES
    assert Reply.unpack(packed) == longest


def test_more_than_sixteen_commands_are_refused() -> None:
    with pytest.raises(FormatError, match="more than 16"):
        commands.unpack_commands(commands.pack_commands([LOGS] * 17))


@given(
    some.sampled_from(commands.ENDINGS),
    some.text(max_size=20),
    some.binary(max_size=300_000),
)
def test_an_answer_comes_back_from_its_parts(state: Any, reason: str, content: bytes) -> None:
    parts = [Reply.unpack(one.pack()) for one in commands.replies("c", state, reason, content)]

    assert [one.part for one in parts] == list(range(len(parts)))
    assert [one.is_last for one in parts] == [False] * (len(parts) - 1) + [True]
    assert {(one.state, one.reason) for one in parts} == {(state, reason)}
    assert commands.unpack_content(b"".join(one.content for one in parts)) == content


def test_what_is_packed_is_the_same_bytes_each_time() -> None:
    packed = commands.pack_content(b"a line\n" * 100)

    assert packed == commands.pack_content(b"a line\n" * 100)
    assert gzip.decompress(packed) == b"a line\n" * 100
    assert packed[4:8] == bytes(4)  # no time in it


def test_content_that_is_too_long_is_not_told() -> None:
    with pytest.raises(FormatError, match="more than"):
        commands.replies("c", "done", content=bytes(commands.CONTENT_MOST_BYTES + 1))


BOMB = zlib.compress(bytes(64 << 20), wbits=31)


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"not gzip", id="no gzip"),
        pytest.param(BOMB, id="a bomb"),
        pytest.param(gzip.compress(b"a")[:-1], id="cut"),
        pytest.param(gzip.compress(b"a") + b"b", id="trailing"),
        pytest.param(gzip.compress(b"a") + gzip.compress(b"b"), id="two streams"),
        pytest.param(gzip.compress(b"a")[:-8] + bytes(8), id="wrong checksum"),
    ],
)
def test_content_that_is_not_one_short_stream_is_refused(packed: bytes) -> None:
    with pytest.raises(FormatError):
        commands.unpack_content(packed)


@given(place=some.integers(0, 400), bit=some.integers(0, 7))
def test_a_flipped_bit_is_refused_or_another_command(place: int, bit: int) -> None:
    spoilt = bytearray(LOGS_BYTES)
    spoilt[place % len(spoilt)] ^= 1 << bit

    try:
        found = Command.unpack(bytes(spoilt))
    except FormatError:
        return
    assert found != LOGS
    assert found.pack() == bytes(spoilt)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"addresses": ["eth0 192.0.2.7", "eth0 192.0.2.7"]}, id="twice"),
        pytest.param({"addresses": ["\x1b[31m 192.0.2.7"]}, id="escape sequence"),
        pytest.param({"kernel": "6.12\n"}, id="line break"),
        pytest.param({"uptime_s": -1}, id="below zero"),
        pytest.param({"services": [{"name": "web"}]}, id="half a service"),
        pytest.param({"more": 1}, id="unknown field"),
    ],
)
def test_a_wrong_inventory_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        Inventory.unpack(changed(INVENTORY_BYTES, **changes))


def test_a_service_is_in_an_inventory_once() -> None:
    twice = Inventory((Service("web", "ready"), Service("web", "stopped")))

    with pytest.raises(FormatError, match="twice"):
        Inventory.unpack(twice.pack())
