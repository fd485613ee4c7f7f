"""The console's desk in memory: who is let in, what is wanted of them, what they said."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.console.desk import Caller, Via
from edge.errors import ThingNotFoundError
from edge_signing.commands import Command, Reply
from edge_signing.messages import EventId, ReportEvent, Status, Want
from edge_signing.terminal.parcels import Parcel

TENANT = "acme"


@dataclass
class MemoryDesk:
    """One tenant's devices.

    Attributes:
        known: Devices that are let in.
        orders: What is wanted of them, packed.
        delay_s: How long each answer takes.
        holding: Set when an answer is held back, which is so once where `release` is there.
        blocks: Files of the repository.
    """

    known: set[str] = field(default_factory=set)
    orders: dict[str, bytes] = field(default_factory=dict)
    blocks: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    events: dict[str, dict[EventId, ReportEvent]] = field(default_factory=dict)
    online: dict[str, tuple[str, bool]] = field(default_factory=dict)
    repeats: int = 0
    questions: dict[str, list[Command]] = field(default_factory=dict)
    replies: list[tuple[str, Reply]] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    terminals: dict[str, Sequence[Parcel]] = field(default_factory=dict)
    parcels: list[Parcel] = field(default_factory=list)
    delay_s: float = 0.0
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event | None = None

    async def caller(self, device: str, fingerprint: bytes, via: Via) -> Caller | None:
        return await self.vouched(device, via)

    async def vouched(self, device: str, via: Via) -> Caller | None:
        await asyncio.sleep(self.delay_s)
        return Caller(TENANT, device, via) if device in self.known else None

    async def ordered(self) -> Sequence[Caller]:
        return [Caller(TENANT, device, Via.MQTT) for device in self.orders if device in self.known]

    async def desired(self, caller: Caller) -> bytes | None:
        wanted = self.orders.get(caller.device)
        await asyncio.sleep(self.delay_s)
        if self.release is not None and not self.holding.is_set():
            self.holding.set()
            await self.release.wait()
        return wanted

    async def take_status(self, caller: Caller, status: Status) -> None:
        self.taken.append(caller.device)
        self.statuses[caller.device] = status

    async def take_events(self, caller: Caller, events: Sequence[ReportEvent]) -> list[EventId]:
        stored = self.events.setdefault(caller.device, {})
        self.taken.append(caller.device)
        for event in events:
            self.repeats += event.id in stored
            stored.setdefault(event.id, event)
        return [event.id for event in events]

    async def take_online(self, caller: Caller, boot_id: str, *, is_online: bool) -> None:
        """A will of an earlier start says nothing of this one."""
        self.taken.append(caller.device)
        known = self.online.get(caller.device)
        if is_online or known is None or known[0] == boot_id:
            self.online[caller.device] = (boot_id, is_online)

    async def commands(self, caller: Caller) -> Sequence[Command]:
        return self.questions.get(caller.device, [])

    async def asked(self) -> Sequence[Caller]:
        return [Caller(TENANT, one, Via.MQTT) for one in self.questions if one in self.known]

    async def take_reply(self, caller: Caller, reply: Reply) -> None:
        if all(one.id != reply.command for one in self.questions.get(caller.device, [])):
            raise ThingNotFoundError(f"{caller.device}: was not asked {reply.command!r}")
        self.replies.append((caller.device, reply))

    def terminal_of(self, caller: Caller) -> Sequence[Parcel]:
        return self.terminals.get(caller.device, ())

    async def take_parcels(self, caller: Caller, parcels: Sequence[Parcel]) -> None:
        self.parcels += parcels

    async def block(self, caller: Caller, want: Want) -> bytes:
        self.wants.append(want)
        data = self.blocks.get(want.name)
        if data is None:
            raise ThingNotFoundError(f"{want.name}: not there")
        return data[want.offset_bytes :][: want.length_bytes]
