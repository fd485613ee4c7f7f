"""The terminals of a console: joins person and device, and stores what the device records.

It reads no frame and can make none. What a device shows goes to the person after the record of it
is on the disk. One process has all sessions; they end with it. For one event loop.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from edge.console.audit import CONSOLE, Actor
from edge.console.desk import Caller, Via
from edge.console.notices import Notices, Topic
from edge.console.store.database import Database, StoreError
from edge.console.terminal import records
from edge.console.terminal.call import PERSON_BYTES, Call
from edge.errors import EdgeError, RefusedError, ThingNotFoundError
from edge_signing.errors import FormatError, SigningError
from edge_signing.terminal.frames import FRAME_MOST_BYTES
from edge_signing.terminal.parcels import Kind, Parcel
from edge_signing.terminal.record import CHUNK_MOST_BYTES, Closing

logger = logging.getLogger(__name__)

WAIT_MOST_S: Final = 25
_TENANT_MOST: Final = 64
# Sends parcels to a device at once; False if it can not.
Carry = Callable[[str, str, Sequence[Parcel]], bool]


class Switchboard:
    """All sessions that are under way.

    Attributes:
        carry: Sends parcels by MQTT; None while there is none.

    Args:
        database: Where sessions and records are stored.
        notices: Told what changes.
        now_s: Seconds since 1970.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        database: Database,
        notices: Notices,
        now_s: Callable[[], int],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.carry: Carry | None = None
        self._database, self._notices, self._now_s, self._clock = database, notices, now_s, clock
        self._calls: dict[tuple[str, str], Call] = {}

    async def begin(self) -> None:
        """Note that sessions of an earlier start are over."""
        for tenant, device, session in await self._database.read(records.left_open):
            await self._note_over(tenant, device, session, "the console was started again")

    async def end(self) -> None:
        """End all sessions: the console ends."""
        for call in list(self._calls.values()):
            await self._over(call, "the console ended")

    async def open(self, actor: Actor, packed: bytes, checked_by: str) -> str:
        """Ask a device for a session; return its id. See `records.open_`."""
        if sum(one.actor.tenant == actor.tenant for one in self._calls.values()) >= _TENANT_MOST:
            raise RefusedError(f"there are {_TENANT_MOST} terminals")
        signed = await self._database.write(
            lambda one: records.open_(one, actor, packed, checked_by)
        )
        call = Call(actor, signed, packed, self._clock())
        self._calls[call.key] = call
        self._to_device(call, Kind.OPEN, packed)
        self._tell(call)
        return call.session

    # The person.

    def type(self, actor: Actor, device: str, session: str, parcels: Sequence[Parcel]) -> None:
        """Take frames of the person; those that were here before change nothing.

        Raises:
            ThingNotFoundError: There is no such session under way.
            RefusedError: Somebody else has opened it.
            FormatError: One is missing, or too long.
        """
        call = self._of_person(actor, device, session)
        for one in parcels:
            if len(one.content) > FRAME_MOST_BYTES:
                raise FormatError(f"frame: {len(one.content)} bytes")
            if call.from_person.is_news(one):
                self._to_device(call, Kind.FRAME, one.content)

    async def shown(
        self, actor: Actor, device: str, session: str, *, after: int, wait_s: float
    ) -> Sequence[Parcel]:
        """Return what there is for the person.

        Raises:
            ThingNotFoundError: There is no such session under way.
            RefusedError: Somebody else has opened it.
        """
        call = self._of_person(actor, device, session)
        call.to_person.drop(after)
        self._say_stored(call)
        found = await call.to_person.take(after, 0 if call.is_told else min(wait_s, WAIT_MOST_S))
        call.person_heard = self._clock()
        if call.is_told and not found:
            self._calls.pop(call.key, None)
        return found

    async def hang_up(self, actor: Actor, device: str, session: str) -> None:
        """End a session; the device says its last, if it still can.

        Raises:
            ThingNotFoundError: There is no such session under way.
        """
        call = self._calls.get((actor.tenant, session))
        if call is None or call.device != device:
            raise _unknown(session)
        await self._ask_to_end(call, f"{actor.name} ended it")

    # The device.

    def wanted_of(self, caller: Caller) -> Sequence[Parcel]:
        """Return the first parcel of a session that a device has not heard of yet."""
        call = self._of_device(caller)
        if call is None or call.is_over or call.answer is not None:
            return ()
        return (Parcel(call.session, 0, Kind.OPEN, call.packed),)

    async def given(
        self, caller: Caller, session: str, *, after: int, wait_s: float
    ) -> Sequence[Parcel]:
        """Return what there is for a device, by a request that waits.

        Raises:
            ThingNotFoundError: It has no such session under way.
        """
        call = self._of_device(caller)
        if call is None or call.session != session:
            raise _unknown(session)
        call.device_heard = self._clock()
        found = await call.to_device.take(after, 0 if call.is_told else min(wait_s, WAIT_MOST_S))
        if call.is_told and not found:
            raise _unknown(session)
        return found

    async def take(self, caller: Caller, parcels: Sequence[Parcel]) -> None:
        """Take what a device says, in its order; what came before changes nothing.

        Raises:
            ThingNotFoundError: It has no such session under way.
            StoreError: It can not be stored now; it has to be said again.
        """
        for one in parcels:
            call = self._of_device(caller)
            if call is None or call.session != one.session:
                raise _unknown(one.session)
            async with call.lock:
                await self._take(call, caller.via, one)

    def shut_out(self, tenant: str, device: str) -> None:
        """Let a device go that is let in no longer; what waits for it is ended by `look`."""
        for call in self._calls.values():
            if (call.actor.tenant, call.device) == (tenant, device):
                call.ending = "the device is let in no longer"
                call.ending_since = float("-inf")
                call.to_device.put(Kind.END, call.ending.encode())

    async def look(self) -> None:
        """End what is overdue; to be called again and again."""
        now = self._clock()
        for call in list(self._calls.values()):
            if call.is_over:
                if now >= call.ending_since + 60:
                    self._calls.pop(call.key, None)
            elif reason := call.overdue(now, self._now_s()):
                await self._over(call, reason)
            elif not call.ending and (reason := call.wish_to_end(now)):
                await self._ask_to_end(call, reason)

    async def _take(self, call: Call, via: Via, one: Parcel) -> None:
        if call.is_over:
            return
        call.device_heard = self._clock()
        call.via = call.via or via
        try:
            if call.from_device.is_news(one):
                await self._taken(call, one)
        except StoreError:
            call.from_device.next = one.n
            raise
        except (SigningError, RefusedError) as error:
            await self._over(call, f"the device said what can not be: {error}")

    async def _taken(self, call: Call, one: Parcel) -> None:
        """Take one parcel of a device.

        Raises:
            SigningError: It is none that has a place.
            RefusedError: The record has no place for it.
        """
        if len(one.content) > CHUNK_MOST_BYTES:
            raise FormatError(f"{len(one.content)} bytes")
        match one.kind:
            case Kind.ANSWER if call.answer is None:
                await self._answered(call, one.content)
            case Kind.RECORD if call.answer is not None:
                await self._recorded(call, one)
            case Kind.FRAME if call.answer is not None:
                call.to_person.put(Kind.FRAME, one.content)
            case Kind.CLOSED if call.answer is not None:
                closing = Closing.unpack(one.content)
                await self._over(call, _visible(closing.reason), closing)
            case Kind.REFUSED:
                await self._over(call, one.text)
            case Kind.ALIVE:
                self._to_device(call, Kind.ALIVE)
            case _:
                raise FormatError(f"{one.kind} has no place here")

    async def _answered(self, call: Call, content: bytes) -> None:
        call.take_answer(content)
        now_s = self._now_s()
        await self._database.write(lambda one: records.answered(one, *call.key, content, now_s))
        call.to_person.put(Kind.ANSWER, content)
        self._tell(call)

    async def _recorded(self, call: Call, one: Parcel) -> None:
        await self._database.write(
            lambda each: records.add_chunk(each, *call.key, one.number, one.content)
        )
        call.link_chunk(one.content)
        call.unsaid = one.number
        self._say_stored(call)

    def _say_stored(self, call: Call) -> None:
        """Let the device go on, unless the person still has much to read."""
        if call.unsaid >= 0 and call.to_person.length_bytes < PERSON_BYTES:
            self._to_device(call, Kind.STORED, number=call.unsaid)
            call.unsaid = -1

    def _to_device(self, call: Call, kind: Kind, content: bytes = b"", number: int = 0) -> None:
        made = call.to_device.put(kind, content, number)
        is_waiting = call.via is None
        if self.carry is None or not (is_waiting or call.via is Via.MQTT):
            return
        if self.carry(call.actor.tenant, call.device, (made,)) and not is_waiting:
            call.to_device.drop(made.n)
        elif not is_waiting:
            call.ending, call.ending_since = "the broker is away", float("-inf")

    async def _ask_to_end(self, call: Call, reason: str) -> None:
        if call.is_over or call.ending:
            return
        call.ending, call.ending_since = reason, self._clock()
        self._to_device(call, Kind.END, reason.encode())
        if call.answer is None:
            await self._over(call, reason)

    async def _over(self, call: Call, reason: str, closing: Closing | None = None) -> None:
        """Note that a session is over, and tell both ends."""
        if call.is_over:
            return
        call.is_over, call.ending_since = True, self._clock()
        await self._note_over(call.actor.tenant, call.device, call.session, reason, call, closing)
        # Also to a device that has said its last: it may wait for more.
        self._to_device(call, Kind.END, reason.encode())
        call.to_person.put(Kind.CLOSED, reason.encode())
        call.is_told = True

    async def _note_over(
        self,
        tenant: str,
        device: str,
        session: str,
        reason: str,
        call: Call | None = None,
        closing: Closing | None = None,
    ) -> None:
        actor = Actor(tenant, f"device:{device}" if closing else CONSOLE, self._now_s())

        def close(one: Connection) -> None:
            chunks = records.get(one, tenant, device, session).chunks
            is_whole = bool(call and closing and call.is_whole(closing, chunks))
            records.close(one, actor, session, reason, closing=closing, is_whole=is_whole)

        try:
            await self._database.write(close)
        except EdgeError as error:
            # At the next start it is noted.
            logger.warning("session %s: its end is not noted: %s", session, error)
        self._notices.tell(tenant, Topic.DEVICE, device)
        self._notices.tell(tenant, Topic.AUDIT, "")

    def _tell(self, call: Call) -> None:
        self._notices.tell(call.actor.tenant, Topic.DEVICE, call.device)
        self._notices.tell(call.actor.tenant, Topic.AUDIT, "")

    def _of_person(self, actor: Actor, device: str, session: str) -> Call:
        call = self._calls.get((actor.tenant, session))
        if call is None or call.device != device:
            raise _unknown(session)
        if call.actor.name != actor.name:
            raise RefusedError(f"session {session}: {call.actor.name} has opened it")
        call.person_heard = self._clock()
        return call

    def _of_device(self, caller: Caller) -> Call | None:
        """Return the newest session of a device; one that is over only while it is not told so."""
        found = [
            one
            for one in self._calls.values()
            if (one.actor.tenant, one.device) == (caller.tenant, caller.device)
        ]
        return found[-1] if found else None


def _visible(text: str) -> str:
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def _unknown(session: str) -> ThingNotFoundError:
    # Who asks may be told nothing of the device.
    return ThingNotFoundError(f"there is no session {session!r} under way")
