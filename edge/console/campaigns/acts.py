"""What people do with campaigns: look ahead, make them, decide over them."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from edge.console import audit, releases
from edge.console.audit import Actor
from edge.console.campaigns import approving, enlisting, preview, store, survey, upkeep, ways
from edge.console.campaigns.approving import Given, Signed
from edge.console.campaigns.campaign import Event, new
from edge.console.campaigns.ledger import opened
from edge.console.campaigns.members import RETRIABLE, MemberEvent, MemberState
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.preview import Preview
from edge.console.campaigns.store import Stored
from edge.console.campaigns.survey import Survey
from edge.console.campaigns.surveys import Surveys
from edge.console.campaigns.ways import Ways
from edge.console.front_desk import FrontDesk
from edge.console.notices import Topic
from edge.console.releases import FOREIGN, Release
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.errors import InputError, RefusedError

# What JSON readers of all languages keep exact.
SEED_BITS: Final = 52
_RETRY_PIECE: Final = 200
_NAME_MOST: Final = 200


class Acts:
    """The acts of people over campaigns; for the thread of the event loop.

    Args:
        database: Where all is stored.
        vaults: The repositories, which sign orders.
        desk: Told when something else is wanted of a device.
        now_s: The time, seconds since 1970.
        word: Gives a word that is not given twice.
        monotonic_s: For how long looks take.
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
    ) -> None:
        self._database = database
        self._vaults = vaults
        self._desk = desk
        self._now_s = now_s
        self._word = word
        self._ways: dict[tuple[str, str], Ways] = {}
        # One at a time: of a large fleet it takes seconds, and others read meanwhile.
        self._previewing = asyncio.Lock()
        self._monotonic_s = monotonic_s
        self._surveys = Surveys(monotonic_s)

    async def preview(self, tenant: str, plan: Plan, *, seed: int | None = None) -> Preview:
        """Return what a plan would do; see `preview.preview`."""
        plan.check()
        known = await self._database.read(lambda one: enlisting.releases_of(one, tenant, plan))
        costs = {one.path: await self.ways(tenant, one) for one in known}
        drawn = secrets.randbits(SEED_BITS) if seed is None else seed
        async with self._previewing:
            met = await self._met(tenant, plan, known)
            now_s = self._now_s()
            return await self._database.read(
                lambda one: preview.preview(one, tenant, plan, costs, met, seed=drawn, now_s=now_s)
            )

    async def _met(self, tenant: str, plan: Plan, known: Sequence[Release]) -> Survey:
        """Return the fleet as a plan meets it; of a large one, as it was a moment ago."""
        met = self._surveys.known(tenant, plan)
        if met is None:
            began_s, now_s = self._monotonic_s(), self._now_s()
            met = await self._database.read(
                lambda one: survey.survey(one, tenant, plan, known, now_s)
            )
            self._surveys.keep(tenant, plan, met, self._monotonic_s() - began_s)
        return met

    async def create(
        self, actor: Actor, name: str, plan: Plan, *, seed: int | None = None
    ) -> Stored:
        """Make a campaign, with all its devices, that nobody has started yet.

        Args:
            actor: Who makes it.
            name: What people call it.
            plan: What it is to do.
            seed: Of a preview, to have the devices that it showed; None to draw their turns.

        Raises:
            InputError: The plan can not be meant, or no device takes part.
            ThingNotFoundError: A release or a named device is not there.
        """
        if not 1 <= len(name) <= _NAME_MOST or not name.isprintable():
            raise InputError(f"name: not 1 to {_NAME_MOST} characters that can be printed")
        plan.check()
        drawn = secrets.randbits(SEED_BITS) if seed is None else seed
        enlisted = await self._database.read(
            lambda one: enlisting.enlist(one, actor.tenant, plan, seed=drawn, now_s=actor.now_s)
        )
        # Who is limited to groups sees only what has a device of his.
        may_be_empty = plan.is_dynamic and plan.within is None
        if not any(enlisted.waves) and not may_be_empty:
            raise InputError(
                "no device takes part",
                hint="they run the release, it is not for them, or none fits the filter",
            )
        made = _new_one(actor, f"c-{self._word()}", name, plan, enlisted.sizes)
        if plan.approvals:
            made = replace(made, statement=await self._statement(made))
        await self._database.write(lambda one: store.add(one, made, drawn))
        for piece in enlisted.pieces():
            await self._database.write(
                partial(store.add_waiting, tenant=actor.tenant, id_=made.id, turns=piece)
            )
        await self._database.write(lambda one: _finish(one, actor, made))
        self._tell(actor.tenant, made.id)
        return made

    async def decide(
        self, actor: Actor, id_: str, event: Event, *, reason: str = "", plan: Plan | None = None
    ) -> Stored:
        """Let somebody decide over a campaign; see `engine.decide`.

        Raises:
            ThingNotFoundError: There is no such campaign.
            RefusedError: It can not be decided as the campaign stands.
        """

        def step(connection: Connection) -> Stored:
            with opened(connection, actor.tenant, id_, actor.now_s) as ledger:
                ledger.decide(event, by=actor.name, reason=reason, plan=plan)
                details: dict[str, object] = {"reason": reason} if reason else {}
                act = f"campaign.{_ACTS[event]}"
                audit.record(connection, actor, act, f"campaign:{id_}", details)
                upkeep.settle(ledger)
            return store.get(connection, actor.tenant, id_)

        found = await self._database.write(step)
        self._tell(actor.tenant, id_)
        return found

    async def approve(
        self, actor: Actor, id_: str, *, reason: str = "", signed: Signed | None = None
    ) -> Stored:
        """Let somebody agree to a campaign.

        Args:
            actor: Who agrees.
            id_: The campaign.
            reason: In his words.
            signed: What he signed with a key of his own; None if he only says so.

        Raises:
            ThingNotFoundError: There is no such campaign.
            RefusedError: It does not wait for approval, or he has approved it.
            UntrustedError: The signature is not of this campaign.
        """

        def step(connection: Connection) -> Stored:
            with opened(connection, actor.tenant, id_, actor.now_s) as ledger:
                ledger.decide(Event.APPROVED, by=actor.name, reason=reason)
                given = Given(actor.name, actor.now_s, reason, "")
                details = approving.give(connection, ledger.stored, given, signed)
                audit.record(connection, actor, "campaign.approve", f"campaign:{id_}", details)
                upkeep.settle(ledger)
            return store.get(connection, actor.tenant, id_)

        found = await self._database.write(step)
        self._tell(actor.tenant, id_)
        return found

    async def retry(self, actor: Actor, id_: str, devices: Sequence[str] = ()) -> int:
        """Give devices that did not make it another try; return how many.

        Args:
            actor: Who wants it.
            id_: The campaign.
            devices: Which; none for all that failed or were silent.

        Raises:
            ThingNotFoundError: There is no such campaign, or a device is not in it.
            RefusedError: There is none to try again, or the campaign is over.
        """
        total, piece = 0, _RETRY_PIECE
        while piece == _RETRY_PIECE and not (total and devices):
            retry = partial(_retry, actor=actor, id_=id_, devices=devices, is_first=not total)
            piece = await self._database.write(retry)
            total += piece
        self._tell(actor.tenant, id_)
        return total

    async def remove(self, actor: Actor, id_: str) -> None:
        """Remove a campaign in which nothing happens any more, with its journal.

        Raises:
            RefusedError: Something may still happen in it.
        """

        def step(connection: Connection) -> None:
            if store.get(connection, actor.tenant, id_).campaign.is_live:
                raise RefusedError(f"campaign {id_!r} is under way", hint="abort it first")
            store.forget(connection, actor.tenant, id_)
            audit.record(connection, actor, "campaign.remove", f"campaign:{id_}")

        await self._database.write(step)
        self._tell(actor.tenant, id_)

    async def ways(self, tenant: str, release: Release) -> Ways:
        """Return what a release costs a device."""
        key = (tenant, release.path)
        if key not in self._ways:
            if release.kind == FOREIGN:
                return await self._database.read(lambda one: ways.of_foreign(one, tenant, release))
            vault = self._vaults.of(tenant)
            self._ways[key] = await asyncio.to_thread(ways.of_edge, vault, release)
        return self._ways[key]

    async def _statement(self, made: Stored) -> bytes:
        """Return what people sign who approve a campaign."""
        tenant, vault = made.tenant, self._vaults.of(made.tenant)
        products = sorted({one.partition("/")[0] for one in made.campaign.plan.releases})
        known = await self._database.read(
            lambda one: [
                each for name in products for each in releases.list_(one, tenant, product=name)
            ]
        )
        return await asyncio.to_thread(approving.statement, made, known, vault)

    def _tell(self, tenant: str, id_: str) -> None:
        self._desk.notices.tell(tenant, Topic.CAMPAIGN, id_)
        self._desk.notices.tell(tenant, Topic.AUDIT, "")


