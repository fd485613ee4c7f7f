"""What the API takes and says of campaigns."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from edge.console.api.views import MOST, View, Words
from edge.console.campaigns.campaign import State
from edge.console.campaigns.plan import (
    RELEASES_MOST,
    Evidence,
    Limit,
    OnTrip,
    Pace,
    Plan,
    Times,
    Wave,
)
from edge_signing.approval import Algorithm
from edge_signing.messages import Confirm, Policy, Reboot

_BIG = 1 << 53


class LimitBody(Words):
    """When a wave has too many failures."""

    count: int | None = Field(None, ge=1, le=_BIG, description="So many are too many")
    percent: int | None = Field(10, ge=0, le=100, description="More than this is too many")
    sample: int = Field(10, ge=1, le=_BIG, description="So many ended before the share counts")


class WaveBody(Words):
    """A part of the devices: by one of percent, count, filter and devices."""

    percent: int | None = Field(None, ge=1, le=100)
    count: int | None = Field(None, ge=1, le=_BIG)
    filter: str = ""
    devices: list[str] = Field(default=[], max_length=10_000)
    limit: LimitBody = LimitBody()
    success_percent: int = Field(80, ge=0, le=100)
    wait_s: int = Field(0, ge=0, le=_BIG)


class EvidenceBody(Words):
    """The stop rule over the whole campaign (a sequential probability ratio test)."""

    good_permille: int = Field(10, ge=1, le=998, description="Failures that are usual, in 1,000")
    bad_permille: int = Field(50, ge=2, le=999, description="Failures that must be noticed")
    alarm_permille: int = Field(50, ge=1, le=500, description="How often it may stop a good one")


class PaceBody(Words):
    """How fast it goes."""

    at_once: int = Field(50, ge=1, le=1_000_000)
    per_minute: int | None = Field(None, ge=1, le=1_000_000)
    bytes_per_s: int | None = Field(None, ge=1, le=1 << 40)


class TimesBody(Words):
    """How long things may take, seconds."""

    soak_s: int = Field(300, ge=0, le=_BIG)
    silence_s: int = Field(900, ge=5, le=_BIG)
    timeout_s: int = Field(86_400, ge=10, le=_BIG)
    answer_s: int = Field(3600, ge=5, le=_BIG)
    seen_s: int = Field(86_400, ge=0, le=_BIG)


class PlanBody(Words):
    """What a campaign is to do."""

    version: str = Field(description="Of the releases; each device gets the one that is for it")
    also: list[str] = Field(
        default=[],
        max_length=RELEASES_MOST - 1,
        description="Versions of further releases, as of services: each device gets those of a set"
        " that are for it, one after the other",
    )
    product: str = Field("", description="Only this product's")
    target: str = Field("", description="Filter of devices; empty for all that are accepted")
    is_dynamic: bool = False
    waves: list[WaveBody] = Field(default=[WaveBody(percent=100)], min_length=1, max_length=100)
    evidence: EvidenceBody | None = EvidenceBody()
    pace: PaceBody = PaceBody()
    times: TimesBody = TimesBody()
    download_only: bool = False
    reboot: Reboot = "now"
    confirm: Confirm = "as-set"
    confirm_until_s: int = Field(
        0, ge=0, lt=1 << 40, description="From then on users are asked no more; 0: they always are"
    )
    window: str = Field("", max_length=11, description="HH:MM-HH:MM, for reboot `window`")
    start_at_s: int = Field(0, ge=0, le=_BIG)
    end_at_s: int = Field(0, ge=0, le=_BIG)
    approvals: int = Field(0, ge=0, le=20)
    priority: int = Field(100, ge=0, le=1000)
    tries: int = Field(1, ge=1, le=10)
    on_trip: OnTrip = "pause"

    def plan(self, releases: tuple[str, ...], policy: Policy) -> Plan:
        """Return the plan for these releases, by the paths of their documents."""
        evidence = self.evidence
        return Plan(
            releases=releases,
            target=self.target,
            is_dynamic=self.is_dynamic,
            waves=tuple(_wave(one) for one in self.waves),
            evidence=Evidence(**evidence.model_dump()) if evidence else None,
            pace=Pace(**self.pace.model_dump()),
            times=Times(**self.times.model_dump()),
            policy=policy,
            start_at_s=self.start_at_s,
            end_at_s=self.end_at_s,
            approvals=self.approvals,
            priority=self.priority,
            tries=self.tries,
            on_trip=self.on_trip,
        )


class PreviewBody(PlanBody):
    """What would be done."""

    seed: int | None = Field(None, ge=0, lt=1 << 52)


class CampaignBody(PreviewBody):
    """A new campaign; with the seed of a preview it has the devices that that showed."""

    name: str = Field(min_length=1, max_length=200)


class DecisionBody(Words):
    """Why it is decided."""

    reason: str = Field("", max_length=500)


class ApproveBody(DecisionBody):
    """Why somebody agrees, and what he signed with a key of his own."""

    algorithm: Algorithm | None = None
    public: str = Field("", max_length=1000, description="Of his key, as in a `.pub` file")
    sig: str = Field("", max_length=1000, pattern="^([0-9a-f]{2})*$", description="In hex")


class GivenView(View):
    """An approval that was given."""

    person: str
    at_s: int
    reason: str
    keyid: str = Field(description="Of the key that signed; empty if he only said so")


class ApprovalView(View):
    """What there is to approve, and who did."""

    statement: dict[str, object] | None = Field(
        description="What is signed, in canonical JSON; null if there is nothing to sign"
    )
    given: list[GivenView]


class RetryBody(Words):
    """Which devices get another try."""

    devices: list[str] = Field(
        default=[], max_length=1000, description="None: all that failed or were silent"
    )


class CampaignsQuery(Words):
    """Which campaigns."""

    limit: int = Field(100, ge=1, le=MOST)


class GaugeView(View):
    """How near a wave is to stopping the campaign."""

    failures: int
    ended: int
    count: int | None = Field(description="So many failures stop it; null for any number")
    percent: int | None = Field(description="More than this share stops it; null for any share")
    sample: int = Field(description="So many ended before the share counts")


class WaveView(View):
    """A wave, and how its devices stand."""

    number: int = Field(description="Counts from 1")
    size: str = Field(description="As it was planned: 10%, 5, a filter, or names")
    devices: int
    counts: dict[str, int] = Field(description="Devices by state; states with none are left out")
    is_open: bool
    succeeded: int
    success_percent: int = Field(description="So much of it must have succeeded for the next one")
    wait_s: int
    gauge: GaugeView


class EvidenceView(View):
    """What the reports of all waves say of the release."""

    failures: int
    good: int
    stops_at: int = Field(description="So many failures would stop it now")


class CampaignSummaryView(View):
    """A campaign in a list."""

    campaign: str
    name: str
    state: State
    reason: str
    tripped: str = Field(description="The rule that stopped it; empty if none did")
    version: str
    also: list[str] = Field(description="Further releases of the set")
    products: list[str]
    target: str
    devices: int
    counts: dict[str, int]
    reached: int = Field(description="Devices that were ordered the release")
    open_wave: int
    waves: int
    made_by: str
    created_at_s: int
    began_at_s: int = Field(description="0: not yet")
    ended_at_s: int = Field(description="0: not yet")
    is_live: bool
    within: list[str] | None = Field(
        description="Groups whose members alone it may have; null if it is bound to none"
    )
    is_part: bool = Field(
        description="Only what is about devices that you reach: what people wrote is left out"
    )
    is_least: bool = Field(description="You reach more devices than were counted")


class CampaignsView(View):
    """Campaigns, the newest first."""

    campaigns: list[CampaignSummaryView]


class CampaignView(CampaignSummaryView):
    """A campaign with all that is known of it."""

    under_way: int
    approved_by: list[str]
    wave_views: list[WaveView]
    evidence: EvidenceView | None
    plan: PlanBody
    acts: list[str] = Field(description="What can be decided now")


class RetriedView(View):
    """How many devices get another try."""

    devices: int


class WavePreviewView(View):
    """A wave before it is."""

    devices: int
    first: list[str]
    planned_bytes: int
    duration_s: int


class LeftOutView(View):
    """Devices and a reason."""

    reason: str
    devices: int
    examples: list[str]


class ConflictView(View):
    """Another campaign that has some of the devices."""

    campaign: str
    name: str
    devices: int
    goes_first: bool


class ExposureView(View):
    """How far a release would come that fails on a share of devices."""

    defect_permille: int
    median: int = Field(description="Devices that it reaches, in half of all cases at most")
    most: int = Field(description="In 19 of 20 cases at most")
    stopped_percent: int
    first_wave_percent: int


class PreviewView(View):
    """What a campaign would do to the fleet as it is now."""

    kind: Literal["preview"] = "preview"
    seed: int = Field(description="Given with the campaign, it has these devices")
    devices: int
    planned_bytes: int
    patched: int
    full: int
    steps: int = Field(description="Devices that take another release first")
    several: int = Field(description="Devices that take more than one release of the set")
    unseen: int
    reverting: int
    duration_s: int
    waves: list[WavePreviewView]
    left_out: list[LeftOutView]
    refused: list[LeftOutView]
    conflicts: list[ConflictView]
    exposures: list[ExposureView]


def plan_body(plan: Plan, versions: Sequence[str], product: str) -> PlanBody:
    """Return what somebody would send to get this plan."""
    waves = [
        WaveBody(
            percent=one.percent,
            count=one.count,
            filter=one.filter,
            devices=list(one.devices),
            limit=LimitBody(
                count=one.limit.count, percent=one.limit.percent, sample=one.limit.sample
            ),
            success_percent=one.success_percent,
            wait_s=one.wait_s,
        )
        for one in plan.waves
    ]
    evidence = plan.evidence
    return PlanBody(
        version=versions[0],
        also=list(versions[1:]),
        product=product,
        target=plan.target,
        is_dynamic=plan.is_dynamic,
        waves=waves,
        evidence=EvidenceBody.model_validate(evidence, from_attributes=True) if evidence else None,
        pace=PaceBody.model_validate(plan.pace, from_attributes=True),
        times=TimesBody.model_validate(plan.times, from_attributes=True),
        download_only=plan.policy.download_only,
        reboot=plan.policy.reboot,
        confirm=plan.policy.confirm,
        confirm_until_s=plan.policy.confirm_until_s,
        window=str(plan.policy.window or ""),
        start_at_s=plan.start_at_s,
        end_at_s=plan.end_at_s,
        approvals=plan.approvals,
        priority=plan.priority,
        tries=plan.tries,
        on_trip=plan.on_trip,
    )


def _wave(one: WaveBody) -> Wave:
    return Wave(
        percent=one.percent,
        count=one.count,
        filter=one.filter,
        devices=tuple(one.devices),
        limit=Limit(**one.limit.model_dump()),
        success_percent=one.success_percent,
        wait_s=one.wait_s,
    )
