"""A campaign that is open in a transaction: what happens to it is stored when the block ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection

from edge.console import audit
from edge.console.audit import CONSOLE, Actor
from edge.console.campaigns import curve, engine, stopping, store
from edge.console.campaigns.campaign import Campaign, Decided, Event, State
from edge.console.campaigns.course import Happened
from edge.console.campaigns.journal import Entry, Joined, Tripped
from edge.console.campaigns.members import UNREACHED, Member, MemberEvent
from edge.console.campaigns.store import Stored

_ENDED = frozenset({State.FINISHED, State.ABORTED, State.REVERTED})


def actor_of(tenant: str, id_: str, now_s: int) -> Actor:
    """Return a campaign as the audit log names it."""
    return Actor(tenant, f"campaign:{id_}", now_s)


class Ledger:
    """What happens to one campaign in one transaction.

    Args:
        connection: Of the transaction.
        stored: The campaign.
        now_s: The console's clock.
    """

    def __init__(self, connection: Connection, stored: Stored, now_s: int) -> None:
        self.connection = connection
        self.stored = stored
        self.now_s = now_s
        self._before = stored
        self._entries: list[Entry] = []
        self._by = CONSOLE

    @property
    def campaign(self) -> Campaign:
        """How it stands."""
        return self.stored.campaign

    @property
    def at_s(self) -> int:
        """The time on the campaign's clock."""
        return self.campaign.clock_s(self.now_s)

    @property
    def actor(self) -> Actor:
        """The campaign, as the audit log names it."""
        return actor_of(self.stored.tenant, self.stored.id, self.now_s)

    def happen(self, member: Member, event: MemberEvent, **words: Any) -> Member:
        """Let something happen to a device, and return how it stands then.

        Args:
            member: How it stands.
            event: What happens; about its newest order if no other `action` is said.
            words: Of `Happened`.
        """
        happened = Happened(event, self.at_s, **{"action": member.action, **words})
        campaign, after = engine.apply(self.campaign, member, happened)
        if after is member:
            return member
        self._take(campaign, Entry(member.device, happened))
        stored = self.stored
        store.save_member(self.connection, stored.tenant, stored.id, after, now_s=self.now_s)
        return after

    def join(self, device: str, rank: int) -> Member:
        """Let a device in that has come later."""
        joined = Joined(self.at_s, rank)
        campaign, member = engine.joined(self.campaign, device, rank, joined.at_s)
        self._take(campaign, Entry(device, joined))
        turns = store.Turns(member.wave, member.rank, [member.device])
        store.add_waiting(self.connection, self.stored.tenant, self.stored.id, turns)
        return member

    def decide(self, event: Event, *, by: str = "", **words: Any) -> None:
        """Let somebody, or time, decide something.

        Raises:
            RefusedError: It can not be decided as the campaign stands.
            InputError: A new plan can not be meant.
        """
        if event is Event.EDITED:
            words["before"] = self.campaign.plan
        decided = Decided(event, self.at_s, by=by, **words)
        self._by = by or CONSOLE
        self._take(engine.decide(self.campaign, decided), Entry("", decided))

    def looked(self) -> None:
        """Note that time was looked at."""
        self.stored = replace(self.stored, looked_at_s=self.now_s)

    def close(self) -> None:
        """Store what happened."""
        before, after = self._before.campaign.state, self.campaign.state
        if before is not after:
            self._note_turn(before, after)
        if self._entries:
            self.stored = store.write_entries(
                self.connection, self.stored, self._entries, now_s=self.now_s
            )
        if self.stored is not self._before:
            store.save(self.connection, self.stored)

    def _note_turn(self, before: State, after: State) -> None:
        if after is State.RUNNING and not self.stored.began_at_s:
            self.stored = replace(self.stored, began_at_s=self.now_s)
        ended = self.now_s if after in _ENDED else 0
        self.stored = replace(self.stored, ended_at_s=ended)
        curve.sample(self.connection, self.stored, self.now_s)
        details: dict[str, object] = {"from": before, "to": after}
        if self.campaign.reason:
            details["reason"] = self.campaign.reason
        actor = Actor(self.stored.tenant, self._by, self.now_s)
        subject = f"campaign:{self.stored.id}"
        audit.record(self.connection, actor, "campaign.turn", subject, details)

    def _take(self, campaign: Campaign, entry: Entry) -> None:
        has_tripped = campaign.tripped and not self.campaign.tripped
        self.stored = replace(self.stored, campaign=campaign)
        self._entries.append(entry)
        if has_tripped:
            self._note_trip()

    def _note_trip(self) -> None:
        """Say in the journal and the audit log which rule stopped the campaign, and by what."""
        campaign = self.campaign
        trip = stopping.tripped(campaign.plan, campaign.tallies)
        assert trip is not None
        act, reached = campaign.plan.on_trip, campaign.total - campaign.of(UNREACHED)
        self._entries.append(
            Entry("", Tripped(self.at_s, act=act, reached=reached, **asdict(trip)))
        )
        details: dict[str, object] = {**asdict(trip), "act": act, "reached": reached}
        actor = Actor(self.stored.tenant, CONSOLE, self.now_s)
        audit.record(self.connection, actor, "campaign.trip", f"campaign:{self.stored.id}", details)


@contextmanager
def opened(connection: Connection, tenant: str, id_: str, now_s: int) -> Iterator[Ledger]:
    """Open a campaign; what happens to it in the block is stored if the block does not raise.

    Raises:
        ThingNotFoundError: There is no such campaign.
    """
    ledger = Ledger(connection, store.get(connection, tenant, id_), now_s)
    yield ledger
    ledger.close()
