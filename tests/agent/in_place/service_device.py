"""A device whose server orders a new version of one service; its power may be cut anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from edge_agent.boot.uboot import UbootControl
from edge_agent.counters import Floor, StoredCounters
from edge_agent.driver import Agent
from edge_agent.in_place.shelf import Shelf
from edge_agent.machine import Result, State
from edge_agent.memory import RECORD
from edge_agent.outbox import Outbox
from edge_agent.parts import Checked, Parts
from edge_agent.record import Record
from edge_agent.standing import Standing
from edge_agent.store import AtomicFiles
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import SLOTS
from edge_signing.messages import Desired, ReportEvent
from edge_signing.trust.sighting import UNSEEN
from tests.agent.in_place.service_room import DIGEST, NAME, ServiceRoom
from tests.agent.power.device import Frame, ViolationError
from tests.agent.power.machine_room import Medium, MediumCalls, MediumSlots, MediumStorage
from tests.agent.power.medium import Contents, Heard, after_cut, devices_of
from tests.agent.power.system import System
from tests.fakes.agent_parts import (
    OPTIONS,
    FakeBlobs,
    FakeBoard,
    FakeClock,
    FakeHooks,
    FakeLink,
    FakeProbe,
    FakeSource,
)
from tests.fakes.sightings import sighting

ACTION = "act-1"
SEEN = sighting(2, root=1, keys="a")
STARTS_MOST = 20
STEPS_MOST = 300
FACTORY = "factory"
FINAL = {str(result) for result in Result}

# What the new version is: well, never healthy, ending again and again, or with other rights.
Story = Literal["good", "sick", "crashing", "refused"]
Edit = Callable[["ServiceDevice", ServiceRoom, FakeSource], None]


@dataclass
class VersionProbe(FakeProbe):
    """Services that are as well as the version that runs."""

    room: ServiceRoom | None = None
    bad: str = ""
    is_crashing: bool = False

    def is_ready(self) -> bool:
        is_bad = self.room is not None and self.room.running == self.bad
        return not is_bad

    def restarts(self) -> int:
        self.ended += not self.is_ready() and self.is_crashing
        return self.ended


@dataclass
class ServiceDevice:
    """A device that is told to install `new` in place.

    Args:
        new: What is ordered.
        old: What was committed in place before; None for the system's own version.
        story: What the new version is.
        ignored: Steps that are left out of the code or do nothing.
        edit: Changes what a start of the device finds.
        action: The id of the order.
    """

    new: System
    old: System | None = None
    story: Story = "good"
    ignored: frozenset[str] = frozenset()
    edit: Edit = lambda _device, _room, _source: None
    action: str = ACTION
    room: ServiceRoom = field(init=False)
    fetched: int = 0

    @property
    def before(self) -> str:
        """The version that runs before."""
        return self.old.release.version if self.old else FACTORY

    @property
    def ordered(self) -> str:
        """What runs once the order is done."""
        is_own = self.new.release.own_digest == DIGEST
        return FACTORY if is_own else self.new.release.version

    @property
    def due(self) -> str:
        """The version that is to run in the end."""
        return self.ordered if self.story == "good" else self.before

    def new_contents(self) -> Contents:
        """Return the disk of a device that runs for a while."""
        first, second = boot_state.factory_copies()
        state = first.ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + second
        old = dict(self.old.volumes)["service"] if self.old else b""
        devices = {"boot state": state, "trust state": b"", f"{NAME}-a": old, f"{NAME}-b": b""}
        devices |= {f"{one}-{slot}": b"" for one in ("boot", "rootfs") for slot in SLOTS}
        medium = Medium(Contents(devices_of(devices)))
        StoredCounters(MediumStorage(medium), running=Floor()).begin()
        AtomicFiles(MediumCalls(medium, "agent")).write_atomic(RECORD, Record().pack())
        if self.old is not None:
            shelf = Shelf(ServiceRoom(medium), NAME)
            shelf.keep_signed("a", self.old.release.pack())
            shelf.commit("a", self.old.release)
        return medium.now

    def run(self, start: Contents, heard: Sequence[ReportEvent] = ()) -> list[Frame]:
        """Let the device work until nothing is left to do, and return its starts.

        Raises:
            ViolationError: A promise was broken.
        """
        frames: list[Frame] = []
        medium = Medium(start, self.ignored)
        frames.append(Frame(medium, tuple(heard)))
        agent = self.started(medium, heard)
        for _step in range(STEPS_MOST):
            agent.step()
            if not self.room.running:
                raise ViolationError("no version of the service runs")
            if self._is_over(agent, medium):
                break
        else:
            raise ViolationError(f"still {agent.record.state}: {agent.status().reason}")
        self._check_end((*heard, *_events(medium)))
        # And again after a restart, which loses what was not flushed.
        left = after_cut(medium.start, [*medium.log, Heard(None)], "dropped")
        self.started(Medium(left), (*heard, *_events(medium)))
        if self.room.running != self.due:
            raise ViolationError(f"after a restart {self.room.running} runs, not {self.due}")
        return frames

    def started(self, medium: Medium, heard: Sequence[ReportEvent] = ()) -> Agent:
        """Start the device, and see to it that something that was committed runs."""
        self.room = ServiceRoom(medium)
        agent = self._agent(medium, tuple(heard))
        committed = Shelf(self.room, NAME)
        agent.start()
        versions = {self.before, self.new.release.version, FACTORY}
        if self.room.running not in versions:
            raise ViolationError(f"{self.room.running!r} runs after a start")
        due = committed.version() or FACTORY
        if self.room.running not in (due, FACTORY) and agent.record.state is State.IDLE:
            raise ViolationError(f"{self.room.running} runs, {due} was committed")
        return agent

    def _agent(self, medium: Medium, heard: tuple[ReportEvent, ...]) -> Agent:
        boot_id = f"{hash(medium.start.key()) & 0xFFFF_FFFF_FFFF_FFFF:016x}"
        clock, storage = FakeClock(), MediumStorage(medium)
        standing = Standing("board", "gateway", "1", 0)
        files, outbox = (AtomicFiles(MediumCalls(medium, name)) for name in ("agent", "outbox"))

        def hear(event: ReportEvent) -> None:
            if event.id not in {one.id for one in (*heard, *_events(medium))}:
                medium.log.append(Heard(event))

        def count() -> None:
            self.fetched += 1

        release = self.new.release
        checked = Checked(release, self.new.patches, seen=SEEN, signed=release.pack())
        source = FakeSource(checked, FakeBlobs(self.new.blobs, count))
        if self.story == "refused":
            self.room.refused = frozenset({release.version})
        bad = self.ordered if self.story in ("sick", "crashing") else ""
        self.edit(self, self.room, source)
        return Agent(
            Parts(
                boot_id=boot_id,
                standing=standing,
                control=UbootControl(storage, command_line="edge.slot=a"),
                slots=MediumSlots(medium, "a"),
                counters=StoredCounters(storage, running=standing.floor),
                files=files,
                outbox=Outbox(outbox, boot_id, lambda: "fresh"),
                link=FakeLink(clock, Desired(1, self.action, release.path, b"{}"), hear),
                source=source,
                probe=VersionProbe(room=self.room, bad=bad, is_crashing=self.story == "crashing"),
                hooks=FakeHooks(),
                clock=clock,
                status=FakeBoard(),
                request_reboot=_never,
                pause=clock.pause,
                options=replace(OPTIONS),
                services=self.room,
            )
        )

    def _check_end(self, heard: tuple[ReportEvent, ...]) -> None:
        finals = [one for one in heard if one.action == self.action and one.kind in FINAL]
        if len(finals) != 1:
            raise ViolationError(f"{len(finals)} final reports: {finals}")
        wanted = "succeeded" if self.story == "good" else "failed"
        if finals[0].kind != wanted:
            raise ViolationError(f"a false report: {finals[0]}")
        if self.room.running != self.due:
            raise ViolationError(f"{self.room.running} runs, not {self.due}")
        if any(one.kind == "record-lost" for one in heard):
            raise ViolationError("the record was lost")

    def _is_over(self, agent: Agent, medium: Medium) -> bool:
        record = agent.record
        if record.state is not State.IDLE or record.last != self.action:
            return False
        names = AtomicFiles(MediumCalls(medium, "outbox")).names()
        return not any(name[0].isdecimal() for name in names)


def finals_of(frames: Sequence[Frame]) -> list[tuple[str, str]]:
    """Return how the action ended, and why."""
    found = [one for frame in frames for one in _events(frame.medium)]
    return [(one.kind, one.reason) for one in found if one.kind in FINAL]


def floor_of(medium: Medium) -> Floor:
    """Return what the device must never go below."""
    return StoredCounters(MediumStorage(medium), running=Floor(0, UNSEEN)).floor()


def _never() -> None:
    raise ViolationError("the agent asked for a restart of the system")


def _events(medium: Medium) -> tuple[ReportEvent, ...]:
    return tuple(one for one in medium.heard() if isinstance(one, ReportEvent))
