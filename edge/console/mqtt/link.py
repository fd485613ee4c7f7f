"""The link to devices through a broker: orders down, all else up, over the desk.

The broker only carries. What a device should run is retained there, and put right whenever the link
comes back: what is stale is replaced, what nobody wants any more is deleted. What devices say is
taken one after the other for each device, some devices at once.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.console.desk import BrokerDesk, Caller, Via
from edge.console.mqtt.asking import Asking
from edge.console.mqtt.carrying import Carrying
from edge.console.mqtt.client import Address, MqttClient, properties
from edge.console.mqtt.inbox import Bucket, Inbox, Message, What
from edge.console.store.database import StoreError
from edge.errors import EdgeError, LinkError, ThingNotFoundError
from edge_agent.backoff import Backoff
from edge_signing import messages, topics
from edge_signing.commands import Reply
from edge_signing.errors import FormatError, SigningError
from edge_signing.messages import BLOCK_MOST_BYTES, Status, Want
from edge_signing.terminal import parcels

logger = logging.getLogger(__name__)

ALL_DESIRED: Final = topics.desired("x").replace("/x/", "/+/")
_HEARD: Final = (
    topics.ALL_EVENTS,
    topics.ALL_WANTS,
    topics.ALL_STATES,
    topics.ALL_ONLINE,
    topics.ALL_REPLIES,
    topics.ALL_TERMINALS,
)
_BLOCK_EXPIRY_S: Final = 60
_SETTLE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """What the link does at once, and for one device.

    Attributes:
        workers: How many devices are looked at at once.
        blocks_bytes_per_s: What one device gets in blocks.
        blocks_burst_bytes: What it may get at once.
        renew_s: How often the desk is asked for each order again, which it may sign anew.
        retry_s: After which a message is looked at again that could not be stored.
    """

    workers: int = 16
    blocks_bytes_per_s: int = 1 << 20
    blocks_burst_bytes: int = 8 * BLOCK_MOST_BYTES
    renew_s: float = 600.0
    retry_s: float = 2.0


class MqttLink:
    """The console as a client of its broker. For one event loop.

    Attributes:
        carrying: Sends parcels to terminals.
        there: Set while the broker is there and its orders are the right ones.

    Args:
        desk: Takes what devices say.
        address: Returns where the broker is; asked at each attempt.
        backoff: How long to wait between attempts.
        clock: Seconds on a monotonic clock.
    """

    def __init__(
        self,
        desk: BrokerDesk,
        address: Callable[[], Address],
        *,
        limits: LinkLimits | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.there = asyncio.Event()
        self._desk = desk
        self._asking = Asking(desk, self._publish_with)
        self.carrying = Carrying(self._publish_with)
        self._address = address
        self._limits = limits or LinkLimits()
        self._backoff = backoff or Backoff(random.SystemRandom().random, first_s=0.5, most_s=10)
        self._clock = clock
        self._client: MqttClient | None = None
        self._again = asyncio.Event()
        self._all = asyncio.Event()
        self._inboxes: dict[str, Inbox] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._changed: asyncio.Queue[str] = asyncio.Queue()
        # What the broker retains for each device, as far as the link knows.
        self._retained: dict[str, bytes] = {}
        self._publishing = asyncio.Lock()
        self._settled = asyncio.Event()
        self._marker = ""

    async def run(self) -> None:
        """Keep the link until it is cancelled; then say goodbye."""
        async with asyncio.TaskGroup() as tasks:
            for _number in range(self._limits.workers):
                tasks.create_task(self._look())
            tasks.create_task(self._put_right())
            tasks.create_task(self._asking.run())
            tasks.create_task(self._renew())
            try:
                while True:
                    await self._once()
            finally:
                self.there.clear()
                if self._client is not None:
                    await self._client.disconnect()

    def try_now(self) -> None:
        """End a wait for the next attempt: the broker is running."""
        self._again.set()

    def tell(self, _tenant: str, device: str) -> None:
        """Look again at what is wanted of a device: it may be something else, or nothing."""
        self._changed.put_nowait(device)

    def look_again(self) -> None:
        """Look again at what is wanted of all devices."""
        self._all.set()

    def ask(self, _tenant: str, device: str) -> None:
        """Tell a device what is asked of it once."""
        self._asking.ask(device)

    def shut_out(self, _tenant: str, device: str) -> None:
        """Delete all that the broker retains of a device that is let in no longer."""
        inbox = self._inboxes.get(device)
        if inbox is not None:
            inbox.clear()
        self._changed.put_nowait(device)
        self._unsay(device)

    def _unsay(self, device: str) -> None:
        """Delete what the broker retains of what was said in the name of a device."""
        with suppress(LinkError):
            self._publish(topics.state(device), b"", retain=True)
            self._publish(topics.online(device), b"", retain=True)

    def wake(self) -> None:
        """Ask all devices to poll.

        Raises:
            LinkError: The broker is not there.
        """
        self._publish(topics.WAKE, b"", qos=0)

    async def _once(self) -> None:
        """Connect, and return when the broker was lost, and it is time for another attempt."""
        self._again.clear()
        try:
            await self._connect()
        except EdgeError as error:
            logger.warning("%s", error)
            if self._client is not None:
                await self._client.disconnect()
        else:
            self._backoff.reset()
            self.there.set()
            logger.info("the broker is there")
            client = self._client
            if client is not None:
                await client.lost.wait()
                logger.warning("the broker is lost: %s", client.reason)
        self.there.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._backoff.next_s()):
                await self._again.wait()

    async def _connect(self) -> None:
        # Nobody knows the name, so nobody takes the place. No device can have it: it has a dot.
        name = f"console.{secrets.token_hex(8)}"
        self._marker = f"edge/v1/console/{name}"
        self._settled.clear()
        self._retained.clear()
        self._client = MqttClient(self._address(), name, hear=self._hear)
        await self._client.connect()
        await self._client.subscribe(ALL_DESIRED, self._marker)
        # Comes back after all that is retained.
        self._client.publish(self._marker, b"")
        try:
            await asyncio.wait_for(self._settled.wait(), _SETTLE_S)
        except TimeoutError as error:
            raise LinkError("the broker does not give back what is said to it") from error
        await self._client.unsubscribe(ALL_DESIRED, self._marker)
        wanted = {caller.device for caller in await self._desk.ordered()}
        for device in sorted(wanted | set(self._retained)):
            await self._publish_desired(device)
        await self._client.subscribe(*_HEARD)
        await self._asking.ask_all()

    async def _put_right(self) -> None:
        while True:
            device = await self._changed.get()
            try:
                await self._publish_desired(device)
            except StoreError as error:
                logger.warning("%s: %s", device, error)
                self._later(self.tell, "", device)
            except LinkError:
                # While the broker is away there is nothing to do: coming back, all is looked at.
                pass
            except (EdgeError, SigningError, OSError) as error:
                logger.warning("%s: %s", device, error)

    def _later(self, act: Callable[..., None], *words: object) -> None:
        asyncio.get_running_loop().call_later(self._limits.retry_s, act, *words)

    async def _renew(self) -> None:
        """Look at all orders now and then: what signs them ends."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.renew_s):
                    await self._all.wait()
            self._all.clear()
            try:
                wanted = {caller.device for caller in await self._desk.ordered()}
            except EdgeError as error:
                logger.warning("%s", error)
                wanted = set()
                self._later(self.look_again)
            for device in wanted | set(self._retained):
                self._changed.put_nowait(device)

    async def _publish_desired(self, device: str) -> None:
        # One after the other, or an older answer of the desk might come after a newer one.
        async with self._publishing:
            caller = await self._desk.vouched(device, Via.MQTT)
            wanted = (await self._desk.desired(caller) if caller else None) or b""
            if self._retained.get(device, b"") != wanted:
                self._publish(topics.desired(device), wanted, retain=True)
                self._retained[device] = wanted
            if not wanted:
                self._retained.pop(device, None)

    def _hear(self, message: MQTTMessage) -> None:
        if message.topic == self._marker:
            self._settled.set()
            return
        try:
            device = topics.device_of(message.topic)
        except FormatError:
            return
        last = message.topic.rpartition("/")[2]
        if last == "desired":
            self._retained[device] = bytes(message.payload)
        elif last in set(What) and message.payload:
            word = getattr(message.properties, "CorrelationData", b"")
            self._keep(device, Message(What(last), bytes(message.payload), word))

    def _keep(self, device: str, message: Message) -> None:
        if message.is_too_long:
            logger.warning("%s: %s bytes are too many", device, len(message.payload))
            return
        inbox = self._inboxes.get(device)
        if inbox is None:
            burst = self._limits.blocks_burst_bytes
            bucket = Bucket(self._limits.blocks_bytes_per_s, burst, burst, self._clock())
            inbox = self._inboxes[device] = Inbox(bucket)
        inbox.put(message)
        if not (inbox.is_paused and inbox.has_wants_only):
            self._make_ready(device, inbox)

    def _make_ready(self, device: str, inbox: Inbox) -> None:
        if not inbox.is_ready:
            inbox.is_ready = True
            self._ready.put_nowait(device)

    async def _look(self) -> None:
        while True:
            device = await self._ready.get()
            inbox = self._inboxes.get(device)
            if inbox is None:
                continue
            try:
                await self._empty(device, inbox)
            except StoreError as error:
                # What waits is kept; the device goes on saying what is news.
                logger.warning("%s: %s", device, error)
                self._later(self._look_again, device, inbox)
                continue
            except (EdgeError, SigningError, OSError) as error:
                logger.warning("%s: %s", device, error)
            self._settle(device, inbox)

    def _look_again(self, device: str, inbox: Inbox) -> None:
        # It stays ready meanwhile, so that nobody else looks.
        if self._inboxes.get(device) is inbox:
            self._ready.put_nowait(device)

    def _settle(self, device: str, inbox: Inbox) -> None:
        """Look at an inbox again at once, later, or not until something comes."""
        inbox.is_ready = False
        wait_s = inbox.bucket.wait_s(self._clock())
        if inbox.is_empty:
            if inbox.bucket.is_full and not inbox.is_paused:
                self._inboxes.pop(device, None)
        elif inbox.has_wants_only and wait_s:
            if not inbox.is_paused:
                inbox.is_paused = True
                asyncio.get_running_loop().call_later(wait_s, self._go_on, device, inbox)
        else:
            self._make_ready(device, inbox)

    def _go_on(self, device: str, inbox: Inbox) -> None:
        inbox.is_paused = False
        self._make_ready(device, inbox)

    async def _empty(self, device: str, inbox: Inbox) -> None:
        caller = await self._desk.vouched(device, Via.MQTT)
        if caller is None:
            logger.info("%s: not let in", device)
            inbox.clear()
            # Or it would be heard again when the device is let in.
            self._unsay(device)
            return
        for message in inbox.take():
            try:
                await self._take(caller, message)
            except StoreError:
                inbox.put_back(message)
                raise
            except FormatError as error:
                logger.warning("%s: %s: %s", device, message.what, error)
        is_time = inbox.bucket.wait_s(self._clock()) == 0
        want = inbox.next_want() if is_time else None
        if want is not None:
            inbox.bucket.take(await self._give(caller, want))

    async def _take(self, caller: Caller, message: Message) -> None:
        match message.what:
            case What.STATE:
                await self._desk.take_status(caller, Status.unpack(message.payload))
            case What.ONLINE:
                boot_id, is_online = messages.unpack_online(message.payload)
                await self._desk.take_online(caller, boot_id, is_online=is_online)
                if is_online:
                    await self._asking.give(caller)
                    self.carrying.carry(caller.device, self._desk.terminal_of(caller))
            case What.EVENTS:
                events = messages.unpack_events(message.payload)
                stored = await self._desk.take_events(caller, events)
                self._publish(topics.stored(caller.device), messages.pack_stored(stored))
            case What.REPLY:
                await self._desk.take_reply(caller, Reply.unpack(message.payload))
            case What.TERMINAL:
                await self._desk.take_parcels(caller, parcels.unpack(message.payload))
            case What.WANT:
                pass

    async def _give(self, caller: Caller, message: Message) -> int:
        """Send a block; return how many bytes it has."""
        want = Want.unpack(message.payload)
        said: dict[str, object] = {
            "CorrelationData": message.word,
            "MessageExpiryInterval": _BLOCK_EXPIRY_S,
        }
        block = b""
        try:
            block = await self._desk.block(caller, want)
        except ThingNotFoundError:
            said["UserProperty"] = ("status", "404")
        packed = properties(PacketTypes.PUBLISH, **said)
        self._publish(topics.block(caller.device), block, said=packed)
        return len(block)

    def _publish_with(self, topic: str, payload: bytes, said: Properties) -> None:
        self._publish(topic, payload, said=said)

    def _publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        said: Properties | None = None,
    ) -> None:
        if self._client is None:
            raise LinkError("the broker is not there")
        self._client.publish(topic, payload, qos=qos, retain=retain, said=said)
