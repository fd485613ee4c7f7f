"""MQTT as the console serves it: a broker of its own, or one that was given, and the link to it."""

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge import atomic
from edge.console.broker import credentials
from edge.console.broker.broker import Broker
from edge.console.broker.configuration import BrokerSettings
from edge.console.mqtt.client import Address, broker_of
from edge.console.mqtt.desk import MqttDesk
from edge.console.mqtt.gate import RECHECK_S, Gate
from edge.console.mqtt.link import LinkLimits, MqttLink
from edge.console.mqtt.state import MqttState
from edge.console.office import Office
from edge.console.repeating import repeating
from edge.console.site import DEFAULT_TENANT, Site
from edge.errors import EdgeError, InputError, ToolError
from edge_signing.terminal.parcels import Parcel

_AGAIN_S: Final = 5.0
WITHOUT: Final = "or --no-mqtt: devices are served by HTTP alone then"


@dataclass(frozen=True, slots=True)
class OwnBroker:
    """A Mosquitto that is the console's child.

    Attributes:
        site: The folder of the console, whose certificate devices know.
        bind: The address to listen on.
        port: For devices; 0 for a free one.
        recheck_s: How often all rules are compared with the database.
        limits: Of the link.
    """

    site: Site
    bind: str
    port: int
    recheck_s: float = RECHECK_S
    limits: LinkLimits = field(default_factory=LinkLimits)

    @asynccontextmanager
    async def running(self, office: Office) -> AsyncIterator[MqttState]:
        """Run the broker and the link.

        Raises:
            EdgeError: The broker does not start.
        """
        admissions = office.admissions
        chosen = self._settings(admissions.authorities_pem)
        admissions.tenant = DEFAULT_TENANT
        broker = await _started(chosen, await admissions.denied(), admissions.lists.pem)
        try:
            async with self._joined(office, broker, chosen.port) as state:
                yield state
        finally:
            admissions.enforce = None
            await broker.stop()

    @asynccontextmanager
    async def _joined(self, office: Office, broker: Broker, port: int) -> AsyncIterator[MqttState]:
        async with _linked(office, lambda: broker.address, self.limits) as link:
            gate = Gate(
                broker,
                office.admissions,
                tell=lambda device: link.tell(DEFAULT_TENANT, device),
                forget=lambda device: link.shut_out(DEFAULT_TENANT, device),
                recheck_s=self.recheck_s,
            )
            broker.on_running.append(link.try_now)
            broker.on_connected.append(gate.meet)
            office.desk.on_standing.append(gate.look)
            office.admissions.on_changed.append(gate.look_at_all)
            office.admissions.enforce = broker.take_list
            # What the lists said meanwhile.
            await broker.take_list(office.admissions.lists.pem, office.admissions.authorities_pem)
            async with repeating(_AGAIN_S, gate.run, name="MQTT", foreseen=()):
                yield MqttState(link, port, broker)

    def _settings(self, authorities: bytes) -> BrokerSettings:
        folder = self.site.folder / "broker"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / "device-ca.crt"
        with atomic.file(file, durable=False) as stream:
            stream.write(authorities or credentials.nobody(datetime.now(UTC)))
        port, console_port = _free((self.bind, self.port), (credentials.LOOPBACK, 0))
        return BrokerSettings(
            folder=folder,
            port=port,
            console_port=console_port,
            certificate=self.site.certificate,
            key=self.site.key,
            device_ca=file,
            revoked=None,
            address=self.bind,
        )


@dataclass(frozen=True, slots=True)
class GivenBroker:
    """A broker that somebody else runs, with the rules that docs/mqtt.md names.

    Attributes:
        address: Where it is, and what the console shows to it.
        limits: Of the link.
    """

    address: Address
    limits: LinkLimits = field(default_factory=LinkLimits)

    @classmethod
    def of(cls, url: str, *, ca: Path, certificate: Path, key: Path) -> "GivenBroker":
        """Return the one at `mqtts://host[:port]`.

        Args:
            url: Of the broker.
            ca: File with the authority of its certificate.
            certificate: File with the console's own certificate.
            key: File with the key of that.

        Raises:
            InputError: The URL or a file can not be used.
        """
        host, port = broker_of(url)
        try:
            return cls(Address(host, port, credentials.Pass(ca, certificate, key).context()))
        except OSError as error:  # what TLS says of a file is one too
            raise InputError(f"{ca}, {certificate}, {key}: not usable for TLS: {error}") from error

    @asynccontextmanager
    async def running(self, office: Office) -> AsyncIterator[MqttState]:
        """Keep the link to the broker, which may come later."""
        office.admissions.tenant = DEFAULT_TENANT
        async with _linked(office, lambda: self.address, self.limits) as link:
            office.desk.on_standing.append(lambda device: link.tell(DEFAULT_TENANT, device))
            office.admissions.on_changed.append(link.look_again)
            yield MqttState(link, self.address.port)


@asynccontextmanager
async def _linked(
    office: Office, address: Callable[[], Address], limits: LinkLimits
) -> AsyncIterator[MqttLink]:
    desk = MqttDesk(office.desk, office.admissions, office.database, office.terminals)
    link = MqttLink(desk, address, limits=limits)
    office.desk.on_desired.append(link.tell)
    office.desk.on_asked.append(link.ask)
    office.desk.on_shut_out.append(link.shut_out)

    def carry(tenant: str, device: str, parcels: Sequence[Parcel]) -> bool:
        return tenant == office.admissions.tenant and link.carrying.carry(device, parcels)

    office.terminals.carry = carry
    async with repeating(_AGAIN_S, link.run, name="MQTT", foreseen=()):
        yield link


async def _started(chosen: BrokerSettings, denied: set[str], revoked: bytes) -> Broker:
    try:
        broker = Broker(chosen)
        await broker.start(denied, revoked=revoked)
    except ToolError as error:
        hint = f"{error.hint}, {WITHOUT}" if error.hint else WITHOUT
        raise ToolError(str(error), hint=hint) from error
    return broker


def _free(*places: tuple[str, int]) -> list[int]:
    """Return ports that nobody listens on, each another one: those, or any where it is 0.

    Raises:
        EdgeError: Somebody does.
    """
    # Held until all are known, or the same one might be found twice.
    with ExitStack() as held:
        return [_held(held, bind, port) for bind, port in places]


def _held(held: ExitStack, bind: str, port: int) -> int:
    try:
        family, *_kind, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        probe = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        return int(probe.getsockname()[1])
    except OSError as error:
        raise EdgeError(f"{bind}:{port}: {error.strerror}") from error
