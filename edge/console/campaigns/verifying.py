"""Whether a campaign stands as its journal gives it: all entries once more."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from typing import Final

from sqlalchemy import Connection, select

from edge.console.campaigns import course, journal, store
from edge.console.campaigns.campaign import Campaign, Decided, new
from edge.console.campaigns.journal import Entry, Joined
from edge.console.campaigns.members import Member, MemberState
from edge.console.campaigns.plan import Plan
from edge.console.campaigns.store import Stored
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES
from edge.errors import EdgeError

MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it.

    Attributes:
        entries: How many the journal has.
        devices: How many the campaign has.
        differences: What is stored otherwise, at most `MOST` of it; none if all is well.
    """

    entries: int
    devices: int
    differences: tuple[str, ...]


def verify(connection: Connection, tenant: str, id_: str) -> Verified:
    """Replay the journal of a campaign, and compare what it gives with what is stored.

    It costs time and memory by the length of the journal: this is for a reader.

    Raises:
        ThingNotFoundError: There is no such campaign.
    """
    if connection.dialect.name == "postgresql":
        # All of it as of one moment; SQLite reads no other way.
        connection.execution_options(isolation_level="REPEATABLE READ")
    stored = store.get(connection, tenant, id_)
    same = (CAMPAIGN_DEVICES.c.tenant == tenant, CAMPAIGN_DEVICES.c.campaign == id_)
    rows = connection.execute(select(CAMPAIGN_DEVICES).where(*same))
    members = {row.device: store.member_of(row) for row in rows}
    found = list(store.entries(connection, tenant, id_))
    numbers = [number for number, _at_s, _entry in found]
    differences = _differences(stored, members, numbers, [entry for *_at, entry in found])
    return Verified(len(found), len(members), tuple(islice(differences, MOST)))


def at_first(
    plan: Plan, members: Iterable[Member], entries: Iterable[Entry]
) -> tuple[Campaign, list[Member]]:
    """Return a campaign and its devices as they were made, by what came of them."""
    edited, joined = None, set()
    for entry in entries:
        match entry.what:
            case Decided(before=Plan() as before) if edited is None:
                edited = before
            case Joined():
                joined.add(entry.device)
            case _:
                pass
    first = [
        Member(one.device, one.wave, one.rank % course.LATER)
        for one in members
        if one.device not in joined
    ]
    return new(edited or plan, Counter(one.wave for one in first)), first


def _differences(
    stored: Stored, members: dict[str, Member], numbers: list[int], entries: list[Entry]
) -> Iterator[str]:
    if numbers != list(range(1, stored.entries + 1)):
        yield f"the journal has {len(numbers)} entries, not all from 1 to {stored.entries}"
    yield from _counted(stored.campaign, members.values())
    campaign, first = at_first(stored.campaign.plan, members.values(), entries)
    try:
        campaign, replayed = journal.replay(campaign, first, entries)
    except (EdgeError, KeyError) as error:
        yield f"the journal can not be replayed: {error}"
        return
    for name in (one.name for one in fields(Campaign)):
        given, is_ = getattr(campaign, name), getattr(stored.campaign, name)
        if given != is_:
            yield f"{name}: the journal gives {given}, stored is {is_}"
    for device, member in sorted(members.items()):
        if replayed[device] != member:
            yield from _of_member(replayed[device], member)


def _of_member(given: Member, stored: Member) -> Iterator[str]:
    for name in (one.name for one in fields(Member)):
        wanted, found = getattr(given, name), getattr(stored, name)
        if wanted != found:
            yield f"{stored.device}: {name}: the journal gives {wanted!s}, stored is {found!s}"


def _counted(campaign: Campaign, members: Iterable[Member]) -> Iterator[str]:
    """Yield which waves have other devices than the campaign counts."""
    found: list[Counter[MemberState]] = [Counter() for _tally in campaign.tallies]
    for one in members:
        found[one.wave][one.state] += 1
    for number, (tally, counted) in enumerate(zip(campaign.tallies, found, strict=True), 1):
        if dict(tally.counts) != dict(counted):
            yield f"wave {number}: {_of(tally.counts)} are counted, {_of(counted)} are there"


def _of(counts: Mapping[MemberState, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"
