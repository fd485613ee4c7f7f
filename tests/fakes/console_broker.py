"""The console's broker on free ports, with the certificates of a test."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from edge.console.broker.broker import Broker
from edge.console.broker.configuration import BrokerSettings
from edge.console.mqtt.client import Address, MqttClient
from edge_agent.backoff import Backoff
from edge_agent.identity import Identity
from edge_agent.links import tls
from tests.fakes.pki import Pki
from tests.fakes.ports import free_ports


def settings(folder: Path, pki: Pki) -> BrokerSettings:
    port, console_port = free_ports(2)
    return BrokerSettings(
        folder=folder,
        port=port,
        console_port=console_port,
        certificate=pki.folder / "server.crt",
        key=pki.folder / "server.key",
        device_ca=pki.factory.file,
        revoked=pki.revoked,
        address="127.0.0.1",
    )


@asynccontextmanager
async def running(chosen: BrokerSettings, *shut_out: str) -> AsyncIterator[Broker]:
    """Run a broker; it comes back at once when it was killed."""
    broker = Broker(chosen, backoff=Backoff(lambda: 0.0))
    await broker.start(shut_out)
    try:
        yield broker
    finally:
        await broker.stop()


def door(chosen: BrokerSettings, identity: Identity) -> Address:
    """Return the door of devices, as one of them goes through it."""
    return Address("127.0.0.1", chosen.port, tls.context(identity))


async def _run_for_ever(folder: Path, pki: Pki, port: int, console_port: int) -> None:
    chosen = replace(settings(folder, pki), port=port, console_port=console_port)
    async with running(chosen) as broker:
        # It has just begun to run when it says so, and forgets signals of before.
        client = MqttClient(broker.address, "console.test")
        await client.connect()
        print(broker.pid, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(
        _run_for_ever(Path(sys.argv[1]), Pki(Path(sys.argv[2])), int(sys.argv[3]), int(sys.argv[4]))
    )
