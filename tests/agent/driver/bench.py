"""A device whose parts a test may change between two starts."""

import time
from dataclasses import dataclass, field, replace

from edge_agent.boot.uboot import UbootControl
from edge_agent.counters import Floor, StoredCounters
from edge_agent.driver import Agent
from edge_agent.errors import AgentError, SlotError, StoreError
from edge_agent.in_place.services import NoServices, Services
from edge_agent.outbox import Outbox
from edge_agent.parts import Checked, Parts
from edge_agent.slots import Volume
from edge_agent.standing import Standing
from edge_agent.store import AtomicFiles, FallbackFiles
from edge_agent.window import Window
from edge_signing.formats.boot_state import Slot
from edge_signing.messages import ReportEvent
from edge_signing.release import Partition
from tests.agent.power.device import ORDER, Device
from tests.agent.power.machine_room import (
    Medium,
    MediumCalls,
    MediumSlots,
    MediumStorage,
    is_there,
)
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
from tests.fakes.block_device import BlockDevice

STEPS_MOST = 300


class RestartAsked(BaseException):  # no error, and nobody may catch it
    """The agent asked for a restart."""


class FullCalls(MediumCalls):
    """A folder on a disk that takes nothing more."""

    def write(self, name: str, data: bytes) -> None:
        raise StoreError(f"{name}: No space left on device ({len(data)} bytes)")


class WornVolume:
    """A partition with a block that can be neither read nor written."""

    def __init__(self, inner: Volume, bad_byte: int, *, fails_reading: bool) -> None:
        self._inner = inner
        self._bad_byte = bad_byte
        self._fails_reading = fails_reading

    def pread(self, length: int, offset: int) -> bytes:
        return self._inner.pread(length, offset)

    def pwrite(self, data: bytes, offset: int) -> None:
        if not self._fails_reading:
            self._require(len(data), offset)
        self._inner.pwrite(data, offset)

    def flush(self) -> None:
        self._inner.flush()

    def read_back(self, length: int, offset: int) -> bytes:
        self._require(length, offset)
        return self._inner.read_back(length, offset)

    def length_bytes(self) -> int:
        return self._inner.length_bytes()

    def _require(self, length: int, offset: int) -> None:
        if offset <= self._bad_byte < offset + length:
            raise SlotError(f"rootfs-b: Input/output error at byte {offset}")


class WornSlots(MediumSlots):
    """Slots whose other root file system is worn."""

    fails_reading = False

    def written(self, partition: Partition) -> Volume:
        volume = super().written(partition)
        if partition == "boot":
            return volume
        return WornVolume(volume, 9000, fails_reading=self.fails_reading)


class UnreadableSlots(WornSlots):
    """Slots whose other root file system takes writes and gives errors when it is read."""

    fails_reading = True


@dataclass
class Bench:
    """A device whose parts a test may change between two starts."""

    old: System
    new: System
    slot: Slot = "a"
    medium: Medium = field(init=False)
    clock: FakeClock = field(default_factory=FakeClock)
    heard: list[ReportEvent] = field(default_factory=list)
    probe: FakeProbe = field(default_factory=FakeProbe)
    hooks: FakeHooks = field(default_factory=FakeHooks)
    slots: type[MediumSlots] = MediumSlots
    calls: type[MediumCalls] = MediumCalls
    boots: int = 0
    restart_fails: bool = False
    services: Services = field(default_factory=NoServices)

    def __post_init__(self) -> None:
        self.medium = Medium(Device(self.old, self.new).new_contents())
        self.link = FakeLink(self.clock, ORDER, self.heard.append)
        self.source = FakeSource(Checked(self.new.release), FakeBlobs(self.new.blobs))
        self.window: Window | None = None
        self.confirm = False
        self.utc_offset_min = 0

    @property
    def storage(self) -> MediumStorage:
        return MediumStorage(self.medium)

    def control(self) -> UbootControl:
        return UbootControl(self.storage, command_line=f"edge.slot={self.slot}")

    def counters(self) -> StoredCounters:
        return StoredCounters(self.storage, running=Floor())

    def start(self) -> Agent:
        """Start the device: the boot script, then the agent."""
        self.boots += 1
        self.slot = boot(self.storage)
        return self.agent()

    def agent(self) -> Agent:
        """Start the agent, in the start of the device that is under way."""
        release = (self.old if self._holds(self.old) else self.new).release
        standing = Standing("board", release.product, release.version, release.counter, 1000)
        files, outbox = (AtomicFiles(self.calls(self.medium, name)) for name in ("agent", "outbox"))
        memory = AtomicFiles(MediumCalls(Medium(self.medium.start), "memory"))
        agent = Agent(
            Parts(
                boot_id=f"boot-{self.boots}",
                standing=standing,
                control=self.control(),
                slots=self.slots(self.medium, self.slot),
                counters=StoredCounters(self.storage, running=standing.floor),
                files=files,
                outbox=Outbox(FallbackFiles(outbox, memory), f"boot-{self.boots}", lambda: "word"),
                link=self.link,
                source=self.source,
                probe=self.probe,
                hooks=self.hooks,
                clock=self.clock,
                status=FakeBoard(),
                request_reboot=self._restart,
                pause=self.clock.pause,
                options=replace(
                    OPTIONS,
                    window=self.window,
                    confirm=self.confirm,
                    utc_offset_min=self.utc_offset_min,
                ),
                services=self.services,
            )
        )
        agent.start()
        return agent

    def _restart(self) -> None:
        if self.restart_fails:
            raise AgentError("/dev/edge/request: No such device")
        raise RestartAsked

    def _holds(self, system: System) -> bool:
        return is_there(self.medium.now, self.slot, system.volumes)

    def finals(self) -> list[tuple[str, str]]:
        kinds = {"succeeded", "failed", "cancelled"}
        return [(one.kind, one.reason) for one in self.heard if one.kind in kinds]

    def run(self, *, starts: int = 6) -> Agent:
        """Run until an action has ended and its report was heard."""
        for _start in range(starts):
            agent = self.start()
            if until(agent, lambda: bool(self.finals())):
                return agent
        raise AssertionError("the action does not end")


def until(agent: Agent, is_over: object, *, within_s: float = 0.0) -> bool:
    """Step until something holds; return False when the device restarts before.

    Args:
        agent: What steps, a number of times.
        is_over: What is to hold.
        within_s: For so long at least, where others bring it about that work by a real clock.
    """
    assert callable(is_over)
    end_s, steps = time.monotonic() + within_s, 0
    try:
        while steps < STEPS_MOST or time.monotonic() < end_s:
            agent.step()
            if is_over():
                return True
            steps += 1
    except RestartAsked:
        return False
    raise AssertionError(f"still {agent.record.state}: {agent.status().reason}")


def boot(storage: MediumStorage) -> Slot:
    medium = BlockDevice(bytearray(0x20_0000))
    for at in (0, 0x10_0000):
        medium.medium[at : at + 4096] = storage.read(at, 4096)
    slot = uboot.start(medium)
    for at in (0, 0x10_0000):
        storage.write(at, medium.read(at, 4096))
    return slot
