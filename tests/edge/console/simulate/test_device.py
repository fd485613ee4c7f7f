"""One simulated device, with a server that is not easy."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from types import MappingProxyType

from edge.console.simulate.behaviour import IMAGE_BYTES, Kind
from edge.console.simulate.device import Pace, SimulatedDevice
from edge.console.simulate.summary import Counts
from edge.errors import LinkError
from edge_signing.commands import Command, Reply, unpack_content
from edge_signing.inventory import Inventory
from edge_signing.messages import Desired, EventId, Policy, ReportEvent, Status

PACE = Pace(speed=10_000, poll_s=0.001, retry_s=0.0001)


class HardServer:
    """Stores an event only when it is told for the third time, and breaks each second link."""

    def __init__(self, actions: int, versions: Sequence[str] = ()) -> None:
        self.actions = actions
        self.versions = versions
        self.told: list[EventId] = []
        self.stored: list[ReportEvent] = []
        self.statuses: list[Status] = []
        self.boots: list[str] = []
        self.asked: list[Command] = []
        self.replies: list[Reply] = []
        self._opened = 0
        self.closed = False

    async def open(self, boot_id: str) -> None:
        self._opened += 1
        if self._opened % 2:
            raise LinkError("not now")
        self.boots.append(boot_id)

    async def order(self, timeout_s: float) -> Desired | None:
        await asyncio.sleep(timeout_s)
        seq = min(len(self.stored) + 1, self.actions)
        version = self.versions[seq - 1] if self.versions else f"1.{seq}"
        release = f"simulated/{version}/release.json" if version else None
        return Desired(seq, f"act-{seq}", release, b"{}")

    async def send_status(self, status: Status) -> None:
        self.statuses.append(status)

    async def send_events(self, events: Sequence[ReportEvent]) -> Sequence[EventId]:
        self.told += [event.id for event in events]
        stored = [event for event in events if self.told.count(event.id) > 2]
        self.stored += [event for event in stored if event not in self.stored]
        return [event.id for event in stored]

    async def commands(self) -> Sequence[Command]:
        asked, self.asked = self.asked, []
        return asked

    async def send_reply(self, reply: Reply) -> None:
        self.replies.append(reply)

    def break_off(self) -> None:
        pass

    async def close(self, boot_id: str) -> None:
        self.closed = True


def _lived(
    kind: Kind,
    actions: int,
    seed: int = 1,
    asked: Sequence[Command] = (),
    *,
    versions: Sequence[str] = (),
    bad_version: str = "",
    server: HardServer | None = None,
    services: Mapping[str, str] = MappingProxyType({}),
) -> tuple[HardServer, Counts]:
    server, counts = server or HardServer(actions, versions), Counts()
    server.asked = [*asked]

    async def live() -> None:
        status = Status("none", slot="a", version="1.0", services=dict(services))
        device = SimulatedDevice(
            server,
            status,
            kind,
            Random(seed),
            pace=PACE,
            counts=counts,
            now_s=lambda: 7,
            bad_version=bad_version,
        )
        life = asyncio.create_task(device.live())
        while not device.is_silent and device.finished < actions:
            device.changed.clear()
            await device.changed.wait()
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)

    asyncio.run(asyncio.wait_for(live(), 30))
    return server, counts


def test_an_event_is_told_until_it_is_stored() -> None:
    server, counts = _lived(Kind.OK, 1)

    assert [event.kind for event in server.stored] == ["succeeded"]
    assert server.told == [server.stored[0].id] * 3
    assert counts.results == {"succeeded": 1}


def test_each_event_has_a_name_of_its_own() -> None:
    server, _counts = _lived(Kind.FAILS, 12)

    assert len({event.id for event in server.stored}) == 12
    by_boot: dict[str, list[int]] = {}
    for event in server.stored:
        by_boot.setdefault(event.id.boot_id, []).append(event.id.n)
    assert all(numbers == [*range(1, len(numbers) + 1)] for numbers in by_boot.values())
    assert max(len(numbers) for numbers in by_boot.values()) > 1


def test_an_order_is_done_once() -> None:
    _server, counts = _lived(Kind.OK, 3)

    assert counts.actions_begun == 3


def test_one_that_succeeds_runs_the_release_from_the_other_slot() -> None:
    server, _counts = _lived(Kind.OK, 1)

    last = server.statuses[-1]
    assert (last.version, last.slot, last.phase, last.action) == ("1.1", "b", "idle", "act-1")
    assert last.boot_id == server.boots[-1] != server.boots[0]
    assert server.closed


def test_a_service_is_updated_without_a_restart_and_goes_back_without_a_byte() -> None:
    wanted = ("web+2", "web+1")
    server, counts = _lived(Kind.OK, 2, versions=wanted, services={"web": "web+1", "db": "db+1"})

    last = server.statuses[-1]
    running = [one.services["web"] for one in server.statuses]
    assert list(dict.fromkeys(running)) == ["web+1", "web+2"]
    assert (last.version, last.slot, last.services) == ("1.0", "a", {"web": "web+1", "db": "db+1"})
    assert len({one.boot_id for one in server.statuses}) == 1
    assert (counts.results, counts.fetched_bytes) == ({"succeeded": 2}, IMAGE_BYTES)


def test_a_service_that_fails_is_what_it_was() -> None:
    for seed in range(8):
        server, _counts = _lived(Kind.FAILS, 1, seed, versions=["web+2"], services={"web": "web+1"})

        last = server.statuses[-1]
        assert (last.services, last.phase) == ({"web": "web+1"}, "idle")
        assert last.reason == server.stored[0].reason != ""


def test_a_service_that_it_has_not_is_refused() -> None:
    server, _counts = _lived(Kind.OK, 1, versions=["web+2"])

    assert server.stored[0].kind == "failed"
    assert "this system has no service web" in server.stored[0].reason


def test_one_that_fails_runs_what_it_ran() -> None:
    for seed in range(8):
        server, _counts = _lived(Kind.FAILS, 1, seed)

        last = server.statuses[-1]
        assert (last.version, last.slot, last.phase) == ("1.0", "a", "idle")
        assert last.reason == server.stored[0].reason != ""


def test_a_silent_one_says_nothing_after_its_restart() -> None:
    server, counts = _lived(Kind.SILENT, 1)

    assert server.statuses[-1].phase == "rebooting"
    assert counts.silent == 1
    assert server.stored == []
    assert not server.closed


def test_what_is_asked_is_answered_once_and_a_restart_is_one() -> None:
    asked = [
        Command("a", "inventory", 100, 90),
        Command("b", "logs", 100, 90, lines=3),
        Command("c", "restart", 100, 90, "nothing"),
        Command("d", "reboot", 100, 90),
        Command("d", "reboot", 100, 90),
    ]

    server, _counts = _lived(Kind.OK, 1, asked=asked)

    ends = [(one.command, one.state) for one in server.replies]
    assert ends == [("a", "done"), ("b", "done"), ("c", "refused"), ("d", "done"), ("d", "done")]
    assert Inventory.unpack(unpack_content(server.replies[0].content)).slot == "a"
    assert unpack_content(server.replies[1].content).count(b"\n") == 3
    assert len(set(server.boots)) == 3  # that of the beginning, of this restart, of the update


def test_what_is_in_the_other_slot_is_gone_back_to_without_a_download() -> None:
    server, counts = _lived(Kind.OK, 3, versions=("1.1", "1.0", ""))

    assert [one.version for one in server.stored] == ["1.1", "1.0", ""]
    assert counts.fetched_bytes == IMAGE_BYTES
    back = [one for one in server.statuses if one.action == "act-2"]
    assert max(one.planned_bytes for one in back) == 0
    last = server.statuses[-1]
    assert (last.version, last.slot, last.phase) == ("1.0", "a", "idle")


def test_a_bad_release_is_bad_alone() -> None:
    server, _counts = _lived(Kind.FAILS, 3, versions=("1.1", "1.2", "1.3"), bad_version="1.2")

    assert [one.kind for one in server.stored] == ["succeeded", "failed", "succeeded"]


def test_a_liar_reports_what_it_ran_before() -> None:
    server, _counts = _lived(Kind.LIAR, 1)

    assert [(one.kind, one.version) for one in server.stored] == [("succeeded", "1.0")]
    assert server.statuses[-1].version == "1.0"


def test_a_flapping_one_tells_again_what_is_stored() -> None:
    server, counts = _lived(Kind.FLAPPING, 6)

    assert counts.repeated > 6
    assert [one.action for one in server.stored] == [f"act-{n}" for n in range(1, 7)]
    assert len(server.told) > 3 * 6
    assert server.statuses[-1].phase == "idle"


class HastyServer(HardServer):
    """Wants something else each time that it is asked."""

    asked_for = 0

    async def order(self, timeout_s: float) -> Desired | None:
        await asyncio.sleep(timeout_s)
        self.asked_for += 1
        seq = min(self.asked_for, self.actions)
        return Desired(seq, f"act-{seq}", f"simulated/1.{seq}/release.json", b"{}")


def test_another_order_takes_the_place_of_one_that_has_not_restarted() -> None:
    server, _counts = _lived(Kind.SLOW, 2, server=HastyServer(2))

    ends = [(one.action, one.kind, one.reason) for one in server.stored]
    assert ends == [
        ("act-1", "cancelled", "another order came: act-2"),
        ("act-2", "succeeded", ""),
    ]


class HoldingServer(HardServer):
    """Says first that the order is to be written only."""

    async def order(self, timeout_s: float) -> Desired | None:
        found = await super().order(timeout_s)
        assert found is not None
        is_held = sum(one.phase == "waiting" for one in self.statuses) < 5
        return replace(found, policy=Policy(download_only=is_held))


def test_what_is_to_be_written_only_waits_for_more() -> None:
    server, _counts = _lived(Kind.OK, 1, server=HoldingServer(1))

    assert [one.kind for one in server.stored] == ["succeeded"]
    phases = [one.phase for one in server.statuses]
    assert phases.count("waiting") >= 5
    assert phases.index("arming") > phases.index("waiting")


def test_a_late_one_is_heard_again() -> None:
    server, counts = _lived(Kind.LATE, 1)

    assert [one.kind for one in server.stored] == ["succeeded"]
    assert counts.silent == 0
