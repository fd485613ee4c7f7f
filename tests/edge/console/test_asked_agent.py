"""A device is asked whose agent is put together as on a real one; only its folders are made up."""

import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent import device
from edge_agent.device import Places, Waker
from edge_agent.links.http import HttpLink
from edge_agent.reach import device as reach
from tests.agent.conftest import device_in
from tests.agent.links.conftest import eventually
from tests.fakes.console import Console

NAME = "asked-agent"


@pytest.fixture
def places(shared: Console, tmp_path: Path) -> Places:
    """The folders of a device, with a service that has said something."""
    folder = tmp_path / "device"
    folder.mkdir()
    made = replace(device_in(folder).places, config=folder / "config", state=folder / "state")
    made.etc.mkdir()
    settings = {"http": shared.url, "reach": {"restart": False}}
    (made.etc / "agent.json").write_text(json.dumps(settings))
    shutil.copytree(shared.identity(NAME).certificate.parent, made.data / "identity")
    (made.state / "log" / "web").mkdir(parents=True)
    (made.state / "log" / "web" / "current").write_text("2026-11-26 10:00:00.0  hello\n")
    return made


def test_an_agent_answers_as_it_is_put_together(shared: Console, places: Places) -> None:
    shared.good("POST", "/devices", {"device": NAME})
    path = f"/devices/{NAME}/commands"
    bodies = (
        {"word": "logs", "service": "web"},
        {"word": "inventory"},
        {"word": "restart", "service": "web"},
    )

    def states() -> list[str]:
        return [one["state"] for one in shared.good("GET", path)["commands"]]

    waker = Waker()
    with closing(device.agent(places, waker)) as agent:
        link = waker.link
        assert isinstance(link, HttpLink)
        asked = reach.start(places, agent, link)
        assert asked is not None
        with closing(asked):
            link.desired()
            made = [shared.good("POST", path, body)["command"] for body in bodies]
            link.desired()
            assert eventually(lambda: "open" not in states())

    said = [shared.good("GET", f"{path}/{one}") for one in made]
    assert [one["state"] for one in said] == ["done", "failed", "refused"]
    assert said[0]["content"] == "2026-11-26 10:00:00.0  hello\n"
    assert "request" in said[1]["reason"]  # there is no init to ask


def test_a_device_without_a_server_is_asked_nothing(places: Places) -> None:
    (places.etc / "agent.json").write_text("{}")
    with closing(device.agent(places, Waker())) as agent:
        assert reach.start(places, agent, None) is None
