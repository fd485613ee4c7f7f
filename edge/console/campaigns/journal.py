"""What happened in a campaign, in order, as text; and the campaign that it gives."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from pydantic import TypeAdapter

from edge.console.campaigns import engine
from edge.console.campaigns.campaign import Campaign, Decided
from edge.console.campaigns.course import Happened
from edge.console.campaigns.members import Member


@dataclass(frozen=True, slots=True)
class Joined:
    """A device came to a campaign that had begun."""

    at_s: int
    rank: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal.

    Attributes:
        device: What it is about; empty for the campaign as a whole.
    """

    device: str
    what: Happened | Decided | Joined


_MEMBER: Final = TypeAdapter(Happened)
_CAMPAIGN: Final = TypeAdapter(Decided)
_JOINED: Final = TypeAdapter(Joined)


def pack(what: Happened | Decided | Joined) -> tuple[str, str]:
    """Return the kind of an entry, and the rest as JSON."""
    match what:
        case Happened():
            return "member", _MEMBER.dump_json(what, exclude_defaults=True).decode()
        case Decided():
            return "campaign", _CAMPAIGN.dump_json(what, exclude_defaults=True).decode()
        case Joined():
            return "joined", _JOINED.dump_json(what, exclude_defaults=True).decode()
    assert_never(what)


def unpack(device: str, kind: str, text: str) -> Entry:
    """Return the entry that was packed."""
    match kind:
        case "member":
            return Entry(device, _MEMBER.validate_json(text))
        case "campaign":
            return Entry(device, _CAMPAIGN.validate_json(text))
        case _:
            return Entry(device, _JOINED.validate_json(text))


def replay(
    campaign: Campaign, members: Iterable[Member], entries: Iterable[Entry]
) -> tuple[Campaign, dict[str, Member]]:
    """Return how a campaign and its devices stand after all that its journal has.

    Args:
        campaign: As it was made.
        members: Its devices then.
        entries: The journal, in order.
    """
    known = {one.device: one for one in members}
    for entry in entries:
        match entry.what:
            case Decided():
                campaign = engine.decide(campaign, entry.what)
            case Joined():
                campaign, known[entry.device] = engine.joined(
                    campaign, entry.device, entry.what.rank, entry.what.at_s
                )
            case Happened():
                campaign, known[entry.device] = engine.apply(
                    campaign, known[entry.device], entry.what
                )
    return campaign, known
