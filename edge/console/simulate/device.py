"""One simulated device: is there, takes orders, does its steps, tells what happened."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Final, TypeVar

from edge.console.simulate.answers import answer
from edge.console.simulate.behaviour import IMAGE_BYTES, Kind, Step, steps
from edge.console.simulate.links import DeviceLink
from edge.console.simulate.summary import Counts
from edge.errors import LinkError, ServerError
from edge_agent.backoff import Backoff
from edge_agent.machine import Result, State
from edge_signing.commands import Command, Reply
from edge_signing.messages import EVENTS_MOST, Desired, EventId, ReportEvent, Status

T = TypeVar("T")

ANSWERS_KEPT: Final = 8
_OTHER: Final = {"a": "b", "b": "a"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time goes for simulated devices.

    Attributes:
        speed: Steps are shorter by this.
        poll_s: Between two looks for an order; real seconds.
        retry_s: The most to wait after a first break; real seconds.
    """

    speed: float = 1.0
    poll_s: float = 30.0
    retry_s: float = 2.0


class SimulatedDevice:
    """A device with a life of its own.

    Attributes:
        finished: How many actions it has ended.
        is_silent: It will never be heard again.
        changed: Set when one of the two changes.

    Args:
        link: Its way to the server.
        status: How it is at the beginning.
        kind: How it behaves.
        chance: Decides what is not decided.
        counts: Where it counts.
        now_s: The time, seconds since 1970.
    """

    def __init__(
        self,
        link: DeviceLink,
        status: Status,
        kind: Kind,
        chance: Random,
        *,
        pace: Pace,
        counts: Counts,
        now_s: Callable[[], int],
    ) -> None:
        self.kind = kind
        self.finished = 0
        self.is_silent = False
        self.changed = asyncio.Event()
        self._link, self._status, self._chance = link, status, chance
        self._pace, self._counts, self._now_s = pace, counts, now_s
        self._backoff = Backoff(chance.random, first_s=pace.retry_s, most_s=pace.retry_s * 30)
        self._outbox: list[ReportEvent] = []
        self._told = 0
        self._is_open = False
        self._ended: set[str] = set()
        self._answered: OrderedDict[str, tuple[Reply, ...]] = OrderedDict()
        self._start_again()

    async def live(self) -> None:
        """Live until it is cancelled, or silent."""
        try:
            await self._say()
            while not self.is_silent:
                desired = await self._order()
                for command in await self._tried(self._link.commands):
                    await self._answer(command)
                if desired is not None and self._is_new(desired):
                    await self._act(desired)
        finally:
            if not self.is_silent:
                await self._goodbye()

    async def _goodbye(self) -> None:
        try:
            await self._link.close(self._status.boot_id)
        except LinkError:
            self._link.break_off()

    def _is_new(self, desired: Desired) -> bool:
        return desired.release is not None and desired.action not in self._ended

    async def _act(self, desired: Desired) -> None:
        self._counts.actions_begun += 1
        self._status = replace(
            self._status,
            seq=desired.seq,
            action=desired.action,
            release=desired.release or "",
            planned_bytes=IMAGE_BYTES,
            reason="",
        )
        for step in steps(self.kind, self._chance):
            await asyncio.sleep(step.after_s / self._pace.speed)
            await self._do(step)
            if self.is_silent:
                self._counts.silent += 1
                self.changed.set()
                return

    async def _answer(self, command: Command) -> None:
        """Do what was asked, once, and say how it ended."""
        said = self._answered.get(command.id)
        if said is None:
            if command.word == "reboot":
                self._lose()
                self._start_again()
            said = self._answered[command.id] = answer(command, self._status, self._now_s())
            while len(self._answered) > ANSWERS_KEPT:
                self._answered.popitem(last=False)
        for part in said:
            await self._tried(partial(self._link.send_reply, part))

    async def _do(self, step: Step) -> None:
        self._status = replace(
            self._status,
            phase=step.state.value,
            done_bytes=step.done_bytes,
            reason=step.reason,
        )
        if step.is_restart:
            await self._restart()
            if self.kind is Kind.SILENT:
                self.is_silent = True
                return
        if step.is_break:
            self._lose()
        if step.result is not None:
            await self._end(step.result, step.reason)
        await self._say()
        if step.result is not None:
            self.finished += 1
            self.changed.set()

    async def _restart(self) -> None:
        await self._say()
        self._lose()
        self._start_again()
        slot = self._status.slot
        self._status = replace(self._status, slot=_OTHER.get(slot, slot))

    def _start_again(self) -> None:
        self._status = replace(self._status, boot_id=f"{self._chance.getrandbits(128):032x}")
        self._told = 0

    def _lose(self) -> None:
        self._counts.lost += 1
        self._link.break_off()
        self._is_open = False

    async def _end(self, result: Result, reason: str) -> None:
        status = self._status
        version = status.release.split("/")[1] if status.release.count("/") > 1 else ""
        self._told += 1
        self._outbox.append(
            ReportEvent(
                EventId(status.boot_id, self._told),
                self._now_s(),
                result.value,
                status.action,
                version,
                reason,
            )
        )
        self._ended.add(status.action)
        while self._outbox:
            stored = set(await self._tried(self._tell_events))
            self._outbox = [event for event in self._outbox if event.id not in stored]
        self._counts.count(result)
        runs = version if result is Result.SUCCEEDED else status.version
        self._status = replace(
            status, version=runs, phase=State.IDLE.value, release="", planned_bytes=0
        )

    async def _tell_events(self) -> Sequence[EventId]:
        return await self._link.send_events(self._outbox[:EVENTS_MOST])

    async def _say(self) -> None:
        await self._tried(lambda: self._link.send_status(self._status))

    async def _order(self) -> Desired | None:
        return await self._tried(lambda: self._link.order(self._pace.poll_s))

    async def _tried(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what comes out, after as many attempts as it takes."""
        while True:
            try:
                if not self._is_open:
                    await self._link.open(self._status.boot_id)
                    self._is_open = True
                    self._counts.opened += 1
                    await self._link.send_status(self._status)
                done = await work()
            except LinkError:
                self._lose()
            except ServerError as error:
                self._counts.refused += 1
                self._counts.last_refusal = str(error)
                self._is_open = False
            else:
                self._backoff.reset()
                return done
            await asyncio.sleep(self._backoff.next_s())
