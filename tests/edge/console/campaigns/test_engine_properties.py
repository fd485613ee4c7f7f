"""What holds for every campaign, whatever happens in whatever order, and however often."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.console.campaigns import course, engine
from edge.console.campaigns.campaign import Event, State
from edge.console.campaigns.course import Happened
from edge.console.campaigns.members import TO_REVERT, Member, MemberEvent, MemberState
from edge.console.campaigns.plan import Evidence, Limit, Pace, Plan, Times, Wave
from edge.console.campaigns.tally import Tally
from edge.errors import RefusedError
from tests.edge.console.campaigns.fleet import Fleet

REPORTS = (
    MemberEvent.TOOK_UP,
    MemberEvent.HELD,
    MemberEvent.RESTARTING,
    MemberEvent.PASSED,
    MemberEvent.STEPPED,
    MemberEvent.COMMITTED,
    MemberEvent.COMPLETED,
    MemberEvent.STARTED,
    MemberEvent.FAILED,
    MemberEvent.CANCELLED,
    MemberEvent.OVERTAKEN,
    MemberEvent.LEFT,
    MemberEvent.WENT_BACK,
    MemberEvent.STAYED,
)
PEOPLE = (Event.PAUSED, Event.RESUMED, Event.ABORTED, Event.REVERTED, Event.RETRIED, Event.OPENED)

limits = st.builds(
    Limit,
    count=st.none() | st.integers(1, 4),
    percent=st.none() | st.integers(0, 50),
    sample=st.integers(1, 6),
)
waves = st.lists(st.integers(1, 99), max_size=3, unique=True).flatmap(
    lambda shares: st.tuples(
        *(
            st.builds(
                Wave,
                percent=st.just(one),
                limit=limits,
                success_percent=st.integers(0, 100),
                wait_s=st.sampled_from((0, 50)),
            )
            for one in [*sorted(shares), 100]
        )
    )
)
plans = st.builds(
    Plan,
    releases=st.just(("p/2/release.json",)),
    is_dynamic=st.booleans(),
    waves=waves,
    evidence=st.none() | st.just(Evidence(20, 200, 100)),
    pace=st.builds(
        Pace,
        at_once=st.integers(1, 6),
        per_minute=st.none() | st.integers(1, 5),
        bytes_per_s=st.none() | st.just(10),
    ),
    times=st.just(Times(soak_s=20, silence_s=20, timeout_s=100, answer_s=40)),
    tries=st.integers(1, 3),
    on_trip=st.sampled_from(("pause", "abort", "revert")),
)


class AnyCampaign(RuleBasedStateMachine):
    """Devices that report whatever comes to them, and people who decide whatever they like."""

    @initialize(plan=plans, size=st.integers(1, 25))
    def begin(self, plan: Plan, size: int) -> None:
        self.fleet = Fleet(plan, size)
        self.fleet.start()
        self.reports: list[tuple[str, Happened]] = []
        self.actions: dict[str, int] = {}

    @rule()
    def offer(self) -> None:
        fleet = self.fleet
        before = fleet.campaign.under_way
        chosen = fleet.offer()

        assert not chosen or before + len(chosen) <= fleet.plan.pace.at_once
        assert not chosen or not fleet.campaign.tripped
        for device in chosen:
            assert fleet.members[device].wave <= fleet.campaign.open_wave
            self.actions[fleet.members[device].action] = (
                self.actions.get(fleet.members[device].action, 0) + 1
            )

    @rule(number=st.integers(0, 24), event=st.sampled_from(REPORTS))
    def report(self, number: int, event: MemberEvent) -> None:
        device = list(self.fleet.members)[number % len(self.fleet.members)]
        member = self.fleet.members[device]
        happened = Happened(
            event, self.fleet.campaign.clock_s(self.fleet.clock_s), action=member.action
        )
        self.reports.append((device, happened))
        self.fleet.take(device, happened)

    @rule(number=st.integers(0, 1000))
    def repeat(self, number: int) -> None:
        """An old report comes once more."""
        if self.reports:
            device, happened = self.reports[number % len(self.reports)]
            self.fleet.take(device, happened)
            self.fleet.take(device, happened)

    @rule(passing_s=st.integers(0, 90))
    def wait(self, passing_s: int) -> None:
        fleet = self.fleet
        fleet.clock_s += passing_s
        at_s = fleet.campaign.clock_s(fleet.clock_s)
        for member in list(fleet.members.values()):
            event = course.overdue(fleet.plan, member, at_s, at_s if passing_s % 2 else 0)
            if event is not None:
                fleet.tell(member.device, event)
        fleet.settle()

    @rule()
    def go_back(self) -> None:
        fleet = self.fleet
        if engine.may_revert(fleet.campaign):
            for member in list(fleet.members.values()):
                if member.state in TO_REVERT or member.is_halfway:
                    left = member.left[1:] if member.left else ("web", "mqtt")[: len(member.taken)]
                    words = {"action": f"back-{len(fleet.entries)}", "left": left, "release": "r"}
                    fleet.tell(member.device, MemberEvent.CALLED_BACK, **words)

    @rule()
    def withdraw(self) -> None:
        fleet = self.fleet
        states = engine.to_withdraw(fleet.campaign)
        for device in list(fleet.members):
            if fleet.members[device].state in states:
                fleet.tell(device, MemberEvent.CANCELLED)

    @rule(event=st.sampled_from(PEOPLE))
    def decide(self, event: Event) -> None:
        try:
            self.fleet.decide(event, by="jane")
        except RefusedError:
            return

    @rule(gap_s=st.integers(-500, 5000))
    def clock_jumps(self, gap_s: int) -> None:
        before_s = self.fleet.campaign.clock_s(self.fleet.clock_s)
        self.fleet.clock_s += gap_s
        self.fleet.decide(Event.AWAY, gap_s=gap_s)
        assert self.fleet.campaign.clock_s(self.fleet.clock_s) == before_s

    @invariant()
    def counts_are_those_of_the_devices(self) -> None:
        if not hasattr(self, "fleet"):
            return
        counted = [Tally() for _wave in self.fleet.plan.waves]
        for one in self.fleet.members.values():
            counted[one.wave] = counted[one.wave].moved(None, one.state)
        assert [dict(one.counts) for one in self.fleet.campaign.tallies] == [
            dict(one.counts) for one in counted
        ]

    @invariant()
    def who_has_a_part_of_it_is_counted(self) -> None:
        fleet = getattr(self, "fleet", None)
        if fleet is not None:
            halfway = sum(one.is_halfway for one in fleet.members.values())
            assert fleet.campaign.halfway == halfway
            assert fleet.campaign.state is not State.REVERTED or not halfway

    @invariant()
    def no_order_is_given_twice(self) -> None:
        assert all(count == 1 for count in getattr(self, "actions", {}).values())

    @invariant()
    def a_tripped_campaign_does_not_go_on(self) -> None:
        fleet = getattr(self, "fleet", None)
        if fleet is not None and fleet.campaign.tripped:
            assert engine.next_offers(fleet.campaign, fleet.clock_s).count == 0
            assert fleet.campaign.state is not State.RUNNING

    def teardown(self) -> None:
        """A console that was killed after any entry is where it was."""
        fleet = getattr(self, "fleet", None)
        if fleet is None:
            return
        assert fleet.replayed() == (fleet.campaign, fleet.members)


AnyCampaign.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyCampaign = AnyCampaign.TestCase


@given(
    order=st.permutations(range(12)),
    failing=st.sets(st.integers(0, 11), max_size=3),
    repeats=st.lists(st.integers(0, 11), max_size=6),
)
@settings(deadline=None, max_examples=60)
def test_reports_in_any_order_and_number_give_the_same(
    order: list[int], failing: set[int], repeats: list[int]
) -> None:
    plan = Plan(
        ("p/2/release.json",),
        waves=(Wave(percent=100, limit=Limit(count=4, percent=None)),),
        evidence=None,
        pace=Pace(at_once=12),
    )

    def after(numbers: list[int]) -> tuple[dict[str, int], str]:
        ours = Fleet(plan, 12)
        ours.start()
        ours.offer()
        for number in numbers:
            ours.tell(f"d{number}", MemberEvent.TOOK_UP)
            end = MemberEvent.FAILED if number in failing else MemberEvent.COMMITTED
            ours.tell(f"d{number}", end)
            ours.tell(f"d{number}", MemberEvent.SOAKED)
        return ours.states(), ours.campaign.state

    assert after([*order, *repeats]) == after(list(range(12)))


@given(cut=st.integers(0, 400))
@settings(deadline=None, max_examples=30)
def test_a_journal_that_is_played_to_any_point_gives_what_was_then(cut: int) -> None:
    plan = replace(
        Plan(("p/2/release.json",), waves=(Wave(percent=10), Wave(percent=100)), evidence=None),
        pace=Pace(at_once=7),
    )
    ours = Fleet(plan, 30)
    seen = [(ours.campaign, dict(ours.members))]
    note = ours._note

    def noting(device: str, what: object) -> None:
        note(device, what)  # type: ignore[arg-type]
        seen.append((ours.campaign, dict(ours.members)))

    ours._note = noting  # type: ignore[method-assign]
    ours.start()
    for _ in range(8):
        for number, device in enumerate(ours.offer()):
            (ours.fail if number == 5 else ours.update)(device)
        ours.settle()

    point = cut % len(seen)
    assert ours.replayed(point) == seen[point]


def test_a_member_whose_state_does_not_know_an_event_is_the_same_one() -> None:
    plan = Plan(("p/2/release.json",))
    for state in MemberState:
        for event in MemberEvent:
            member = Member("d", 0, 0, state, action="a")
            after = course.after(plan, member, Happened(event, 5, action="a"))
            assert (after is member) or after.device == "d"
