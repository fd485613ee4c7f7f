"""The broker as the console uses it: start it, and let devices in no longer.

A device that is shut out loses all rights by the rules of its door, and its connection by somebody
who takes its place: under its client id, through the console's own door. So nobody's authority is
needed. A certificate on the list of revoked ones does not even get in.

Source: seen with Mosquitto 2.0.21: rules and lists are read again at SIGHUP, but a connection
that is there stays; §3.1.4 of MQTT 5.0: a second connection with a client id closes the first.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from edge import atomic, toolbox
from edge.console.broker import credentials
from edge.console.broker.child import Child
from edge.console.broker.configuration import (
    CONSOLE_ACL,
    CONSOLE_RULES,
    DEVICES_ACL,
    BrokerSettings,
    configuration,
    device_rules,
)
from edge.console.broker.lines import Connected, Line, Running
from edge.console.mqtt.client import Address, MqttClient
from edge.errors import EdgeError, ToolError
from edge_agent.backoff import Backoff
from edge_signing.errors import FormatError
from edge_signing.trust.names import check_device

logger = logging.getLogger(__name__)

LIST: Final = "revoked.crl"
_NOBODY: Final = "console.nobody"
_KICKS_MOST: Final = 20  # at once


class Broker:
    """Mosquitto, its rules, and who is shut out. For one event loop.

    Attributes:
        on_running: Called each time when it takes connections.
        on_connected: Called with the name of each device that has connected and is not shut out.

    Args:
        settings: Where it is and what it trusts.
        now: Returns the time.
        backoff: How long to wait before it is started again.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        backoff: Backoff | None = None,
    ) -> None:
        self.on_running: list[Callable[[], None]] = []
        self.on_connected: list[Callable[[str], None]] = []
        self._settings = settings
        self._now = now
        self._file = settings.folder / "mosquitto.conf"
        self._shut_out: set[str] = set()
        self._kicks = asyncio.Semaphore(_KICKS_MOST)
        self._kicking: dict[str, asyncio.Task[None]] = {}
        self._changing = asyncio.Lock()
        words = [*toolbox.tool("mosquitto"), "-c", str(self._file)]
        self._child = Child(words, self._hear, backoff=backoff)

    @property
    def starts(self) -> int:
        """How often it was started."""
        return self._child.starts

    @property
    def is_running(self) -> bool:
        """Whether it takes connections."""
        return self._child.running.is_set()

    @property
    def shut_out_now(self) -> frozenset[str]:
        """The devices that are shut out."""
        return frozenset(self._shut_out)

    @property
    def pid(self) -> int:
        """The id of its process; 0 for none."""
        return self._child.pid

    @property
    def address(self) -> Address:
        """The console's door."""
        own = credentials.Pass.of(self._settings.inner)
        return Address(credentials.LOOPBACK, self._settings.console_port, own.context())

    async def start(self, shut_out: Iterable[str] = (), *, revoked: bytes = b"") -> None:
        """Write all files and start it.

        Args:
            shut_out: Devices that have no rights.
            revoked: Lists of revoked certificates in PEM, if the settings name none.

        Raises:
            ToolError: It is missing, or does not start.
        """
        folder = self._settings.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._shut_out = {device for device in shut_out if _is_device(device)}
        if revoked:
            self._settings = self._with_list(revoked)
        credentials.make(self._settings.inner, self._now())
        self._write(CONSOLE_ACL, CONSOLE_RULES)
        self._write_rules()
        self._write("mosquitto.conf", configuration(self._settings))
        await self._child.start()

    async def stop(self) -> None:
        """End it."""
        kicks = list(self._kicking.values())
        for kick in kicks:
            kick.cancel()
        await asyncio.gather(*kicks, return_exceptions=True)
        await self._child.stop()

    async def shut_out(self, *devices: str) -> None:
        """Take all rights of devices, and their connections, at once; stays so until `let_in`.

        The list of revoked certificates is read again too.

        Raises:
            FormatError: A name can not be that of a device.
            ToolError: The broker does not read its rules; it is as if nobody had asked.
        """
        for device in devices:
            check_device(device)
        async with self._changing:
            await self._deny(self._shut_out | set(devices))
        await self.throw_out(*devices)

    async def let_in(self, *devices: str) -> None:
        """Give devices their rights back.

        Whoever has such a name and came before does not keep its connection: the lists of now are
        read first, which ends what TLS would resume, then all are thrown out. Again afterwards, so
        that who came meanwhile is not left without what is retained for it.
        """
        async with self._changing:
            await self._reload()
            await self.throw_out(*devices)
            await self._deny(self._shut_out - set(devices))
        await self.throw_out(*devices)

    async def throw_out(self, *devices: str) -> None:
        """Close the connections of devices; they may come again."""
        await asyncio.gather(*(self._kick(device) for device in devices))

    async def take_list(self, pem: bytes, authorities: bytes = b"") -> None:
        """Refuse the certificates on lists from now on; on none, if there is no list.

        Only to begin and to end with lists needs a restart of the broker.

        Args:
            pem: The lists.
            authorities: Those of devices from now on, if they are others.

        Raises:
            ToolError: It does not read them, or does not come back.
        """
        async with self._changing:
            if authorities:
                with atomic.file(self._settings.device_ca, durable=False) as stream:
                    stream.write(authorities)
            wanted = self._with_list(pem)
            if bool(wanted.revoked) == bool(self._settings.revoked):
                self._settings = wanted
                await self._reload()
                return
            self._write("mosquitto.conf", configuration(wanted))
            await self._child.restart()
            # Not before it has happened: who asks again is not to be told that it has.
            self._settings = wanted

    def _with_list(self, pem: bytes) -> BrokerSettings:
        if not pem:
            return replace(self._settings, revoked=None)
        with atomic.file(self._settings.folder / LIST, durable=False) as stream:
            stream.write(pem)
        return replace(self._settings, revoked=self._settings.folder / LIST)

    async def _deny(self, devices: set[str]) -> None:
        before, self._shut_out = self._shut_out, devices
        try:
            self._write_rules()
            await self._reload()
        except (ToolError, OSError):
            self._shut_out = before
            raise

    async def _reload(self) -> None:
        # Mosquitto forgets the signal while it still reads (2.0.21, `flag_reload`): who is answered
        # knows that it does not.
        if self.is_running:
            await self._kick(_NOBODY)
        await self._child.reload()

    def _write_rules(self) -> None:
        self._write(DEVICES_ACL, device_rules(self._shut_out))

    def _write(self, name: str, text: str) -> None:
        with atomic.file(self._settings.folder / name, mode=0o600, durable=False) as stream:
            stream.write(text.encode())

    def _hear(self, line: Line) -> None:
        match line:
            case Running():
                for listener in self.on_running:
                    listener()
            # At the console's door the two differ.
            case Connected(client, user) if client == user:
                self._meet(client)
            case _:
                pass

    def _meet(self, client: str) -> None:
        if not self._may_stay(client):
            self._kick_later(client)
            return
        for listener in self.on_connected:
            listener(client)

    def _may_stay(self, client: str) -> bool:
        return client not in self._shut_out and _is_device(client)

    def _kick_later(self, client: str) -> None:
        if client in self._kicking:
            return
        task = asyncio.create_task(self._kick(client))
        self._kicking[client] = task
        task.add_done_callback(lambda _task: self._kicking.pop(client, None))

    async def _kick(self, client: str) -> None:
        """Take the place of a client, and leave: its connection is closed, its session deleted."""
        async with self._kicks:
            taker = MqttClient(self.address, client)
            try:
                await taker.connect()
            except EdgeError as error:
                logger.warning("can not throw %r out: %s", client, error)
                return
            try:
                await taker.disconnect()
            finally:
                taker.break_off()
            logger.debug("whoever was %r at the broker is there no longer", client)


def _is_device(name: str) -> bool:
    try:
        check_device(name)
    except FormatError:
        return False
    return True
