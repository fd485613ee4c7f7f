"""What a device is asked by the API, and how it hears of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.console.notices import Notice, Topic
from edge.console.store.database import Database
from edge.console.store.tables import METADATA
from edge_agent.link import RefusedByServerError
from edge_agent.links.http import HttpLink
from edge_signing import commands
from edge_signing.commands import Command, Reply
from tests.agent.links.conftest import eventually
from tests.agent.reach.bench import FakeWork
from tests.edge.console.test_link_attacks import ask as ask_raw
from tests.fakes import asked_device
from tests.fakes.asked import Asked
from tests.fakes.console import Console
from tests.fakes.pki import Pki


def test_a_device_that_polls_answers_what_it_was_asked(asked: Asked, tmp_path: Path) -> None:
    link, work = asked.link, FakeWork(said=b"web 1 hello\n" * 30_000)
    with asked_device.running(tmp_path / "device", link, asked.link, work):
        command = asked.ask(service="web", lines=30_000 // 3)
        link.desired()
        assert eventually(lambda: asked.state(command) == "done")

    found = asked.shown(command)
    assert work.done == ["logs web 10000"]
    assert found["content"] == "web 1 hello\n" * 30_000
    assert found["length_bytes"] == len(found["content"])
    assert found["asked_by"].startswith("token:")
    assert found["answered_at_s"] >= found["asked_at_s"]


def test_a_device_that_is_asked_nothing_asks_nothing(asked: Asked) -> None:
    link = asked.link
    told: list[bool] = []
    link.on_asked = lambda: told.append(True)

    link.desired()
    asked.ask()
    link.desired()
    link.send_reply(Reply(link.commands()[0].id, "done"))
    link.desired()

    assert told == [True]
    assert link.commands() == ()


def test_it_is_said_with_an_order_that_has_not_changed_too(asked: Asked) -> None:
    asked.site.good("POST", "/deployments", {"device": asked.device, "version": "1"})
    link = asked.link
    told: list[bool] = []
    link.on_asked = lambda: told.append(True)
    order = link.desired()

    asked.ask()

    assert order is not None
    assert link.desired() == order
    assert told == [True]


def test_a_device_that_is_away_hears_it_when_it_is_back(asked: Asked) -> None:
    first, second = asked.ask(), asked.ask("inventory")

    found = asked.link.commands()

    assert [one.id for one in found] == [first, second]
    assert all(890 <= one.expires_in_s <= 900 for one in found)


def test_what_is_not_answered_in_time_is_given_up(asked: Asked) -> None:
    command = asked.ask()
    asked.change("expires_at_s = 1")

    expired = asked.expire()

    assert expired == 1
    assert asked.shown(command)["state"] == "expired"
    assert asked.link.commands() == ()
    assert asked.expire() == 0


def test_a_revoked_device_is_asked_nothing_and_answers_nothing(asked: Asked) -> None:
    command, link = asked.ask(), asked.link

    asked.site.good("POST", f"/devices/{asked.device}/revoke")

    with pytest.raises(RefusedByServerError):
        link.commands()
    with pytest.raises(RefusedByServerError):
        link.send_reply(Reply(command, "done"))
    assert asked.state(command) == "open"
    assert asked.try_to_ask("inventory") == 409


def test_another_tenant_sees_and_answers_nothing(asked: Asked, stranger: Pki, keys: Path) -> None:
    command = asked.ask()
    token = asked.site.other_tenant("acme", stranger, keys)

    for method, path, body in (
        ("GET", f"{asked.path}/{command}", None),
        ("GET", asked.path, None),
        ("POST", asked.path, {"word": "inventory"}),
    ):
        assert asked.site.ask(method, f"/api/v1{path}", body, token=token).status == 404


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"word": "shell"}, id="another word"),
        pytest.param({"word": "restart"}, id="restart of nothing"),
        pytest.param({"word": "reboot", "service": "web"}, id="reboot of a service"),
        pytest.param({"word": "inventory", "lines": 3}, id="lines of an inventory"),
        pytest.param({"word": "logs", "service": "../x"}, id="a path"),
        pytest.param({"word": "logs", "service": "web\n"}, id="two lines"),
        pytest.param({"word": "logs", "lines": 10_001}, id="too many lines"),
        pytest.param({"word": "logs", "expires_s": 1}, id="expires at once"),
        pytest.param({"word": "logs", "command": "id"}, id="another field"),
    ],
)
def test_nothing_but_the_words_can_be_asked(shared: Console, body: dict[str, object]) -> None:
    assert shared.ask("POST", "/api/v1/devices/unit-1/commands", body).status == 400


def test_a_device_that_answers_nothing_is_not_asked_for_ever(asked: Asked) -> None:
    for _number in range(16):
        asked.ask()

    assert asked.try_to_ask() == 409
    asked.site.good("POST", f"/devices/{asked.other}/commands", {"word": "logs"})


def test_of_a_device_the_newest_commands_are_kept(asked: Asked) -> None:
    link, made = asked.link, []
    for _number in range(24):
        made.append(asked.ask())
        link.send_reply(Reply(made[-1], "done"))

    kept = asked.all()

    assert len(kept) == 21
    assert made[-1] in kept


def test_what_is_old_is_forgotten(asked: Asked) -> None:
    command = asked.ask()
    asked.link.send_reply(Reply(command, "done", "", 1, True, b"half"))
    asked.change("asked_at_s = 1, expires_at_s = 2")

    asked.expire()

    assert asked.all() == []
    assert parts_of(asked.site.running.office.database, command) == 0


def parts_of(database: Database, command: str) -> int:
    asked = f"SELECT count(*) FROM command_parts WHERE command = '{command}'"
    return database.write_now(lambda one: int(one.exec_driver_sql(asked).scalar() or 0))


def test_each_question_is_in_the_log(asked: Asked) -> None:
    command = asked.ask("restart", service="web")

    entry = asked.site.good("GET", f"/audit?subject=device:{asked.device}")["entries"][-1]

    assert entry["act"] == "command.ask"
    assert entry["details"] == {
        "command": command, "lines": 0, "service": "web", "word": "restart",
    }  # fmt: skip


def test_only_who_may_reach_devices_can_ask_and_read(asked: Asked) -> None:
    command = asked.ask()
    scopes = ["devices:read", "devices:write", "deploy"]
    token = asked.site.good("POST", "/tokens", {"name": "n", "scopes": scopes})["text"]

    for method, path, body in (
        ("POST", asked.path, {"word": "inventory"}),
        ("GET", asked.path, None),
        ("GET", f"{asked.path}/{command}", None),
    ):
        assert asked.site.ask(method, f"/api/v1{path}", body, token=token).status == 403


def test_who_looks_on_is_told_of_the_question_of_the_answer_and_of_its_end(asked: Asked) -> None:
    notices, device = asked.site.running.office.notices, Notice(Topic.DEVICE, asked.device)
    heard: list[list[Notice]] = []

    async def listen(act: Callable[[], object]) -> None:
        with notices.listening("default") as ear:
            await asyncio.to_thread(act)
            heard.append([one for one in await ear.hear() if one == device])

    made: list[str] = []
    link = asked.link
    asked.site.wait(listen(lambda: made.append(asked.ask())))
    asked.site.wait(listen(lambda: link.send_reply(Reply(made[0], "done"))))
    asked.ask()
    asked.change("expires_at_s = 1")
    asked.site.wait(listen(lambda: asked.expire()))

    assert heard == [[device]] * 3


def test_an_agent_that_knows_no_commands_is_not_disturbed(asked: Asked) -> None:
    """One of before: it looks at no header, and asks for nothing."""
    asked.ask()
    link = asked.link

    status, body, headers = ask_raw(
        asked.site, asked.device, "GET", f"/v1/devices/{asked.device}/desired"
    )

    assert (status, body) == (204, b"")
    assert headers["Edge-Commands"] == "1"
    assert link.desired() is None


def test_a_console_that_knows_no_commands_gives_none(asked: Asked) -> None:
    class OldLink(HttpLink):
        def _path(self, what: str) -> str:
            return super()._path("nothing" if what == "commands" else what)

    link = OldLink(asked.site.url, asked.site.identity(asked.device))

    assert link.commands() == ()
    link.close()


def test_commands_are_in_backups() -> None:
    """A backup goes through the tables of the metadata."""
    assert {"commands", "command_parts"} <= set(METADATA.tables)


def test_a_command_is_told_with_the_time_that_is_left(asked: Asked) -> None:
    asked.ask(expires_s=commands.EXPIRY_MOST_S)

    found = asked.link.commands()[0]

    assert isinstance(found, Command)
    assert found.expires_in_s <= commands.EXPIRY_MOST_S
