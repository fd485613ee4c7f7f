"""What every link to devices asks of the console: one meaning, whatever the protocol.

A link (HTTP, MQTT, hawkBit DDI) finds out who a device is and moves messages; what they mean is
decided behind this seam, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from edge_signing.commands import Command, Reply
from edge_signing.messages import EventId, ReportEvent, Status, Want
from edge_signing.terminal.parcels import Parcel


class Via(StrEnum):
    """The link that something came by; stored, so the names never change."""

    HTTP = "http"
    MQTT = "mqtt"
    DDI = "ddi"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Caller:
    """A device that a link has let in: its certificate or token was good.

    Attributes:
        tenant: Whose it is.
        device: Its id.
        via: The link.
    """

    tenant: str
    device: str
    via: Via


class Desk(Protocol):
    """Takes what devices say, and says what they should run."""

    async def caller(self, device: str, fingerprint: bytes, via: Via) -> Caller | None:
        """Return the caller with this certificate (SHA-256 of its DER), None if it is not let in.

        Not let in are devices that are unknown, pending, revoked or decommissioned, and those
        whose certificate is not the one of their enrolment.
        """

    async def desired(self, caller: Caller) -> bytes | None:
        """Return the packed `Desired` of a device, None if nothing is wanted of it."""

    async def take_status(self, caller: Caller, status: Status) -> None:
        """Store how a device is; one that is older than what is stored changes nothing."""

    async def take_events(self, caller: Caller, events: Sequence[ReportEvent]) -> list[EventId]:
        """Store events, each once, and return the names of all that are stored then."""

    async def take_online(self, caller: Caller, boot_id: str, *, is_online: bool) -> None:
        """Store a birth or a last will."""

    async def commands(self, caller: Caller) -> Sequence[Command]:
        """Return what is asked of a device once, and was not answered."""

    async def take_reply(self, caller: Caller, reply: Reply) -> None:
        """Store a part of an answer; one that came before changes nothing.

        Raises:
            ThingNotFoundError: This device was not asked that.
        """

    async def block(self, caller: Caller, want: Want) -> bytes:
        """Return the block of a repository file that a device wants.

        Raises:
            ThingNotFoundError: There is no such file, or nothing of it there.
        """


class BrokerDesk(Desk, Protocol):
    """What a link asks that hears devices through a broker, which has looked at certificates."""

    async def vouched(self, device: str, via: Via) -> Caller | None:
        """Return the caller of this name, None if it is not let in.

        The broker took a certificate for the name that is of the factory and not revoked; whether
        it is the one of the enrolment is not known. Ids are of one tenant only where a broker
        serves several.
        """

    async def ordered(self) -> Sequence[Caller]:
        """Return all callers of whom something is wanted."""

    async def asked(self) -> Sequence[Caller]:
        """Return all callers that have commands to answer."""

    def terminal_of(self, caller: Caller) -> Sequence[Parcel]:
        """Return what a device has not heard yet of a terminal that somebody wants to open."""

    async def take_parcels(self, caller: Caller, parcels: Sequence[Parcel]) -> None:
        """Take what the terminal of a device says.

        Raises:
            ThingNotFoundError: It has no such session.
        """