_ACTS: Final = {
    Event.STARTED: "start",
    Event.OPENED: "open-wave",
    Event.PAUSED: "pause",
    Event.RESUMED: "resume",
    Event.ABORTED: "abort",
    Event.REVERTED: "revert",
    Event.EDITED: "edit",
    Event.EXPIRED: "finish",
}


def _new_one(actor: Actor, id_: str, name: str, plan: Plan, sizes: dict[int, int]) -> Stored:
    return Stored(
        tenant=actor.tenant,
        id=id_,
        name=name,
        campaign=new(plan, sizes),
        entries=0,
        looked_at_s=actor.now_s,
        made_by=actor.name,
        created_at_s=actor.now_s,
        began_at_s=0,
        ended_at_s=0,
    )


def _finish(connection: Connection, actor: Actor, made: Stored) -> None:
    store.make_whole(connection, actor.tenant, made.id)
    details: dict[str, object] = {
        "name": made.name,
        "devices": made.campaign.total,
        "releases": list(made.campaign.plan.releases),
    }
    audit.record(connection, actor, "campaign.create", f"campaign:{made.id}", details)


def _retry(
    connection: Connection, *, actor: Actor, id_: str, devices: Sequence[str], is_first: bool
) -> int:
    tenant = actor.tenant
    store.get(connection, tenant, id_)
    if devices:
        known = [store.member(connection, tenant, id_, one) for one in devices]
        found = [one for one in known if one.state in RETRIABLE]
    else:
        failed = (MemberState.FAILED, MemberState.SILENT)
        found = store.members_in(connection, tenant, id_, failed, most=_RETRY_PIECE)
    if is_first and not found:
        raise RefusedError("no device is to be tried again")
    with opened(connection, tenant, id_, actor.now_s) as ledger:
        if is_first:
            ledger.decide(Event.RETRIED, by=actor.name)
            details: dict[str, object] = {"devices": list(devices)} if devices else {}
            audit.record(connection, actor, "campaign.retry", f"campaign:{id_}", details)
        for member in found:
            ledger.happen(member, MemberEvent.RETRIED)
    return len(found)
