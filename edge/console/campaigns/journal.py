"""What happened in a campaign, in order, as text; and the campaign that it gives."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from pydantic import TypeAdapter

from edge.console.campaigns import engine
from edge.console.campaigns.campaign import Campaign, Decided
from edge.console.campaigns.course import Happened
from edge.console.campaigns.members import Member
from edge.console.campaigns.plan import OnTrip
from edge.console.campaigns.stopping import Rule
from edge.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Joined:
    """A device came to a campaign that had begun."""

    at_s: int
    rank: int


@dataclass(frozen=True, slots=True)
class Tripped:
    """A rule stopped a campaign: what the entry before it gives, said for who reads.

    It changes nothing when it is replayed, so that journals without it give the same campaign.

    Attributes:
        at_s: On the campaign's clock.
        reason: Which rule, in words.
        act: What happens then.
        wave: Of the rule, from 1; 0 if it is about all together.
        failures: How many devices had failed, of the wave or of all.
        ended: How many had ended, well or not.
        reached: How many devices of the campaign had an order for the release by then.
    """

    at_s: int
    rule: Rule
    reason: str
    act: OnTrip
    wave: int
    failures: int
    ended: int
    reached: int


What = Happened | Decided | Joined | Tripped


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal.

    Attributes:
        device: What it is about; empty for the campaign as a whole.
    """

    device: str
    what: What


_MEMBER: Final = TypeAdapter(Happened)
_CAMPAIGN: Final = TypeAdapter(Decided)
_JOINED: Final = TypeAdapter(Joined)
_TRIPPED: Final = TypeAdapter(Tripped)


def pack(what: What) -> tuple[str, str]:
    """Return the kind of an entry, and the rest as JSON."""
    match what:
        case Happened():
            return "member", _MEMBER.dump_json(what, exclude_defaults=True).decode()
        case Decided():
            return "campaign", _CAMPAIGN.dump_json(what, exclude_defaults=True).decode()
        case Joined():
            return "joined", _JOINED.dump_json(what, exclude_defaults=True).decode()
        case Tripped():
            return "tripped", _TRIPPED.dump_json(what).decode()
    assert_never(what)


def unpack(device: str, kind: str, text: str) -> Entry:
    """Return the entry that was packed."""
    match kind:
        case "member":
            return Entry(device, _MEMBER.validate_json(text))
        case "campaign":
            return Entry(device, _CAMPAIGN.validate_json(text))
        case "tripped":
            return Entry(device, _TRIPPED.validate_json(text))
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

    Raises:
        RefusedError: It says that a rule stopped the campaign there, and none did.
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
            case Tripped() if campaign.tripped != entry.what.reason:
                raise RefusedError(f"no rule stopped it here: {entry.what.reason}")
            case _:
                pass
    return campaign, known
