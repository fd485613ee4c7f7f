"""The stream of changes: who hears what, how long, and how many may listen."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from ssl import create_default_context

import pytest

from edge.console.api import stream
from edge.console.notices import Topic
from edge.console.people.door import COOKIE
from edge.console.people.roles import Role
from tests.fakes import browser, console
from tests.fakes.browser import Browser
from tests.fakes.console import Console
from tests.fakes.pki import Pki


class Heard:
    """What one listener hears."""

    def __init__(self, answer: HTTPResponse) -> None:
        self.answer = answer
        self.status = answer.status

    def event(self) -> tuple[str, object]:
        """Return the next event; ("", None) at the end."""
        name, data = "", None
        while line := self.answer.readline().decode().rstrip("\n"):
            if line.startswith("event: "):
                name = line[7:]
            if line.startswith("data: "):
                data = json.loads(line[6:])
        return name, data

    def until(self, topic: str, subject: str) -> list[list[str]]:
        """Return all changes up to one."""
        found: list[list[str]] = []
        while [topic, subject] not in found:
            name, data = self.event()
            if name == "change":
                assert isinstance(data, list)
                found += data
            elif not name and data is None and self.answer.isclosed():
                raise AssertionError(f"the stream has ended after {found}")
        return found


@contextmanager
def listening(site: Console, headers: dict[str, str]) -> Iterator[Heard]:
    context = create_default_context(cafile=str(site.site.authority))
    link = HTTPSConnection("127.0.0.1", site.running.api_port, context=context, timeout=10)
    link.request("GET", "/api/v1/stream", headers=headers)
    answer = link.getresponse()
    try:
        yield Heard(answer)
    finally:
        with suppress(OSError):
            answer.close()
        link.close()


def bearer(site: Console) -> dict[str, str]:
    return {"Authorization": f"Bearer {site.token}"}


def cookie(who: Browser) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={who.secret}"}


def listeners(site: Console) -> int:
    return site.running.office.notices.listeners("default")


def test_changes_are_told_by_their_names_alone(site: Console) -> None:
    with listening(site, bearer(site)) as heard:
        assert heard.event()[0] == "hello"
        site.good("POST", "/devices", {"device": "unit-1"})

        found = heard.until("device", "unit-1")

    assert ["audit", ""] in found
    assert "accepted" not in str(found)


def test_a_stream_wants_somebody_who_may_read_devices(site: Console) -> None:
    text = site.good("POST", "/tokens", {"name": "n", "scopes": ["deploy"]})["text"]

    for headers, status in (({}, 401), ({"Authorization": f"Bearer {text}"}, 403)):
        with listening(site, headers) as heard:
            assert heard.status == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ],
)
def test_the_page_of_somebody_else_hears_nothing(site: Console, headers: dict[str, str]) -> None:
    ada = browser.inside(site, "ada")

    with listening(site, cookie(ada) | headers) as heard:
        assert heard.status == 403


def test_who_is_limited_to_a_group_hears_of_its_devices_alone(site: Console) -> None:
    for name in ("ours", "theirs"):
        site.good("POST", "/devices", {"device": name})
    site.good("PUT", "/groups/hall-3", {})
    site.good("POST", "/groups/hall-3/members", {"add": ["ours"]})
    eve = browser.inside(site, "eve", Role.OPERATOR, groups=frozenset({"hall-3"}))

    with listening(site, cookie(eve)) as heard:
        assert heard.event()[0] == "hello"
        site.good("PUT", "/devices/theirs/notes", {"notes": "secret"})
        site.good("PUT", "/devices/ours/notes", {"notes": "n"})
        found = heard.until("device", "ours")

    assert ["device", "theirs"] not in found


def test_each_topic_is_told_and_the_factory_s_not_to_who_is_limited_to_groups(
    site: Console,
) -> None:
    site.good("PUT", "/groups/hall-3", {})
    eve = browser.inside(site, "eve", Role.OPERATOR, groups=frozenset({"hall-3"}))
    notices = site.running.office.notices

    with listening(site, bearer(site)) as all_, listening(site, cookie(eve)) as some:
        assert (all_.event()[0], some.event()[0]) == ("hello", "hello")
        for topic in Topic:
            site.loop.call_soon_threadsafe(notices.tell, "default", topic, "")
        # In the order in which they were told: the last one ends it.
        told, limited = all_.until(list(Topic)[-1], ""), some.until("group", "")

    assert {topic for topic, _subject in told} == set(Topic)
    assert "campaign" in str(limited)
    assert "factory" not in str(limited)


def test_no_change_of_another_tenant_is_told(shared: Console) -> None:
    office = shared.running.office

    with listening(shared, bearer(shared)) as heard:
        assert heard.event()[0] == "hello"
        shared.loop.call_soon_threadsafe(
            lambda: office.notices.tell("them", Topic.DEVICE, "theirs")
        )
        shared.good("PUT", "/devices/unit-1/notes", {"notes": "n"})
        found = heard.until("device", "unit-1")

    assert ["device", "theirs"] not in found


def test_a_stream_ends_when_its_session_has_ended(
    tmp_path: Path, pki: Pki, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.Stream.__init__, "__kwdefaults__", {"heartbeat_s": 0.2})
    with console.running(tmp_path / "console", pki, keys) as site:
        ada = browser.inside(site, "ada")

        with listening(site, cookie(ada)) as heard:
            assert heard.event()[0] == "hello"
            ada.good("DELETE", "/session")
            names = {heard.event()[0] for _one in range(12)}

            assert "bye" in names
            assert heard.answer.read() == b""


def test_a_page_that_is_gone_is_not_counted_any_longer(site: Console) -> None:
    with listening(site, bearer(site)) as heard:
        assert heard.event()[0] == "hello"
        assert listeners(site) == 1

    for _one in range(400):
        if listeners(site) == 0:
            break
        time.sleep(0.1)
    assert listeners(site) == 0


def test_one_person_can_not_take_all_connections(
    site: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "OF_ONE_MOST", 1)
    ada, bob = browser.inside(site, "ada"), browser.inside(site, "bob")

    with listening(site, cookie(ada)) as first, listening(site, cookie(ada)) as second:
        assert (first.status, second.status) == (200, 429)
        assert second.answer.getheader("Retry-After")
        with listening(site, cookie(bob)) as other:
            assert other.status == 200


def test_a_console_that_ends_ends_its_streams(tmp_path: Path, pki: Pki, keys: Path) -> None:
    with ExitStack() as stack:
        with console.running(tmp_path / "console", pki, keys) as site:
            heard = stack.enter_context(listening(site, bearer(site)))
            assert heard.event()[0] == "hello"
            began_s = time.monotonic()

        assert heard.answer.read() == b""
    assert time.monotonic() - began_s < 4
