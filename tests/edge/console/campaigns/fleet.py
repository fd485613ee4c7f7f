"""A fleet in memory: the engine with devices, a journal, and nothing else."""

from dataclasses import dataclass, field, replace

from edge.console.campaigns import engine, journal
from edge.console.campaigns.campaign import Campaign, Decided, Event, new
from edge.console.campaigns.course import Happened
from edge.console.campaigns.journal import Entry
from edge.console.campaigns.members import Member, MemberEvent, MemberState
from edge.console.campaigns.plan import Limit, Pace, Plan, Wave, shares

RELEASES = ("p/2/release.json",)
LIMIT = Limit(count=2, percent=None)
WAVES = (
    Wave(percent=10, limit=LIMIT),
    Wave(percent=50, limit=LIMIT),
    Wave(percent=100, limit=LIMIT),
)
PLAN = Plan(RELEASES, waves=WAVES, evidence=None, pace=Pace(at_once=4))


@dataclass
class Fleet:
    """A campaign over devices `d0`, `d1` …

    Attributes:
        clock_s: Of the console.
        entries: All that happened.
    """

    plan: Plan
    size: int
    clock_s: int = 1_000_000
    entries: list[Entry] = field(default_factory=list)
    orders: int = 0

    def __post_init__(self) -> None:
        self.members = {one.device: one for one in self.first_members()}
        self.campaign = self.first_campaign()

    def first_members(self) -> list[Member]:
        """Return the devices as they were at first."""
        found, rank = [], 0
        for share in shares(self.plan.waves, self.size):
            while rank < share.upto:
                found.append(Member(f"d{rank}", share.wave, rank))
                rank += 1
        return found

    def first_campaign(self) -> Campaign:
        """Return the campaign as it was made."""
        sizes: dict[int, int] = {}
        for one in self.first_members():
            sizes[one.wave] = sizes.get(one.wave, 0) + 1
        return new(self.plan, sizes)

    def decide(self, event: Event, **words: object) -> None:
        """Let somebody decide something."""
        decided = Decided(event, self.campaign.clock_s(self.clock_s), **words)  # type: ignore[arg-type]
        self.campaign = engine.decide(self.campaign, decided)
        self._note("", decided)

    def start(self) -> None:
        """Start, and let the first wave begin."""
        self.decide(Event.STARTED, by="jane")
        self.settle()

    def settle(self) -> None:
        """Let happen what time brings."""
        while (event := engine.due(self.campaign, self.clock_s)) is not None:
            self.decide(event)

    def tell(self, device: str, event: MemberEvent, **words: object) -> None:
        """Let something happen to a device; about its newest order if nothing else is said."""
        member = self.members[device]
        said: dict[str, object] = {"action": member.action, **words}
        happened = Happened(event, self.campaign.clock_s(self.clock_s), **said)  # type: ignore[arg-type]
        self.take(device, happened)

    def take(self, device: str, happened: Happened) -> None:
        """Let something happen to a device."""
        self.campaign, self.members[device] = engine.apply(
            self.campaign, self.members[device], happened
        )
        self._note(device, happened)

    def offer(self) -> list[str]:
        """Order as many devices as may be now; return which."""
        offers = engine.next_offers(self.campaign, self.campaign.clock_s(self.clock_s))
        known = sorted(self.members.values(), key=lambda one: (one.wave, one.rank))
        waiting = [
            one for one in known if one.state is MemberState.WAITING and one.wave <= offers.wave
        ]
        chosen = [one.device for one in waiting[: offers.count]]
        between = [one.device for one in known if one.state is MemberState.BETWEEN]
        for device in [*(between if offers.goes_on else ()), *chosen]:
            self.orders += 1
            self.tell(
                device,
                MemberEvent.OFFERED,
                action=f"a{self.orders}",
                release="p/2/release.json",
                from_release="p/1/release.json",
            )
        return chosen

    def update(self, device: str) -> None:
        """Let a device take the release up, commit it, and run it long enough."""
        self.tell(device, MemberEvent.TOOK_UP)
        self.tell(device, MemberEvent.RESTARTING)
        self.tell(device, MemberEvent.COMMITTED)
        self.tell(device, MemberEvent.SOAKED)

    def fail(self, device: str, reason: str = "not healthy") -> None:
        """Let a device take the release up and fall back."""
        self.tell(device, MemberEvent.TOOK_UP)
        self.tell(device, MemberEvent.FAILED, reason=reason)

    @property
    def state(self) -> str:
        """How the campaign stands."""
        return self.campaign.state

    def stands(self, device: str) -> str:
        """Return how a device stands."""
        return self.members[device].state

    def states(self) -> dict[str, int]:
        """Return how many devices stand how."""
        found: dict[str, int] = {}
        for one in self.members.values():
            found[one.state] = found.get(one.state, 0) + 1
        return found

    def replayed(self, upto: int | None = None) -> tuple[Campaign, dict[str, Member]]:
        """Return what the journal gives, through its form as text."""
        entries = [
            journal.unpack(one.device, *journal.pack(one.what)) for one in self.entries[:upto]
        ]
        return journal.replay(self.first_campaign(), self.first_members(), entries)

    def _note(self, device: str, what: Happened | Decided) -> None:
        self.entries.append(Entry(device, what))


def fleet(size: int = 20, **words: object) -> Fleet:
    """Return a fleet whose campaign has begun, with a plan that is `PLAN` but for some words."""
    made = Fleet(replace(PLAN, **words), size)  # type: ignore[arg-type]
    made.start()
    return made
