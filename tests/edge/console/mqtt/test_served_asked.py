"""The whole console with its broker asks devices: executor and links are those of agents."""

import os
import signal
import threading
from pathlib import Path
from random import Random

import pytest

from edge.cli.main import main
from edge_signing import topics
from edge_signing.commands import Reply, replies
from tests.agent.links.conftest import eventually
from tests.agent.reach.bench import FakeWork
from tests.edge.console.mqtt.test_served import bound, keys, site, there
from tests.fakes import asked_device
from tests.fakes.console import Console

__all__ = ["keys", "site"]  # fixtures

pytestmark = [
    pytest.mark.tools,
    # paho leaves the socket of a handshake that fails to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def ask(site: Console, device: str, word: str = "logs", **more: object) -> str:
    return str(site.good("POST", f"/devices/{device}/commands", {"word": word, **more})["command"])


def state(site: Console, device: str, command: str) -> str:
    return str(site.good("GET", f"/devices/{device}/commands/{command}")["state"])


def test_a_device_answers_over_mqtt_at_once(site: Console, tmp_path: Path) -> None:
    bound(site, "asked-1")
    work = FakeWork(said=b"".join(b"%x\n" % Random(1).getrandbits(64) for _line in range(50_000)))
    with asked_device.running(tmp_path, there(site, "asked-1"), None, work):
        command = ask(site, "asked-1", lines=10_000)
        assert eventually(lambda: state(site, "asked-1", command) == "done")

    shown = site.good("GET", f"/devices/asked-1/commands/{command}")
    assert shown["content"] == work.said.decode()


def test_a_device_that_was_away_is_told_when_it_comes(site: Console, tmp_path: Path) -> None:
    bound(site, "asked-2")
    command = ask(site, "asked-2", "restart", service="web")
    work = FakeWork()

    with asked_device.running(tmp_path, there(site, "asked-2"), None, work):
        assert eventually(lambda: state(site, "asked-2", command) == "done")

    assert work.done == ["restart web"]


def test_a_broker_that_was_killed_costs_no_answer(site: Console, tmp_path: Path) -> None:
    bound(site, "asked-3")
    work, link = FakeWork(), there(site, "asked-3")
    with asked_device.running(tmp_path, link, None, work):
        mqtt = site.running.office.mqtt
        assert mqtt is not None
        os.kill(mqtt.pid, signal.SIGKILL)
        command = ask(site, "asked-3", "restart", service="web")
        assert eventually(lambda: state(site, "asked-3", command) == "done", within_s=20)

    assert work.done == ["restart web"]


def test_a_device_does_not_answer_for_another_over_mqtt(site: Console) -> None:
    bound(site, "asked-4", "asked-5")
    liar = there(site, "asked-5")
    command = ask(site, "asked-4")

    liar.send_reply(Reply(command, "done"))
    liar._session.publish(topics.reply("asked-4"), Reply(command, "done").pack())
    liar._session.publish(topics.reply("asked-5"), b"x" * 200_000)
    mine = ask(site, "asked-5")
    for part in replies(mine, "done", content=b"mine\n"):
        liar.send_reply(part)

    assert eventually(lambda: state(site, "asked-5", mine) == "done")
    assert state(site, "asked-4", command) == "open"


def test_a_revoked_device_hears_and_says_nothing(site: Console, tmp_path: Path) -> None:
    bound(site, "asked-6")
    work, link = FakeWork(), there(site, "asked-6")
    with asked_device.running(tmp_path, link, None, work):
        site.good("POST", "/devices/asked-6/revoke")
        assert eventually(lambda: not link.is_broker_there)

        refused = site.ask("POST", "/api/v1/devices/asked-6/commands", {"word": "logs"})

    assert refused.status == 409
    assert work.done == []


def test_simulated_devices_answer_by_either_link(site: Console) -> None:
    names = ["sim-ask-1", "sim-ask-2"]
    for name in names:
        site.good("POST", "/devices", {"device": name})
    words = ["-q", "simulate", "--json", "--devices", "2", "--prefix", "sim-ask", "--via", "both"]
    words += ["--ramp", "0", "--poll", "0.2", "--seconds", "5", "--mix", "ok=1"]
    words += ["--factory-ca", str(site.pki.factory.file)]
    words += ["--factory-key", str(site.pki.factory.key_file)]
    words += ["--server-ca", str(site.site.authority), "--http", site.url, "--mqtt", site.mqtt_url]
    living = threading.Thread(target=main, args=(words,))
    living.start()
    made = [(name, ask(site, name, word)) for name in names for word in ("inventory", "reboot")]
    made += [(name, ask(site, name, "restart", service="web")) for name in names]

    assert eventually(lambda: {state(site, *one) for one in made} == {"done"})
    living.join()
