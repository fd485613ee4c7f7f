"""What the API takes and says of the devices of a campaign, its journal and its course."""

from typing import Literal

from pydantic import Field

from edge.console.api.views import MOST, View, Words
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import OnTrip
from edge.console.campaigns.stopping import Rule

_BIG = 1 << 53


class DevicesOfCampaignQuery(Words):
    """Which devices of a campaign, page by page."""

    state: MemberState | None = None
    wave: int | None = Field(None, ge=1, le=100, description="Counts from 1")
    sort: Literal["device", "trouble"] = Field(
        "device", description="By id, or those first that need somebody, each state by its turns"
    )
    after: str = Field("", description="`next` of the page before")
    limit: int = Field(100, ge=1, le=MOST)


class JournalQuery(Words):
    """Which part of a journal."""

    after: int = Field(0, ge=0, le=_BIG)
    newest: bool = Field(False, description="The newest entries, the last one first")
    whole: bool = Field(False, description="Only what is about the campaign as a whole")
    limit: int = Field(100, ge=1, le=MOST)


class SamplesOfCampaignQuery(Words):
    """How fine the course of a campaign is told."""

    most: int = Field(500, ge=2, le=10_000, description="So many samples, evenly, and the last one")


class MemberView(View):
    """A device in a campaign."""

    device: str
    state: MemberState
    wave: int = Field(description="Counts from 1")
    reason: str
    action: str
    release: str = Field(description="Of its newest order: the step that it is in")
    from_version: str = Field(description="What it ran of that before; empty if not known")
    taken: list[str] = Field(description="Releases of the set that it committed before that order")
    tries: int
    planned_bytes: int
    changed_at_s: int


class MembersView(View):
    """Devices of a campaign, in the order that was asked for."""

    devices: list[MemberView]
    next: str = Field(description="For `after`; empty on the last page")


class TripView(View):
    """The rule that stopped a campaign, and what was seen then."""

    rule: Rule
    act: OnTrip
    wave: int = Field(description="Counts from 1; 0: all waves together")
    failures: int
    ended: int = Field(description="Devices that had ended, well or not")
    reached: int = Field(description="Devices that had been ordered the release")


class JournalEntryView(View):
    """Something that happened in a campaign."""

    number: int
    at_s: int
    device: str = Field(description="Empty: the campaign as a whole")
    what: str
    by: str
    reason: str
    trip: TripView | None = Field(None, description="Of `tripped`")


class JournalView(View):
    """A part of a journal, in order."""

    entries: list[JournalEntryView]


class CampaignSampleView(View):
    """How many devices stood how at a time."""

    at_s: int
    counts: dict[str, int]


class CampaignSamplesView(View):
    """How a campaign went, for a chart."""

    samples: list[CampaignSampleView]


class ReasonView(View):
    """Why devices of a campaign did not make it."""

    state: MemberState
    reason: str
    devices: int


class ReasonsView(View):
    """Why devices did not make it, the most frequent reasons first."""

    reasons: list[ReasonView]


class VerifiedView(View):
    """What came of a journal that was replayed against what is stored."""

    entries: int = Field(description="Of the journal")
    devices: int
    differences: list[str] = Field(description="None if all is as the journal gives it")
