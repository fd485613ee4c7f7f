"""One simulated device: is there, takes orders, does its steps, tells what happened."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Final, TypeVar

from edge.console.simulate.answers import answer
from edge.console.simulate.behaviour import (
    IMAGE_BYTES,
    OF_LINK,
    Errand,
    Kind,
    Step,
    cancelled,
    refused,
    steps,
)
from edge.console.simulate.links import DeviceLink
from edge.console.simulate.summary import Counts
from edge.errors import LinkError, ServerError
from edge_agent.backoff import Backoff
from edge_agent.machine import State
from edge_signing.commands import Command, Reply
from edge_signing.messages import EVENTS_MOST, Desired, EventId, ReportEvent, Status

T = TypeVar("T")

ANSWERS_KEPT: Final = 8
_TOLD_KEPT: Final = 3
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
        pace: How fast time goes.
        counts: Where it counts.
        now_s: The time, seconds since 1970.
        bad_version: The kind is about this release alone, as far as it is up to a release; empty
            for all.
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
        bad_version: str = "",
    ) -> None:
        self.kind = kind
        self.finished = 0
        self.is_silent = False
        self.changed = asyncio.Event()
        self._link, self._status, self._chance = link, status, chance
        self._pace, self._counts, self._now_s = pace, counts, now_s
        self._bad_version = bad_version
        # What is beside what runs, of the system and of each service.
        self._others: dict[str, str] = {}
        self._backoff = Backoff(chance.random, first_s=pace.retry_s, most_s=pace.retry_s * 30)
        self._outbox: list[ReportEvent] = []
        self._stored: deque[ReportEvent] = deque(maxlen=_TOLD_KEPT)
        self._told_before = status
        self._n = 0
        self._is_open = False
        self._newest: Desired | None = None
        self._since_poll_s = 0.0
        self._taken: set[str] = set()
        self._answered: OrderedDict[str, tuple[Reply, ...]] = OrderedDict()
        self._start_again()

    async def live(self) -> None:
        """Live until it is cancelled, or silent."""
        try:
            await self._say()
            while not self.is_silent:
                if self._newest is None or not self._is_new(self._newest):
                    self._newest = await self._order(self._pace.poll_s)
                for command in await self._tried(self._link.commands):
                    await self._answer(command)
                if self._newest is not None and self._is_new(self._newest):
                    await self._act(self._newest)
        finally:
            if not self.is_silent:
                await self._goodbye()

    async def _goodbye(self) -> None:
        try:
            await self._link.close(self._status.boot_id)
        except LinkError:
            self._link.break_off()

    def _is_new(self, desired: Desired) -> bool:
        return desired.action != self._status.action and desired.seq >= self._status.seq

    async def _act(self, desired: Desired) -> None:
        self._counts.begin(is_again=desired.action in self._taken)
        self._taken.add(desired.action)
        version = _version(desired)
        errand = self._errand(version)
        self._status = replace(
            self._status, seq=desired.seq, action=desired.action, release="", reason=""
        )
        for step in self._steps(version, errand):
            if not step.is_restart:
                await self._pass(step.after_s)
            if step.is_early and (newer := self._overtaken_by()) is not None:
                reason = f"another order came: {newer.action}"
                await self._do(cancelled(reason), desired, version)
                return
            await self._do(step, desired, version)
            if step.is_last_word:
                self._fall_silent()
                return
            if step.state is State.WAITING:
                await self._held(desired)

    def _errand(self, version: str) -> Errand:
        if version in ("", self._running(_service(version))):
            return Errand.NOTHING
        is_beside = version == self._others.get(_service(version))
        return Errand.BACK if is_beside else Errand.UPDATE

    def _steps(self, version: str, errand: Errand) -> Iterator[Step]:
        service = _service(version)
        if service and service not in self._status.services:
            reason = f"{version}: this system has no service {service} that is updated in place"
            return refused(reason)
        kind = self._kind_for(version, errand)
        return steps(kind, self._chance, errand, in_place=bool(service))

    def _running(self, service: str) -> str:
        """Return the version of a service that runs, or that of the system."""
        return self._status.services.get(service, "") if service else self._status.version

    def _switch(self, service: str) -> None:
        """Run the other version, and keep the one that ran beside it."""
        runs, other = self._running(service), self._others.get(service, "")
        self._others[service] = runs
        if service:
            services = {**self._status.services, service: other}
            self._status = replace(self._status, services=services)
        else:
            slot = self._status.slot
            self._status = replace(self._status, slot=_OTHER.get(slot, slot), version=other)

    def _kind_for(self, version: str, errand: Errand) -> Kind:
        """Return how it behaves: what ran before is good, and so is what is not the bad release."""
        is_bad = self._bad_version in ("", version) and errand is Errand.UPDATE
        return self.kind if is_bad or self.kind in OF_LINK else Kind.OK

    def _overtaken_by(self) -> Desired | None:
        newest = self._newest
        is_other = newest is not None and newest.action != self._status.action
        return newest if newest is not None and is_other and newest.seq > self._status.seq else None

    async def _held(self, desired: Desired) -> None:
        """Wait as long as the order is to write the other slot only."""
        said = desired
        while said.policy.download_only and self._overtaken_by() is None:
            await self._say()
            self._newest = await self._order(self._pace.poll_s)
            if self._newest is not None and self._newest.action == desired.action:
                said = self._newest

    async def _pass(self, seconds: float) -> None:
        """Let time go by, and look for another order as often as a real device does."""
        left_s = seconds / self._pace.speed
        while left_s > 0:
            piece_s = min(left_s, max(0.0, self._pace.poll_s - self._since_poll_s))
            await asyncio.sleep(piece_s)
            left_s -= piece_s
            self._since_poll_s += piece_s
            if self._since_poll_s >= self._pace.poll_s:
                self._newest = await self._order(0)

    def _fall_silent(self) -> None:
        self._lose()
        self.is_silent = True
        self._counts.silent += 1
        self.changed.set()

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

    async def _do(self, step: Step, desired: Desired, version: str) -> None:
        if step.is_restart:
            await self._restart(step)
        self._set(step, desired, version)
        if step.is_break:
            self._lose()
            await self._repeat()
        if step.result is None:
            await self._say()
            return
        await self._say()
        await self._end(step, version)
        await self._say()
        self.finished += 1
        self.changed.set()

    def _set(self, step: Step, desired: Desired, version: str) -> None:
        status = self._status
        is_checking = step.state is State.CHECKING
        if step.state is State.INSTALLING and step.done_bytes >= IMAGE_BYTES:
            self._counts.fetched_bytes += step.done_bytes
        if step.state is State.VERIFYING:
            # What the other slot holds from here on is what is meant.
            self._others[_service(version)] = version
        if step.is_switched:
            self._switch(_service(version))
            status = self._status
        self._status = replace(
            status,
            phase=step.state.value,
            release="" if is_checking else desired.release or "",
            done_bytes=step.done_bytes,
            planned_bytes=IMAGE_BYTES if step.done_bytes else 0,
            reason=step.reason,
        )

    async def _restart(self, step: Step) -> None:
        self._lose()
        await asyncio.sleep((step.after_s + step.away_s) / self._pace.speed)
        self._start_again()
        if step.is_other_slot:
            self._switch("")

    def _start_again(self) -> None:
        self._status = replace(self._status, boot_id=f"{self._chance.getrandbits(128):032x}")
        self._n = 0

    def _lose(self) -> None:
        self._counts.lost += 1
        self._link.break_off()
        self._is_open = False

    async def _repeat(self) -> None:
        """Tell what was told before once more, in another order."""
        self._counts.repeated += 1
        again = list(self._stored)
        self._chance.shuffle(again)
        before = replace(self._told_before, boot_id=self._status.boot_id, seq=self._status.seq)
        await self._tried(partial(self._link.send_status, before))
        if again:
            await self._tried(partial(self._link.send_events, again))

    async def _end(self, step: Step, version: str) -> None:
        assert step.result is not None
        if step.is_lie:
            # It went back without a word, and says that all is well.
            self._switch(_service(version))
            version = self._running(_service(version))
        status = self._status
        self._n += 1
        event = ReportEvent(
            EventId(status.boot_id, self._n),
            self._now_s(),
            step.result.value,
            status.action,
            version,
            step.reason,
        )
        self._outbox.append(event)
        self._counts.told += 1
        while self._outbox:
            stored = set(await self._tried(self._tell_events))
            self._outbox = [event for event in self._outbox if event.id not in stored]
        self._stored.append(event)
        self._counts.count(step.result)
        self._status = replace(status, phase=State.IDLE.value, release="")

    async def _tell_events(self) -> Sequence[EventId]:
        return await self._link.send_events(self._outbox[:EVENTS_MOST])

    async def _say(self) -> None:
        await self._tried(lambda: self._link.send_status(self._status))
        self._told_before = self._status

    async def _order(self, timeout_s: float) -> Desired | None:
        self._since_poll_s = 0.0
        return await self._tried(lambda: self._link.order(timeout_s))

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


def _version(desired: Desired) -> str:
    """Return the version that an order is for; empty to stay."""
    path = desired.release or ""
    return path.split("/")[1] if path.count("/") > 1 else ""


def _service(version: str) -> str:
    """Return the one service that a version is of; empty for a whole system."""
    return version.partition("+")[0] if "+" in version else ""
