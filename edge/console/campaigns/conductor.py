"""The campaigns of a console, brought on as time goes by.

Each step is a transaction of its own and small, so that what devices report waits for none of them.
After any of them the console may end: what was to follow is found in the database.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from edge.console.campaigns import (
    approving,
    curve,
    enlisting,
    going_back,
    offering,
    store,
    upkeep,
)
from edge.console.campaigns.acts import Acts
from edge.console.campaigns.campaign import Campaign
from edge.console.campaigns.deafness import Deafness
from edge.console.campaigns.ledger import opened
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.ordering import Desk
from edge.console.campaigns.plan import Plan
from edge.console.front_desk import FrontDesk
from edge.console.notices import Topic
from edge.console.releases import Release
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.errors import EdgeError
from edge_signing.errors import SigningError

_SLOW_EVERY_S: Final = 10
_SAMPLE_S: Final = 5
_ROUNDS_MOST: Final = 40
# A look that found nobody is not done again for so many times as long as it took.
_RARER: Final = 20
_READY: Final = frozenset({MemberState.WAITING, MemberState.BETWEEN})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Done:
    """One piece of what was to be done.

    Attributes:
        ordered: Devices of which something else is wanted now.
        is_more: Whether there may be more to do at once.
    """

    ordered: list[str]
    is_more: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was known of a campaign when it was looked at last."""

    entries: int
    sampled_at_s: int


@dataclass(frozen=True, slots=True)
class _Quiet:
    """A look found nobody whose turn it is.

    Attributes:
        plan: What was meant.
        wave: The wave that was open.
        ready: How many devices had no order and may get one.
        until_s: When it is looked again, unless any of these has changed.
    """

    plan: Plan
    wave: int
    ready: int
    until_s: float

    def lasts(self, campaign: Campaign, at_s: float) -> bool:
        same = (campaign.plan, campaign.open_wave, campaign.of(_READY))
        return at_s < self.until_s and same == (self.plan, self.wave, self.ready)


