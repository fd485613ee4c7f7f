"""What devices are asked once, told through a broker: never retained, and gone when it expires."""

import asyncio
import logging
from collections.abc import Callable

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.console.desk import BrokerDesk, Caller, Via
from edge.console.mqtt.client import properties
from edge.errors import EdgeError
from edge_signing import topics

logger = logging.getLogger(__name__)


class Asking:
    """Tells devices all that they have not answered; what they know they do not do twice.

    Args:
        desk: Knows what is asked.
        publish: Gives a message to the broker, or raises `LinkError`.
    """

    def __init__(self, desk: BrokerDesk, publish: Callable[[str, bytes, Properties], None]) -> None:
        self._desk, self._publish = desk, publish
        self._devices: asyncio.Queue[str] = asyncio.Queue()

    def ask(self, device: str) -> None:
        """Tell a device, when it is its turn."""
        self._devices.put_nowait(device)

    async def ask_all(self) -> None:
        """Tell all that have something to answer: the broker is there again."""
        for caller in await self._desk.asked():
            self.ask(caller.device)

    async def run(self) -> None:
        """Tell one device after the other, until it is cancelled."""
        while True:
            device = await self._devices.get()
            try:
                caller = await self._desk.vouched(device, Via.MQTT)
                if caller is not None:
                    await self.give(caller)
            except EdgeError as error:
                # Coming back, the broker is told all that is open.
                logger.info("%s: not asked now: %s", device, error)

    async def give(self, caller: Caller) -> None:
        """Tell a device now.

        Raises:
            LinkError: The broker is not there.
        """
        for command in await self._desk.commands(caller):
            said = properties(PacketTypes.PUBLISH, MessageExpiryInterval=command.expires_in_s)
            self._publish(topics.command(caller.device), command.pack(), said)
