"""The real Mosquitto reads its rules and lists again while it runs."""

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import LinkError
from edge_agent.links import tls
from edge_signing import topics
from tests.edge.console.broker.test_broker import WAIT_S, Bench
from tests.edge.console.broker.test_broker import _run as run
from tests.fakes import console_broker
from tests.fakes.pki import Pki

pytestmark = pytest.mark.tools

# MQTT 5.0 §3.1: a clean start as gw-1, kept alive for 60 s, no properties.
CONNECT = bytes.fromhex("1011 0004 4d515454 05 02 003c 00 0004") + b"gw-1"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.make(tmp_path_factory.mktemp("pki"))


def test_a_list_of_revoked_certificates_is_read_without_a_restart(tmp_path: Path) -> None:
    own = Pki.make(tmp_path / "pki")

    async def act(bench: Bench) -> None:
        device, other = bench.device("gw-1"), bench.device("gw-2")
        await device.connect()
        await other.connect()

        own.revoke("gw-1")
        await bench.broker.shut_out("gw-1")
        await bench.broker.let_in("gw-1")
        await asyncio.wait_for(device.lost.wait(), WAIT_S)

        with pytest.raises(LinkError):
            await device.connect()
        assert other.is_there
        assert bench.broker.starts == 1
        await other.disconnect()

    run(tmp_path, own, act)


def test_rules_that_change_while_others_are_read_hold_all_the_same(
    tmp_path: Path, pki: Pki
) -> None:
    async def act(bench: Bench) -> None:
        names = [f"gw-{number}" for number in range(1, 9)]
        for name in names:
            await bench.broker.shut_out(name)
        device = bench.device("gw-1")
        await bench.broker.let_in("gw-1")
        console = bench.console()
        await console.connect()
        await console.subscribe("edge/v1/#")
        await device.connect()
        device.publish(topics.events("gw-1"), b"here")

        assert await bench.next() == ("console", topics.events("gw-1"), b"here")
        await device.disconnect()
        await console.disconnect()

    run(tmp_path, pki, act)


def test_lists_begin_and_end_with_a_restart_and_change_without(tmp_path: Path) -> None:
    own = Pki.make(tmp_path / "pki")

    async def act() -> None:
        chosen = replace(console_broker.settings(tmp_path / "broker", own), revoked=None)
        async with console_broker.running(chosen) as broker:
            bench = Bench(chosen, own, broker)
            device, other = bench.device("gw-1"), bench.device("gw-2")
            own.revoke("gw-1")
            await device.connect()

            await broker.take_list(own.revoked.read_bytes())
            await asyncio.wait_for(device.lost.wait(), WAIT_S)
            with pytest.raises(LinkError):
                await device.connect()
            own.factory.revoke()
            await broker.take_list(own.revoked.read_bytes())
            await device.connect()
            starts = broker.starts
            await broker.take_list(b"")
            await other.connect()

            assert (starts, broker.starts) == (2, 3)
            await other.disconnect()

    asyncio.run(act())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_of_tls_is_not_resumed_with_a_certificate_that_was_revoked_meanwhile(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    own = Pki.make(tmp_path / "pki")
    context = tls.context(own.identity("gw-1"))
    context.maximum_version = version

    async def act(bench: Bench) -> None:
        def resumed(before: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
            plain = socket.create_connection(("127.0.0.1", bench.settings.port), timeout=WAIT_S)
            with context.wrap_socket(plain, server_hostname="127.0.0.1", session=before) as secure:
                secure.sendall(CONNECT)
                if not secure.recv(4):
                    raise ConnectionResetError
                return bool(secure.session_reused), secure.session

        _is_resumed, session = await asyncio.to_thread(resumed, None)
        before = (await asyncio.to_thread(resumed, session))[0]
        own.revoke("gw-1")
        await bench.broker.take_list(own.revoked.read_bytes())

        assert before
        with pytest.raises(OSError):  # noqa: PT011  # the alert, or the end of the connection
            await asyncio.to_thread(resumed, session)

    run(tmp_path, own, act)


def test_rules_that_could_not_be_written_count_as_not_there(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(bench: Bench) -> None:
        def full(_path: Path, **_words: object) -> None:
            raise OSError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr("edge.atomic.file", full)
            with pytest.raises(OSError, match="full"):
                await bench.broker.shut_out("gw-1")
            with pytest.raises(OSError, match="full"):
                await bench.broker.take_list(pki.revoked.read_bytes())

        assert bench.broker.shut_out_now == frozenset()
        await bench.broker.shut_out("gw-1")
        assert bench.broker.shut_out_now == {"gw-1"}

    run(tmp_path, pki, act)