class Conductor(Acts):
    """Brings campaigns on, beside what people do with them.

    Args:
        database: Where all is stored.
        vaults: The repositories, which sign orders.
        desk: Told when something else is wanted of a device.
        now_s: The time, seconds since 1970.
        word: Gives a word that is not given twice.
        monotonic_s: For how long looks take.
        is_heard: Whether the broker is there, if there is to be one.
    """

    def __init__(
        self,
        database: Database,
        vaults: Vaults,
        desk: FrontDesk,
        *,
        now_s: Callable[[], int],
        word: Callable[[], str],
        monotonic_s: Callable[[], float] = time.monotonic,
        is_heard: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(database, vaults, desk, now_s=now_s, word=word)
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._slow_at_s: dict[tuple[str, str], int] = {}
        self._monotonic_s = monotonic_s
        self._deafness = Deafness(is_heard, monotonic_s)
        # Why the last look at a campaign failed: it is told once.
        self._failed: dict[tuple[str, str], str] = {}
        self._quiet: dict[tuple[str, str], _Quiet] = {}

    async def begin(self, tenant: str) -> None:
        """Forget what was left half made when the console ended."""
        await self._database.write(lambda one: store.forget_halves(one, tenant))

    async def look(self, tenant: str) -> None:
        """Bring all campaigns of a tenant on, as far as it is time."""
        for id_, _priority in await self._database.read(lambda one: store.live(one, tenant)):
            try:
                await self.look_at(tenant, id_)
                self._failed.pop((tenant, id_), None)
            except (EdgeError, SigningError, OSError) as error:
                # Of this one alone: those after it go on.
                if self._failed.get((tenant, id_)) != str(error):
                    logger.warning("campaign %s stands still: %s", id_, error)
                self._failed[tenant, id_] = str(error)

    async def look_at(self, tenant: str, id_: str) -> None:
        """Bring one campaign on: what is due, what is taken back, whose turn it is."""
        desk = await self._orders(tenant, id_)
        is_slow = self._is_time_for_slow(tenant, id_)
        for _round in range(_ROUNDS_MOST):
            chosen = await self._candidates(tenant, id_)
            step = partial(
                self._step,
                tenant=tenant,
                id_=id_,
                desk=desk,
                chosen=chosen,
                is_slow=is_slow,
                is_deaf=self._deafness.lasts(),
            )
            done = await self._database.write(step)
            for device in done.ordered:
                self._desk.wants_other(tenant, device)
                self._desk.notices.tell(tenant, Topic.DEVICE, device)
            if not done.is_more:
                break
            is_slow = False
        await self._note(tenant, id_)

    async def _candidates(self, tenant: str, id_: str) -> list[str]:
        """Return whose turn it is; to look for nobody in a large fleet is not done all the time."""
        stored = await self._database.read(lambda one: store.get(one, tenant, id_))
        campaign, now_s, began = stored.campaign, self._now_s(), self._monotonic_s()
        quiet = self._quiet.get((tenant, id_))
        if quiet is not None and quiet.lasts(campaign, began):
            return []
        found = await self._database.read(lambda one: offering.candidates(one, stored, now_s))
        if not found:
            ended = self._monotonic_s()
            until_s, ready = ended + _RARER * (ended - began), campaign.of(_READY)
            self._quiet[tenant, id_] = _Quiet(campaign.plan, campaign.open_wave, ready, until_s)
        return found

    def _step(
        self,
        connection: Connection,
        *,
        tenant: str,
        id_: str,
        desk: Desk,
        chosen: Sequence[str],
        is_slow: bool,
        is_deaf: bool,
    ) -> _Done:
        """Do one piece of what is to be done."""
        with opened(connection, tenant, id_, self._now_s()) as ledger:
            if upkeep.catch_up(ledger):
                ledger.looked()
            overdue, unanswered = upkeep.overdue(ledger, desk, is_deaf=is_deaf)
            if is_slow:
                overdue += [*upkeep.leave(ledger), *upkeep.join(ledger)]
            upkeep.settle(ledger)
            ordered = [
                *unanswered,
                *offering.withdraw(ledger, desk),
                *going_back.call_back(ledger, desk),
                *offering.offer(ledger, desk, chosen),
            ]
            upkeep.settle(ledger)
        return _Done(ordered, is_more=bool(overdue or ordered))

    async def _orders(self, tenant: str, id_: str) -> Desk:
        stored = await self._database.read(lambda one: store.get(one, tenant, id_))

        def known(connection: Connection) -> list[Release]:
            return enlisting.releases_of(connection, tenant, stored.campaign.plan)

        try:
            meant = await self._database.read(known)
            found = {one.path: await self.ways(tenant, one) for one in meant}
        except EdgeError:
            # One was taken back: who is to get it is refused one by one.
            found = {}
        approval = await self._database.read(lambda one: approving.document(one, stored))
        return Desk(self._vaults, self._word, found, approval)

    async def _note(self, tenant: str, id_: str) -> None:
        """Tell who looks if something happened, and store a sample of it for the chart."""
        now_s = self._now_s()
        stored = await self._database.read(lambda one: store.get(one, tenant, id_))
        before = self._seen.get((tenant, id_), _Seen(-1, 0))
        if stored.entries == before.entries:
            return
        sampled_at_s = before.sampled_at_s
        if not 0 <= now_s - sampled_at_s < _SAMPLE_S or not stored.campaign.is_live:
            await self._database.write(lambda one: curve.sample(one, stored, now_s))
            sampled_at_s = now_s
        self._seen[tenant, id_] = _Seen(stored.entries, sampled_at_s)
        self._tell(tenant, id_)

    def _is_time_for_slow(self, tenant: str, id_: str) -> bool:
        now_s = self._now_s()
        if 0 <= now_s - self._slow_at_s.get((tenant, id_), 0) < _SLOW_EVERY_S:
            return False
        self._slow_at_s[tenant, id_] = now_s
        return True
