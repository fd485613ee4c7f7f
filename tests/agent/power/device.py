"""A whole device on a medium: the boot script, the agent, and a server that gives one order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from edge_agent.boot.uboot import UbootControl
from edge_agent.counters import Floor, StoredCounters
from edge_agent.driver import Agent
from edge_agent.machine import Result, State
from edge_agent.memory import RECORD
from edge_agent.outbox import Outbox
from edge_agent.parts import Checked, Parts
from edge_agent.record import Record
from edge_agent.request import Request
from edge_agent.standing import Standing
from edge_agent.store import AtomicFiles
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import SLOTS, Slot
from edge_signing.messages import Desired, ReportEvent
from edge_signing.trust.sighting import UNSEEN, Sighting
from tests.agent.power.machine_room import (
    InPlaceCalls,
    Medium,
    MediumCalls,
    MediumSlots,
    MediumStorage,
    RottenSlots,
    is_there,
)
from tests.agent.power.medium import Contents, Flush, Heard, after_cut, devices_of
from tests.agent.power.system import System
from tests.fakes import uboot
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
FRESH = "fresh"
STARTS_MOST = 40
STEPS_MOST = 400
FINAL = {str(result) for result in Result}
ORDER = Desired(1, ACTION, "gateway/2/release.json", b"{}")

Story = Literal["good", "sick", "dead", "worn"]
# What the other slot holds at first: nothing, the new system, or that with a byte that is wrong.
Held = Literal["nothing", "new", "damaged"]
STORIES: tuple[Story, ...] = ("good", "sick", "dead", "worn")
# A thief of the key of targets let its version go ahead; a later root gave it another key.
STOLEN = sighting(1 << 62, root=1, keys="a")
SEEN = sighting(2, root=2, keys="b")
COMMITTED: dict[Slot, int] = dict.fromkeys(SLOTS, boot_state.COMMITTED_LEFT)
# Keeps nothing that is written to it: in the middle of the new root file system.
WORN_SECTOR = ("rootfs-b", 11)
DAMAGED_BYTE = 5000


class ViolationError(AssertionError):
    """The device broke a promise."""


class RebootAsked(BaseException):  # no error, and nobody may catch it
    """The agent asked for a restart."""


@dataclass(frozen=True)
class Frame:
    """One start of the device: what was stored then, and all that it did."""

    medium: Medium
    heard: tuple[ReportEvent, ...]


@dataclass
class Device:
    """A device that is told to install `new` over `old`.

    Args:
        old: What runs at first, in slot a.
        new: What is ordered.
        story: Whether the new system is good, gets never healthy, dies before its agent starts, or
            does not get into the other slot as it has a worn sector.
        ignored: Steps that are left out of the code or do nothing.
        is_robbed: It was in use, and the floor of targets is `STOLEN`; else it was never started.
        second_choice: The old system is in both slots and never healthy, at its last try.
        held: What of the new system is in slot b at first, which is the second choice then.
        base_rots: Whether the root that runs reads as another one, but for what started from it.
        asks: Whether a program of the image refuses once in each start, and the user is asked.
        fetched: How often something was fetched.
        confirmed: How often the user agreed.
    """

    old: System
    new: System
    story: Story = "good"
    ignored: frozenset[str] = frozenset()
    is_robbed: bool = True
    second_choice: bool = False
    held: Held = "nothing"
    base_rots: bool = False
    asks: bool = False
    fetched: int = 0
    confirmed: int = 0

    def new_contents(self) -> Contents:
        """Return the disk of a device with slot b empty, or as the second choice."""
        first, second = boot_state.factory_copies()
        if self.second_choice:
            # The start that comes now uses up the last try of slot a, which is never healthy.
            left: dict[Slot, int] = {"a": 1, "b": boot_state.COMMITTED_LEFT}
            first = boot_state.BootState(2, ("a", "b"), left).pack()
        if self.held != "nothing":
            first = boot_state.BootState(2, ("a", "b"), COMMITTED).pack()
        state = first.ljust(boot_state.COPY_OFFSETS_BYTES[1], b"\0") + second
        devices = {"boot state": state, "trust state": b""}
        for slot in SLOTS:
            devices |= {f"{one}-{slot}": data for one, data in self._volumes_of(slot)}
        contents = Contents(devices_of(devices))
        if self.is_robbed:
            robbed = Medium(contents)
            StoredCounters(MediumStorage(robbed), running=Floor()).raise_to(Floor(0, STOLEN))
            AtomicFiles(MediumCalls(robbed, "agent")).write_atomic(RECORD, Record().pack())
            return robbed.now
        return contents

    def _volumes_of(self, slot: Slot) -> list[tuple[str, bytes]]:
        """Return what is in a slot at first."""
        if slot == "a" or self.second_choice:
            return list(self.old.volumes)
        if self.held == "nothing":
            return [(partition, b"") for partition, _data in self.old.volumes]
        wrong = bytearray(dict(self.new.volumes)["rootfs"])
        wrong[DAMAGED_BYTE] ^= self.held == "damaged"
        return [*self.new.volumes[:-1], ("rootfs", bytes(wrong))]

    @property
    def floors(self) -> tuple[Sighting, Sighting]:
        """The floor of targets before the update, and after it."""
        return STOLEN if self.is_robbed else UNSEEN, SEEN

    def run(self, start: Contents, heard: Sequence[ReportEvent] = ()) -> list[Frame]:
        """Let the device work until nothing is left to do, and return its starts.

        Raises:
            ViolationError: A promise was broken.
        """
        frames: list[Frame] = []
        contents, known = start, tuple(heard)
        for _start in range(STARTS_MOST):
            worn = WORN_SECTOR if self.story == "worn" else None
            medium = Medium(contents, self.ignored, worn)
            frames.append(Frame(medium, known))
            is_over = self._start(medium, known)
            known = (*known, *_events(medium))
            floor = _floor(MediumStorage(medium)).targets
            if floor not in self.floors:
                raise ViolationError(f"the floor of targets is {floor}")
            self._check_reports(known)
            if is_over:
                self._check_end(medium.now, known)
                return frames
            # A restart may lose what was not flushed, as a cut does.
            contents = after_cut(medium.start, [*medium.log, Heard(None)], "dropped")
        raise ViolationError(f"not over after {STARTS_MOST} starts")

    def _start(self, medium: Medium, heard: tuple[ReportEvent, ...]) -> bool:
        """Start once; return whether the agent has nothing left to do."""
        slot = self._boot(medium)
        if slot is None:
            return False
        running = self._running(medium.now, slot)
        if running is self.new and self.asks and not self.confirmed:
            raise ViolationError("nobody asked the user")
        if running is self.new and self.story == "dead":
            return False
        agent = self._agent(medium, slot, running, heard)
        try:
            agent.start()
            for _step in range(STEPS_MOST):
                agent.step()
                if agent.record.state is State.CONFIRMING:
                    self.confirmed += 1
                    agent.take(Request("confirm", "local-1"))
                self._check_work(agent)
                if _is_over(agent, medium):
                    return True
        except RebootAsked:
            return False
        raise ViolationError(f"the agent is still {agent.record.state} after {STEPS_MOST} steps")

    def _boot(self, medium: Medium) -> Slot | None:
        """What the boot script does: count the try in the older copy, and choose."""
        storage = MediumStorage(medium)
        offsets = boot_state.COPY_OFFSETS_BYTES
        copies = [storage.read(at, boot_state.COPY_BYTES) for at in offsets]
        slot, index, state = uboot.chosen(copies)
        medium.write("boot state", state.pack(), offsets[index])
        medium.log.append(Flush("boot state"))  # U-Boot's own writes go past any cache
        return slot

    def _running(self, contents: Contents, slot: Slot) -> System:
        for system in (self.old, self.new):
            if is_there(contents, slot, system.volumes):
                return system
        raise ViolationError(f"slot {slot} was started and holds no whole system")

    def _agent(
        self, medium: Medium, slot: Slot, running: System, heard: tuple[ReportEvent, ...]
    ) -> Agent:
        boot_id = f"{hash(medium.start.key()) & 0xFFFF_FFFF_FFFF_FFFF:016x}"
        clock = FakeClock()
        calls = InPlaceCalls if "rename" in self.ignored else MediumCalls
        files, outbox = (AtomicFiles(calls(medium, name)) for name in ("agent", "outbox"))
        storage = MediumStorage(medium)
        release = running.release
        standing = Standing("board", release.product, release.version, release.counter)

        def hear(event: ReportEvent) -> None:
            if event.id not in {one.id for one in (*heard, *_events(medium))}:
                medium.log.append(Heard(event))

        def ask_reboot() -> None:
            raise RebootAsked

        def count() -> None:
            self.fetched += 1

        checked = Checked(self.new.release, self.new.patches, seen=SEEN)
        is_sick = self.story == "sick" if running is self.new else self.second_choice
        return Agent(
            Parts(
                boot_id=boot_id,
                standing=standing,
                control=UbootControl(storage, command_line=f"edge.slot={slot}"),
                slots=(RottenSlots if self.base_rots else MediumSlots)(medium, slot),
                counters=StoredCounters(storage, running=standing.floor),
                files=files,
                outbox=Outbox(outbox, boot_id, lambda: FRESH),
                link=FakeLink(clock, ORDER, hear),
                source=FakeSource(checked, FakeBlobs(self.new.blobs, count)),
                probe=FakeProbe(ready=not is_sick),
                hooks=FakeHooks(["room: status 1"] if self.asks else []),
                clock=clock,
                status=FakeBoard(),
                request_reboot=ask_reboot,
                pause=clock.pause,
                options=replace(OPTIONS, confirm=self.asks),
            )
        )

    def _check_work(self, agent: Agent) -> None:
        """What the journal says is written is written: nothing has to be done again."""
        action = agent.record.action
        if self.story != "worn" and action is not None and action.rejections:
            raise ViolationError(f"work was lost: {action.reason}")

    def _check_reports(self, heard: tuple[ReportEvent, ...]) -> None:
        finals = [one for one in heard if one.action == ACTION and one.kind in FINAL]
        if len(finals) > 1:
            raise ViolationError(f"{len(finals)} final reports: {finals}")
        wanted = "succeeded" if self.story == "good" else "failed"
        if finals and finals[0].kind != wanted:
            raise ViolationError(f"a false report: {finals[0]}")

    def _check_end(self, contents: Contents, heard: tuple[ReportEvent, ...]) -> None:
        finals = [one for one in heard if one.action == ACTION and one.kind in FINAL]
        if len(finals) != 1:
            raise ViolationError("no final report")
        lost = [one.reason for one in heard if one.kind == "record-lost"]
        if lost:
            raise ViolationError(f"the record was lost: {lost}")
        storage = MediumStorage(Medium(contents))
        control = UbootControl(storage, command_line="edge.slot=a")
        state = control.state()
        first = state.order[0]
        wanted = self.new if self.story == "good" else self.old
        if not is_there(contents, first, wanted.volumes):
            raise ViolationError(f"slot {first} holds the wrong system")
        if state.left[first] != boot_state.COMMITTED_LEFT:
            raise ViolationError(f"slot {first} is not committed: {state}")
        is_new = self.story == "good"
        due = Floor(self.new.release.counter if is_new else 0, self.floors[is_new])
        if _floor(storage) != due:
            raise ViolationError(f"the floor is {_floor(storage)}, not {due}")


def _floor(storage: MediumStorage) -> Floor:
    return StoredCounters(storage, running=Floor()).floor()


def _events(medium: Medium) -> tuple[ReportEvent, ...]:
    return tuple(one for one in medium.heard() if isinstance(one, ReportEvent))


def _is_over(agent: Agent, medium: Medium) -> bool:
    record = agent.record
    if record.state is not State.IDLE or record.last != ACTION:
        return False
    names = AtomicFiles(MediumCalls(medium, "outbox")).names()
    is_waiting = any(name[0].isdecimal() for name in names)
    state = UbootControl(MediumStorage(medium), command_line="edge.slot=a").state()
    return not is_waiting and state.left[state.order[0]] == boot_state.COMMITTED_LEFT
