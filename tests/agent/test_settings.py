"""What an image sets for its agent, what the system says it is, and its maintenance window."""

from pathlib import Path

import pytest

from edge_agent.clock import LAST_S, now_s
from edge_agent.errors import AgentError
from edge_agent.health import Terms
from edge_agent.hooks import Moment
from edge_agent.parts import Options
from edge_agent.settings import Settings
from edge_agent.standing import Standing
from edge_agent.window import Window
from edge_signing.approval import Approver, Approvers
from edge_signing.hours import Hours
from edge_signing.messages import Policy
from tests.fakes.agent_parts import NOW_S, FakeClock

ALL = b"""{
  "http": "https://example.com/", "mqtt": "mqtts://example.com", "poll_s": 60,
  "health": {"stable_s": 5, "timeout_s": 50, "console": true},
  "window": {"from": "22:30", "to": "04:00", "utc_offset_min": 60},
  "confirm": true,
  "hooks": {"before-install": ["/etc/edge/hooks/room", "/etc/edge/hooks/battery"]}
}
"""


APPROVER = b'{"algorithm": "ed25519", "public": "%s"}' % (b"ab" * 32)
HOOKS: dict[Moment, tuple[str, ...]] = {
    "before-install": ("/etc/edge/hooks/room", "/etc/edge/hooks/battery")
}


def test_all_that_can_be_set() -> None:
    assert Settings.unpack(ALL) == Settings(
        "https://example.com/",
        "mqtts://example.com",
        Options(60, Terms(5, 50, True), Window(22 * 60 + 30, 4 * 60, 60), True, HOOKS),
    )


@pytest.mark.parametrize(
    ("text", "window_min", "order_min"),
    [
        ('"window": {"from": "01:00", "to": "02:00"}, "utc_offset_min": 60', 60, 60),
        ('"window": {"from": "01:00", "to": "02:00", "utc_offset_min": 30}', 30, 0),
        (
            '"window": {"from": "01:00", "to": "02:00", "utc_offset_min": 30}, "utc_offset_min": 5',
            30,
            5,
        ),
    ],
)
def test_the_offset_of_the_device_is_that_of_all_windows_but_one_that_has_its_own(
    text: str, window_min: int, order_min: int
) -> None:
    options = Settings.unpack(b"{%s}" % text.encode()).options
    order = options.window_of(Policy(reboot="window", window=Hours(1, 2)))

    assert options.window == Window(60, 120, window_min)
    assert order == Window(1, 2, order_min)
    assert options.window_of(Policy(reboot="window")) == options.window
    assert options.window_of(Policy()) is None


def test_who_has_to_approve_can_be_set() -> None:
    text = b'{"approvals": {"threshold": 1, "keys": [%s]}}' % APPROVER

    found = Settings.unpack(text).options.approvers

    assert found == Approvers(1, (Approver("ed25519", "ab" * 32),))


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    assert Settings.unpack(b"{}\n") == Settings() == Settings.read(tmp_path / "agent.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (b'{"htp": ""}', "htp: not known"),
        (b'{"http": "example.com"}', "http 'example.com' is not one"),
        (b'{"poll_s": 0}', "poll_s 0 is not a number"),
        (b'{"health": {"stable_s": 400}}', "timeout_s is not above stable_s"),
        (b'{"health": {"console": 1}}', "console 1 is not known"),
        (b'{"confirm": "yes"}', "confirm 'yes' is not known"),
        (b'{"hooks": {"after-install": ["/x"]}}', "after-install: not known"),
        (b'{"hooks": {"before-install": []}}', "before-install: no list of programs"),
        (b'{"hooks": {"before-install": "/x"}}', "before-install: no list of programs"),
        (b'{"hooks": {"before-restart": ["x"]}}', "'x' is no absolute path"),
        (b'{"hooks": {"before-restart": ["/x/../y"]}}', "'/x/../y' is no absolute path"),
        (b'{"hooks": {"before-restart": ["/x -f"]}}', "'/x -f' is no absolute path"),
        (b'{"window": {"from": "24:00", "to": "04:00"}}', "from '24:00' is not one"),
        (b'{"approvals": {}}', "keys is missing"),
        (b'{"approvals": {"threshold": 1, "keys": []}}', "there are no keys"),
        (b'{"approvals": {"threshold": 0, "keys": [%s]}}' % APPROVER, "threshold 0 is not"),
        (b'{"approvals": {"threshold": 2, "keys": [%s]}}' % APPROVER, "threshold 2 is not"),
        (b'{"approvals": {"threshold": 1, "keys": [%s, %s]}}' % (APPROVER, APPROVER), "twice"),
        (b'{"approvals": {"threshold": 1, "keys": [%s], "of": 3}}' % APPROVER, "of: not known"),
        (b'{"approvals": {"threshold": 1, "keys": [{"algorithm": "rsa"}]}}', "rsa' is not known"),
        (
            b'{"approvals": {"threshold": 1, "keys": [{"algorithm": "p256", "public": "ab"}]}}',
            "'ab' is not one",
        ),
        (b'{"utc_offset_min": 1441}', "utc_offset_min 1441 is not a number"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: bytes, reason: str) -> None:
    file = tmp_path / "agent.json"
    file.write_bytes(text)

    with pytest.raises(AgentError, match=reason):
        Settings.read(file)


def test_the_system_says_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "device.json"
    file.write_bytes(
        b'{"board":"rpi4","clock_s":9,"counter":3,"format":1,"product":"gateway","version":"1.2"}'
    )

    standing = Standing.read(file)

    assert standing == Standing("rpi4", "gateway", "1.2", 3, 9)
    assert (standing.floor.counter, standing.floor.floor_s) == (3, 9)
    assert standing.pack() == file.read_bytes()


@pytest.mark.parametrize("text", [b"", b"{}", b'{"format":2}'])
def test_a_system_that_does_not_say_so_is_refused(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "device.json"
    file.write_bytes(text)

    with pytest.raises(AgentError, match=r"device\.json"):
        Standing.read(file)


@pytest.mark.parametrize(
    ("window", "minute", "is_open"),
    [
        (Window(120, 240), 119, False),
        (Window(120, 240), 120, True),
        (Window(120, 240), 240, False),
        (Window(1380, 60), 1400, True),
        (Window(1380, 60), 59, True),
        (Window(1380, 60), 60, False),
        (Window(120, 240, 60), 60, True),
        (Window(120, 240, -60), 180, True),
        (Window(120, 120), 120, False),
    ],
)
def test_the_window_is_open_in_its_time_of_the_day(
    window: Window, minute: int, is_open: bool
) -> None:
    assert window.is_open(20_000 * 86_400 + minute * 60) is is_open


@pytest.mark.parametrize(
    ("wrong_s", "floor_s", "seconds"),
    [(0, 0, NOW_S), (-NOW_S, 1000, 1000), (-NOW_S - 99, 0, 0), (1 << 50, 0, LAST_S)],
)
def test_the_time_that_counts(wrong_s: int, floor_s: int, seconds: int) -> None:
    assert now_s(FakeClock(wrong_s=wrong_s), floor_s) == seconds
