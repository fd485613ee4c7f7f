"""The link by MQTT, with HTTP beside it: each does the other's work while that one is lost.

Orders come by themselves while the broker is there, and are asked for by HTTP while it is not.
Files come by HTTP, and in blocks over MQTT while HTTP does not pass.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from edge_agent.backoff import Backoff
from edge_agent.identity import Identity
from edge_agent.link import LinkError, RepositoryFiles
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt_blocks import ANSWER_S, MqttBlocks
from edge_agent.links.mqtt_session import Heard, MqttSession
from edge_signing import messages, topics
from edge_signing.commands import COMMANDS_MOST, Command, Reply
from edge_signing.errors import FormatError
from edge_signing.messages import MESSAGE_MOST_BYTES, Desired, EventId, ReportEvent, Status
from edge_signing.terminal import parcels
from edge_signing.terminal.parcels import Parcel

logger = logging.getLogger(__name__)

WAKE_S: Final = 60.0
SETTLE_S: Final = 2.0
STORED_S: Final = 15.0
# After so many breaks of HTTP in a row, files come over MQTT for a while.
HTTP_BREAKS: Final = 2
HTTP_AGAIN_S: Final = 600.0

_chance = random.SystemRandom().random


class MqttLink:
    """A server behind a broker.

    Args:
        url: `mqtts://host[:port]`.
        identity: Of this device.
        boot_id: Of this start of the system.
        http: The same server by HTTP, None where there is no way.
        wake_s: After a broadcast each device polls within so many seconds, at a random moment.
        answer_s: How long the server may take to answer over MQTT.
        chance: Returns a number from 0 to below 1.

    Raises:
        AddressError: The URL can not be used.
        IdentityError: The identity can not be used.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        boot_id: str,
        http: HttpLink | None,
        *,
        is_clock_known: Callable[[], bool] = lambda: True,
        backoff: Backoff | None = None,
        keepalive_s: int = 120,
        wake_s: float = WAKE_S,
        answer_s: float = ANSWER_S,
        stored_s: float = STORED_S,
        chance: Callable[[], float] = _chance,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = identity.device
        self._http = http
        self._wake_s, self._stored_s = wake_s, stored_s
        self._chance, self._clock = chance, clock
        self._changed = threading.Condition()
        self._desired: Desired | None = None
        self._has_heard = False
        self._settled_at = 0.0
        self._is_woken = False
        self._wake_at: float | None = None
        self._news = 0
        self._seen = 0
        self._stored: set[EventId] = set()
        self._take_command: Callable[[Command], None] | None = None
        self._early: deque[Command] = deque(maxlen=COMMANDS_MOST)
        self._take_parcels: Callable[[Sequence[Parcel]], None] | None = None
        self._early_parcels: deque[Sequence[Parcel]] = deque(maxlen=1)
        self._status = b""
        self._files: _EitherFiles | None = None
        self._blocks = MqttBlocks(self._want, answer_s=answer_s)
        self._session = MqttSession(
            url,
            identity,
            boot_id,
            hear=self._hear,
            changed=self._on_changed,
            keepalive_s=keepalive_s,
            is_clock_known=is_clock_known,
            backoff=backoff,
            clock=clock,
        )
        self._session.open()

    @property
    def http(self) -> HttpLink | None:
        """The same server by HTTP."""
        return self._http

    @property
    def is_broker_there(self) -> bool:
        """Whether orders come by themselves."""
        return self._session.is_there

    def desired(self) -> Desired | None:
        """Return the newest order; see `edge_agent.link.Link`."""
        with self._changed:
            self._seen = self._news
            woken = self._wake_at is not None and self._clock() >= self._wake_at
            if woken:
                self._wake_at = None
        if self._http is not None and (woken or not self._session.is_there):
            return self._http.desired()
        return self._by_broker()

    def wait(self, timeout_s: float) -> bool:
        """Wait for an order, a wake, or a change of the link; see `edge_agent.link.Link`."""
        end = self._clock() + timeout_s
        with self._changed:
            while self._news == self._seen:
                now = self._clock()
                if self._is_woken:
                    self._is_woken = False
                    return False
                wake_at = self._wake_at if self._wake_at is not None else end
                if now >= min(end, wake_at):
                    return wake_at < end or (self._wake_at is not None and now >= wake_at)
                self._changed.wait(min(end, wake_at) - now)
            return True

    def wake(self) -> None:
        """End the wait that is under way; see `edge_agent.link.Link`."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def send_state(self, status: Status) -> None:
        """Tell the state; see `edge_agent.link.Link`."""
        self._status = status.pack()
        if self._session.is_there:
            self._session.publish(topics.state(self._device), self._status, retain=True)
        elif self._http is not None:
            self._http.send_state(status)
        else:
            raise LinkError("the broker is not there")

    def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        """Tell events; see `edge_agent.link.Link`."""
        if self._session.is_there:
            found = self._by_mqtt(events)
            if found or self._http is None:
                return found
        if self._http is None:
            raise LinkError("the broker is not there")
        return self._http.send_events(events)

    def hear_commands(self, take: Callable[[Command], None]) -> None:
        """Let somebody take commands, those too that came before.

        Args:
            take: Called in paho's thread, and in this one.
        """
        with self._changed:
            self._take_command = take
            early = list(self._early)
            self._early.clear()
        for command in early:
            take(command)

    def send_reply(self, reply: Reply) -> None:
        """Tell a part of an answer to a command.

        Raises:
            LinkError: The broker is not there, or takes nothing more now.
        """
        self._session.publish(topics.reply(self._device), reply.pack())

    def hear_parcels(self, take: Callable[[Sequence[Parcel]], None]) -> None:
        """Let somebody take what is sent to a terminal, that too which came before.

        Args:
            take: Called in paho's thread, and in this one.
        """
        with self._changed:
            self._take_parcels = take
            early = list(self._early_parcels)
            self._early_parcels.clear()
        for come in early:
            take(come)

    def send_parcels(self, said: Sequence[Parcel]) -> None:
        """Tell what a terminal says.

        Raises:
            LinkError: The broker is not there, or takes nothing more now.
        """
        self._session.publish(topics.of_terminal(self._device), parcels.pack(said))

    def repository(self, url: str) -> RepositoryFiles:
        """Return the files of a repository; see `edge_agent.link.Link`."""
        if self._http is None:
            return self._blocks
        if self._files is None or self._files.url != url:
            http = self._http.repository(url)
            self._files = _EitherFiles(url, http, self._blocks, self._session, self._clock)
        return self._files

    def close(self) -> None:
        """Say goodbye and close all."""
        self._session.close()
        if self._http is not None:
            self._http.close()
        self._tell()

    def _by_broker(self) -> Desired | None:
        with self._changed:
            while not self._has_heard and self._session.is_there:
                left_s = self._settled_at - self._clock()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            if not self._session.is_there:
                raise LinkError("the broker is not there")
            return self._desired

    def _by_mqtt(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        ids = {event.id for event in events}
        with self._changed:
            self._stored.clear()
        self._session.publish(topics.events(self._device), messages.pack_events(events))
        with self._changed:
            self._changed.wait_for(
                lambda: self._stored & ids or not self._session.is_there, self._stored_s
            )
            found = self._stored & ids
        if not found and self._http is None:
            raise LinkError("the server does not say over MQTT that it has the events")
        return [event.id for event in events if event.id in found]

    def _want(self, payload: bytes, word: bytes) -> None:
        self._session.publish(topics.want(self._device), payload, correlation=word)

    # In paho's thread.

    def _on_changed(self, is_there: bool) -> None:
        with self._changed:
            if is_there:
                # Retained, so it comes now or there is none.
                self._has_heard, self._desired = False, None
                self._settled_at = self._clock() + SETTLE_S
            self._news += 1
            self._changed.notify_all()
        if is_there and self._status:
            try:
                self._session.publish(topics.state(self._device), self._status, retain=True)
            except LinkError as error:
                logger.debug("%s", error)

    def _hear(self, heard: Heard) -> None:
        try:
            match heard.topic:
                case topics.WAKE:
                    self._wake()
                case topic if topic == topics.desired(self._device):
                    self._order(heard.payload)
                case topic if topic == topics.block(self._device):
                    self._blocks.hear(heard)
                case topic if topic == topics.stored(self._device):
                    self._is_stored(heard.payload)
                case topic if topic == topics.command(self._device):
                    self._command(Command.unpack(heard.payload))
                case topic if topic == topics.to_terminal(self._device):
                    self._parcels(parcels.unpack(heard.payload))
        except FormatError as error:
            logger.warning("%s: %s", heard.topic, error)

    def _order(self, payload: bytes) -> None:
        if len(payload) > MESSAGE_MOST_BYTES:
            raise FormatError(f"{len(payload)} bytes are too many")
        desired = Desired.unpack(payload) if payload else None
        with self._changed:
            if not self._has_heard or desired != self._desired:
                self._news += 1
            self._has_heard, self._desired = True, desired
            self._changed.notify_all()

    def _command(self, command: Command) -> None:
        with self._changed:
            take = self._take_command
            if take is None:
                self._early.append(command)
        if take is not None:
            take(command)

    def _parcels(self, come: Sequence[Parcel]) -> None:
        with self._changed:
            take = self._take_parcels
            if take is None:
                self._early_parcels.append(come)
        if take is not None:
            take(come)

    def _wake(self) -> None:
        with self._changed:
            if self._wake_at is None:
                self._wake_at = self._clock() + self._chance() * self._wake_s
                self._changed.notify_all()

    def _is_stored(self, payload: bytes) -> None:
        ids = messages.unpack_stored(payload)
        with self._changed:
            self._stored.update(ids)
            self._changed.notify_all()

    def _tell(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()


class _EitherFiles:
    """A repository by HTTP, and over MQTT for a while after HTTP broke again and again."""

    def __init__(
        self,
        url: str,
        http: RepositoryFiles,
        blocks: MqttBlocks,
        session: MqttSession,
        clock: Callable[[], float],
    ) -> None:
        self.url = url
        self._http, self._blocks = http, blocks
        self._session, self._clock = session, clock
        self._breaks = 0
        self._http_again_at = 0.0

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a file; see `edge_agent.link.RepositoryFiles`."""
        if self._is_http_off():
            return self._blocks.read(name, offset_bytes, length_bytes)
        try:
            data = self._http.read(name, offset_bytes, length_bytes)
        except LinkError:
            self._count()
            raise
        self._breaks = 0
        return data

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a file; see `edge_agent.link.RepositoryFiles`."""
        if self._is_http_off():
            yield from self._blocks.pieces(name)
            return
        try:
            yield from self._http.pieces(name)
        except LinkError:
            self._count()
            raise
        self._breaks = 0

    def _is_http_off(self) -> bool:
        return self._session.is_there and self._clock() < self._http_again_at

    def _count(self) -> None:
        self._breaks += 1
        if self._breaks >= HTTP_BREAKS:
            self._http_again_at = self._clock() + HTTP_AGAIN_S
