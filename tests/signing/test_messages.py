"""Messages: their bytes, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edge_signing import canonical, messages, topics
from edge_signing.errors import FormatError
from edge_signing.hours import Hours
from edge_signing.messages import Desired, EventId, Policy, ReportEvent, Status, Want

DIRECTOR = canonical.encode({"signatures": [], "signed": {"version": 3}})
DESIRED = Desired(
    7,
    "roll-7",
    "gateway/1.1/release.json",
    DIRECTOR,
    Policy(download_only=True, reboot="window"),
    "https://updates.example/repo/",
)
STATUS = Status(
    "b0-1", 7, "roll-7", "installing", "a", "rpi4", "gateway", "1.0", 4, "gateway/1.1/release.json",
    512, 2048, 100, "",
)  # fmt: skip
EVENT = ReportEvent(EventId("b0-1", 2), 1_793_491_200, "failed", "roll-7", "1.1", "no space")
WANT = Want("blobs/" + "ab" * 32, 131072, 4096)

GOLDEN: dict[str, tuple[Any, bytes]] = {
    "desired": (
        DESIRED,
        b'{"action":"roll-7","director":{"signatures":[],"signed":{"version":3}},"format":1,'
        b'"policy":{"download_only":true,"reboot":"window"},"release":"gateway/1.1/release.json",'
        b'"repository":"https://updates.example/repo/","seq":7}',
    ),
    "status": (
        STATUS,
        b'{"action":"roll-7","board":"rpi4","boot_id":"b0-1","bytes_per_s":100,"counter":4,'
        b'"done_bytes":512,"format":1,"phase":"installing","planned_bytes":2048,'
        b'"product":"gateway","reason":"","release":"gateway/1.1/release.json","seq":7,"slot":"a",'
        b'"version":"1.0"}',
    ),
    "want": (
        WANT,
        b'{"format":1,"length":4096,"name":"blobs/' + b"ab" * 32 + b'","offset":131072}',
    ),
}
EVENTS = (
    b'{"events":[{"action":"roll-7","at_s":1793491200,"boot_id":"b0-1","kind":"failed","n":2,'
    b'"reason":"no space","version":"1.1"}],"format":1}'
)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_message_has_these_bytes(name: str) -> None:
    message, golden = GOLDEN[name]

    assert message.pack() == golden
    assert type(message).unpack(golden) == message


def test_lists_have_these_bytes() -> None:
    assert messages.pack_events([EVENT]) == EVENTS
    assert messages.unpack_events(EVENTS) == (EVENT,)
    stored = b'{"format":1,"stored":[{"boot_id":"b0-1","n":2}]}'
    assert messages.pack_stored([EVENT.id]) == stored
    assert messages.unpack_stored(stored) == (EVENT.id,)
    online = b'{"boot_id":"b0-1","format":1,"on":1}'
    assert messages.pack_online("b0-1", is_online=True) == online
    assert messages.unpack_online(online) == ("b0-1", True)


def test_an_order_to_stay_names_no_release() -> None:
    order = Desired(8, "stay", None, DIRECTOR)

    assert b"release" not in order.pack()
    assert Desired.unpack(order.pack()) == order


@pytest.mark.parametrize("confirm", ["always", "never"])
def test_who_is_to_confirm_is_said_only_where_it_matters(confirm: messages.Confirm) -> None:
    order = Desired(8, "ask", None, DIRECTOR, Policy(confirm=confirm))

    assert b'"policy":{"confirm":"%s","download_only":false' % confirm.encode() in order.pack()
    assert Desired.unpack(order.pack()) == order
    assert b"confirm" not in Desired(8, "ask", None, DIRECTOR).pack()


def test_until_when_users_are_asked_is_said_only_where_there_is_such_a_time() -> None:
    order = Desired(8, "ask", None, DIRECTOR, Policy(confirm_until_s=1_800_000_000))

    assert b'"policy":{"confirm_until_s":1800000000,"download_only":false' in order.pack()
    assert Desired.unpack(order.pack()) == order
    for bad in (b"0", b"-1", b'"x"', b"1.5"):
        with pytest.raises(FormatError):
            Desired.unpack(order.pack().replace(b"1800000000", bad))
    with pytest.raises(FormatError, match="never asked"):
        Policy(confirm="never", confirm_until_s=1)


def test_a_window_is_said_only_where_the_order_names_one() -> None:
    policy = Policy(reboot="window", window=Hours(23 * 60 + 30, 4 * 60))
    order = Desired(8, "night", None, DIRECTOR, policy)

    assert (
        b'"policy":{"download_only":false,"reboot":"window",'
        b'"window":{"from":"23:30","to":"04:00"}}' in order.pack()
    )
    assert Desired.unpack(order.pack()) == order
    assert b'{"from"' not in Desired(8, "any", None, DIRECTOR, Policy(reboot="window")).pack()


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"reboot": "now", "window": {"from": "01:00", "to": "02:00"}}, "a restart that is now"),
        ({"window": {"from": "01:00", "to": "01:00"}}, "they end as they begin"),
        ({"window": {"from": "24:00", "to": "01:00"}}, "from '24:00' is not one"),
        ({"window": {"from": "1:00", "to": "02:00"}}, "from '1:00' is not one"),
        ({"window": {"from": "01:00"}}, "to is missing"),
        ({"window": {"from": "01:00", "to": "02:00", "zone": "UTC"}}, "zone: not known"),
        ({"window": "01:00-02:00"}, "not an object"),
        ({"window": None}, "not an object"),
        ({"windows": {}}, "windows: not known"),
    ],
)
def test_a_window_that_is_none_is_refused(policy: dict[str, object], reason: str) -> None:
    usual = {"download_only": False, "reboot": "window"}

    with pytest.raises(FormatError, match=reason):
        Desired.unpack(_changed(DESIRED.pack(), policy={**usual, **policy}))


@given(some.integers(0, 1439), some.integers(0, 1439))
def test_hours_are_read_as_they_are_written(begin_min: int, end_min: int) -> None:
    if begin_min == end_min:
        with pytest.raises(FormatError):
            Hours(begin_min, end_min)
    else:
        assert Hours.parse(str(Hours(begin_min, end_min))) == Hours(begin_min, end_min)


@pytest.mark.parametrize("text", ["", "-", "02:00", "02:00-", "02:00-25:00", "2-4", "02:00-04:00-"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Hours.parse(text)


def test_services_are_said_only_where_there_are_any() -> None:
    status = replace(STATUS, services={"web": "web+1.1", "db": "0123456789abcdef"})

    assert (
        b'"seq":7,"services":[{"name":"db","version":"0123456789abcdef"},'
        b'{"name":"web","version":"web+1.1"}],"slot":"a"' in status.pack()
    )
    assert Status.unpack(status.pack()) == status
    assert b"services" not in STATUS.pack()


WEB = {"name": "web", "version": "1"}


@pytest.mark.parametrize(
    ("services", "reason"),
    [
        ([], "not 1 to 64 services"),
        ([{"name": f"s{n:02}", "version": "1"} for n in range(65)], "not 1 to 64 services"),
        ([WEB, WEB], "there twice"),
        ([WEB, {"name": "db", "version": "1"}], "in order"),
        ([{**WEB, "version": ""}], "version '' is not one"),
        ([{**WEB, "version": "1" * 64}], "is not one"),
        ([{**WEB, "name": "a b"}], "name 'a b' is not one"),
        ([{**WEB, "state": "up"}], "state: not known"),
        ([{"name": "web"}], "version is missing"),
        ({"web": "1"}, "not a list"),
        (None, "not a list"),
    ],
)
def test_services_that_are_none_are_refused(services: object, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        Status.unpack(_changed(STATUS.pack(), services=services))


def test_an_approval_is_said_only_where_there_is_one() -> None:
    approval = canonical.encode({"signatures": [], "statement": {"kind": "approval"}})
    order = Desired(8, "wave", None, DIRECTOR, approval=approval)

    assert order.pack().startswith(b'{"action":"wave","approval":' + approval)
    assert Desired.unpack(order.pack()) == order
    assert b"approval" not in DESIRED.pack()


def test_a_long_reason_is_cut_and_still_a_message() -> None:
    status = Status("b", reason="é" * 5000)

    assert Status.unpack(status.pack()).reason == "é" * messages.REASON_MOST


def _changed(golden: bytes, **changes: object) -> bytes:
    value: Any = canonical.decode(golden)
    for name, new in changes.items():
        if new is ...:
            del value[name]
        else:
            value[name] = new
    return canonical.encode(value)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("desired", {"format": 2}, id="newer format"),
        pytest.param(
            "desired",
            {"policy": {"confirm": "maybe", "download_only": True, "reboot": "now"}},
            id="no such confirmation",
        ),
        pytest.param("desired", {"policy": {"download_only": True}}, id="policy without reboot"),
        pytest.param("desired", {"format": True}, id="format is no number"),
        pytest.param("desired", {"more": 1}, id="unknown field"),
        pytest.param("desired", {"seq": ...}, id="no seq"),
        pytest.param("desired", {"seq": 0}, id="seq 0"),
        pytest.param("desired", {"action": "a/b"}, id="action with a slash"),
        pytest.param("desired", {"release": "../../x"}, id="release outside"),
        pytest.param("desired", {"release": None}, id="null release"),
        pytest.param("desired", {"repository": "file:///etc/"}, id="another scheme"),
        pytest.param("desired", {"repository": "https://a.example/\r\nx/"}, id="line break"),
        pytest.param("desired", {"repository": "https://a.example"}, id="no slash at the end"),
        pytest.param("desired", {"policy": {"reboot": "now"}}, id="half a policy"),
        pytest.param(
            "desired", {"policy": {"download_only": 1, "reboot": "now"}}, id="1 is not true"
        ),
        pytest.param("status", {"phase": ""}, id="no phase"),
        pytest.param("status", {"slot": "c"}, id="slot c"),
        pytest.param("status", {"done_bytes": -1}, id="below zero"),
        pytest.param("status", {"reason": "x" * 1001}, id="long reason"),
        pytest.param("status", {"boot_id": "+/#"}, id="boot id with wildcards"),
        pytest.param("want", {"length": 131073}, id="more than a block"),
        pytest.param("want", {"length": 0}, id="nothing"),
        pytest.param("want", {"name": "blobs/../../etc/passwd"}, id="outside"),
        pytest.param("want", {"name": "targets/a/../b"}, id="dots"),
        pytest.param("want", {"name": "targets/a/b"}, id="two parts"),
        pytest.param("want", {"name": "metadata/.hidden"}, id="hidden"),
        pytest.param("want", {"name": "blobs/" + "AB" * 32}, id="upper case"),
        pytest.param("want", {"offset": 1 << 41}, id="far"),
    ],
)
def test_a_wrong_message_is_refused(name: str, changes: dict[str, object]) -> None:
    message, golden = GOLDEN[name]

    with pytest.raises(FormatError):
        type(message).unpack(_changed(golden, **changes))


@pytest.mark.parametrize(
    ("unpack", "message"),
    [
        pytest.param(messages.unpack_events, b"", id="nothing"),
        pytest.param(messages.unpack_events, EVENTS + b" ", id="trailing"),
        pytest.param(messages.unpack_events, EVENTS.replace(b'"n":2', b'"n":0'), id="n 0"),
        pytest.param(
            messages.unpack_stored, messages.pack_stored([EVENT.id] * 65), id="more than 64"
        ),
        pytest.param(messages.unpack_online, b'{"boot_id":"b","format":1,"on":2}', id="on 2"),
        pytest.param(messages.unpack_online, b"[]", id="a list"),
        pytest.param(Desired.unpack, b" " * (65 << 10), id="too long"),
        pytest.param(Desired.unpack, b'{"director":' + b"[" * 40, id="too deep"),
    ],
)
def test_wrong_bytes_are_refused(unpack: Callable[[bytes], object], message: bytes) -> None:
    with pytest.raises(FormatError):
        unpack(message)


@given(place=some.integers(0, 400), bit=some.integers(0, 7), name=some.sampled_from([*GOLDEN]))
def test_a_flipped_bit_is_refused_or_another_message(place: int, bit: int, name: str) -> None:
    message, golden = GOLDEN[name]
    spoilt = bytearray(golden)
    spoilt[place % len(golden)] ^= 1 << bit

    try:
        found = type(message).unpack(bytes(spoilt))
    except FormatError:
        return
    assert found != message
    assert found.pack() == bytes(spoilt)


@given(
    some.lists(
        some.builds(
            ReportEvent,
            some.builds(
                EventId, some.from_regex(messages.ID, fullmatch=True), some.integers(1, 2**53 - 1)
            ),
            some.integers(0, 2**53 - 1),
            some.from_regex(messages.WORD, fullmatch=True),
            reason=some.text(max_size=50).filter(lambda text: text.isprintable()),
        ),
        max_size=3,
    )
)
def test_events_come_back(events: list[ReportEvent]) -> None:
    assert messages.unpack_events(messages.pack_events(events)) == tuple(events)


def test_topics_are_those_of_the_design() -> None:
    assert topics.desired("dev-1") == "edge/v1/d/dev-1/c/desired"
    assert topics.command("dev-1") == "edge/v1/d/dev-1/c/cmd"
    assert topics.block("dev-1") == "edge/v1/d/dev-1/c/block"
    assert topics.stored("dev-1") == "edge/v1/d/dev-1/c/stored"
    assert topics.state("dev-1") == "edge/v1/d/dev-1/s/state"
    assert topics.online("dev-1") == "edge/v1/d/dev-1/s/online"
    assert topics.events("dev-1") == "edge/v1/d/dev-1/s/ev"
    assert topics.want("dev-1") == "edge/v1/d/dev-1/s/want"
    assert topics.WAKE == "edge/v1/all/c/wake"
    assert topics.path("dev-1", "desired") == "v1/devices/dev-1/desired"
    assert topics.device_of("edge/v1/d/dev-1/s/ev") == "dev-1"


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "a b", "é", "x" * 65, "a\n"])
def test_no_topic_is_made_of_a_wrong_device_id(name: str) -> None:
    with pytest.raises(FormatError):
        topics.desired(name)
    with pytest.raises(FormatError):
        topics.path(name, "state")
    with pytest.raises(FormatError):
        topics.device_of(f"edge/v1/d/{name}/s/ev")
