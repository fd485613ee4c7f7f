"""The desk as the MQTT link asks it: a name is served only while nobody else can come by it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection, select

from edge.console.desk import BrokerDesk, Caller, Via
from edge.console.devices import certificates, commands, papers
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number
from edge.console.devices.revocation import Lists
from edge.console.devices.states import State
from edge.console.front_desk import FrontDesk
from edge.console.mqtt import admission
from edge.console.mqtt.admission import Standing
from edge.console.store.database import Database
from edge.console.store.tables import DEVICES
from edge.console.terminal.switchboard import Switchboard
from edge_signing.commands import Command, Reply
from edge_signing.messages import EventId, ReportEvent, Status, Want
from edge_signing.terminal.parcels import Parcel

NOT_SERVED = "this console serves no MQTT"


class Admissions:
    """Whom MQTT lets in now. For the thread of the event loop.

    Attributes:
        lists: Of revoked certificates.
        tenant: Whose devices MQTT serves: a name in a certificate is of one tenant only as long
            as no other's authority is trusted. Empty while there is no MQTT.
        enforce: Gives the broker other lists and authorities, in PEM; returns when they count.
        on_changed: Told when others may be let in than before.
        authorities: Of the devices, by the SHA-256 of their keys.

    Args:
        database: Where devices are stored.
        now_s: The time, seconds since 1970.
    """

    def __init__(self, database: Database, now_s: Callable[[], int]) -> None:
        self.lists = Lists()
        self.tenant = ""
        self.enforce: Callable[[bytes, bytes], Awaitable[None]] | None = None
        self.on_changed: list[Callable[[], None]] = []
        self.authorities: Mapping[str, x509.Certificate] = {}
        self._serials: frozenset[str] = frozenset()
        self._database, self._now_s = database, now_s

    async def take(self, lists: Lists, authorities: Sequence[x509.Certificate]) -> None:
        """Let other lists count; what they allow only after the broker has them.

        Raises:
            ToolError: The broker does not take them; what the old and the new ones allow holds.
        """
        self.authorities = {papers.number_of(0, one).issuer: one for one in authorities}
        self.lists = self.lists.tightened(lists)
        self._changed()
        if self.enforce is not None:
            await self.enforce(lists.pem, self.authorities_pem)
        self.lists = lists
        self._changed()

    @property
    def authorities_pem(self) -> bytes:
        """The authorities of devices, for a file."""
        pem = serialization.Encoding.PEM
        return b"".join(one.public_bytes(pem) for one in self.authorities.values())

    async def of(self, *devices: str) -> dict[str, Standing]:
        """Return how devices stand at the broker."""
        return await self._database.read(
            lambda one: admission.standings(one, self.tenant, devices, self.lists, self._now_s())
        )

    async def asked(self) -> list[Caller]:
        """Return all callers of the tenant that have commands to answer."""
        now_s = self._now_s()
        return await self._database.read(lambda one: commands.asked(one, self.tenant, now_s))

    async def denied(self) -> set[str]:
        """Return all names that the broker has to deny."""
        return await self._database.read(
            lambda one: admission.denied(one, self.tenant, self.lists, self._now_s())
        )

    def refusals(
        self, connection: Connection, tenant: str, devices: Sequence[str]
    ) -> dict[str, str]:
        """Return why MQTT does not serve devices; an empty reason if it does."""
        if not self.tenant:
            return dict.fromkeys(devices, NOT_SERVED)
        if tenant != self.tenant:
            return dict.fromkeys(devices, "MQTT of this console serves another tenant")
        now_s = self._now_s()
        found = admission.standings(connection, tenant, devices, self.lists, now_s)
        return {name: one.refusal for name, one in found.items()}

    def is_revoked(self, certificate: Certificate) -> bool:
        """Whether a certificate is on a list, of which its authority has to be the one."""
        serial = f"{certificate.parsed.serial_number:x}"
        if serial not in self._serials:
            return False
        issuer = certificates.issuer(certificate, self.authorities) or ""
        return Number(issuer, serial) in self.lists.known

    def _changed(self) -> None:
        self._serials = frozenset(one.serial for one in self.lists.known)
        for listener in self.on_changed:
            listener()


class MqttDesk(BrokerDesk):
    """What a broker's link asks; see `edge.console.desk`.

    Args:
        desk: Knows what messages mean.
        admissions: Know who may send them.
        database: Where devices are stored.
        terminals: Of the devices.
    """

    def __init__(
        self,
        desk: FrontDesk,
        admissions: Admissions,
        database: Database,
        terminals: Switchboard,
    ) -> None:
        self._desk, self._admissions, self._database = desk, admissions, database
        self._terminals = terminals

    async def caller(self, device: str, fingerprint: bytes, via: Via) -> Caller | None:
        """Return the caller with this certificate."""
        return await self._desk.caller(device, fingerprint, via)

    async def vouched(self, device: str, via: Via) -> Caller | None:
        """Return the caller of this name, None if MQTT does not let it in."""
        found = (await self._admissions.of(device))[device]
        if found.refusal:
            return None
        return await self._desk.caller(device, found.fingerprint, via)

    async def ordered(self) -> list[Caller]:
        """Return all callers of whom something is wanted."""
        tenant = self._admissions.tenant
        return await self._database.read(lambda one: _ordered(one, tenant))

    async def desired(self, caller: Caller) -> bytes | None:
        """Return what is wanted of a device."""
        return await self._desk.desired(caller)

    async def take_status(self, caller: Caller, status: Status) -> None:
        """Store a status."""
        await self._desk.take_status(caller, status)

    async def take_events(self, caller: Caller, events: Sequence[ReportEvent]) -> list[EventId]:
        """Store events."""
        return await self._desk.take_events(caller, events)

    async def take_online(self, caller: Caller, boot_id: str, *, is_online: bool) -> None:
        """Store a birth or a will."""
        await self._desk.take_online(caller, boot_id, is_online=is_online)

    async def commands(self, caller: Caller) -> Sequence[Command]:
        """Return what is asked of a device."""
        return await self._desk.commands(caller)

    async def asked(self) -> list[Caller]:
        """Return all callers that have commands to answer."""
        return await self._admissions.asked()

    async def take_reply(self, caller: Caller, reply: Reply) -> None:
        """Store a part of an answer."""
        await self._desk.take_reply(caller, reply)

    def terminal_of(self, caller: Caller) -> Sequence[Parcel]:
        """Return what a device has not heard yet of a terminal."""
        return self._terminals.wanted_of(caller)

    async def take_parcels(self, caller: Caller, parcels: Sequence[Parcel]) -> None:
        """Take what the terminal of a device says."""
        await self._terminals.take(caller, parcels)

    async def block(self, caller: Caller, want: Want) -> bytes:
        """Return a block of a repository's file."""
        return await self._desk.block(caller, want)


def _ordered(connection: Connection, tenant: str) -> list[Caller]:
    asked = select(DEVICES.c.device).where(
        DEVICES.c.tenant == tenant,
        DEVICES.c.state == State.ACCEPTED,
        DEVICES.c.desired.is_not(None),
    )
    names = connection.scalars(asked.order_by(DEVICES.c.device))
    return [Caller(tenant, name, Via.MQTT) for name in names]
