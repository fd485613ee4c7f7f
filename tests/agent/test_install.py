"""Installing by each kind of payload, on real files, with what is cut off going on where it was."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge_agent import verify
from edge_agent.check import DeviceSource
from edge_agent.counters import Floor
from edge_agent.errors import SlotError
from edge_agent.install import Installation, Progress, is_running
from edge_agent.journal import Journal, read
from edge_agent.parts import Checked, Known
from edge_agent.record import Action
from edge_agent.slots import DeviceSlots
from edge_agent.standing import Standing
from edge_agent.verify import NotTheImageError
from edge_signing.errors import FormatError, TrustError
from edge_signing.trust.sighting import UNSEEN
from tests.fakes.small_bundle import BOARD, CLOCK_S, PRODUCT, Workshop, noise

MIB = 1 << 20
ROOM = 6 * MIB
MARK = b"m" * 32
NO_FLOOR = Floor()


class CutOffError(Exception):
    """What the test cuts an installation off with."""


@dataclass
class Bench:
    """A device of files, and a bundle for it."""

    folder: Path
    slots: DeviceSlots
    source: DeviceSource
    action: Action

    def checked(self, floor: Floor = NO_FLOOR, now_s: int = CLOCK_S) -> Checked:
        return self.source.check(self.action, Known(floor, now_s, 0, UNSEEN, UNSEEN))

    def installation(
        self,
        progress: Progress | None = None,
        *,
        flush_bytes: int = MIB,
        monotonic_s: Callable[[], float] = lambda: 0,
    ) -> Installation:
        checked = self.checked()
        assert checked.release is not None
        quiet = Progress(lambda _bytes: None, lambda _bytes: None, lambda _journal: None)
        return Installation(
            checked.release,
            checked.release.payloads,
            self.slots,
            self.source.blobs(self.action),
            progress or quiet,
            monotonic_s,
            flush_bytes,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    workshop = Workshop.open(tmp_path)
    boot = workshop.image("boot", noise(1, MIB))
    rootfs = workshop.image("rootfs", noise(2, 3 * MIB), bytes(MIB), b"end")
    path = workshop.bundle(boot=boot, rootfs=rootfs)
    devices = tmp_path / "dev"
    devices.mkdir()
    for name in ("boot-a", "rootfs-a", "boot-b", "rootfs-b"):
        (devices / name).write_bytes(noise(9, 4096).ljust(ROOM, b"\x11"))
    root = tmp_path / "root.json"
    root.write_bytes(workshop.ring.trusted_root())
    standing = Standing(BOARD, PRODUCT, "1.0.0")
    source = DeviceSource(standing, root, tmp_path / "trust")
    action = Action("local-1", "install", "b", bundle=str(path))
    yield Bench(tmp_path, DeviceSlots("a", devices), source, action)
    source.close()


def test_a_bundle_is_installed_and_reads_back(bench: Bench) -> None:
    installation = bench.installation()

    installation.run(Journal(MARK))

    for image in installation.release.images:
        verify.check(image, bench.slots.written(image.partition), tick=lambda _bytes: None)
    assert (bench.slots.folder / "boot-a").read_bytes()[4096:] == b"\x11" * (ROOM - 4096)
    assert is_running(installation.release.images, DeviceSlots("b", bench.slots.folder))
    assert not is_running(installation.release.images, bench.slots)


def cut_after(pieces: int) -> tuple[Progress, list[Journal]]:
    journals: list[Journal] = []
    written: list[int] = []

    def count(length: int) -> None:
        written.append(length)
        if len(written) == pieces:
            raise CutOffError

    return Progress(lambda _bytes: None, count, journals.append), journals


@pytest.mark.parametrize("pieces", range(1, 7))
def test_an_installation_goes_on_at_the_last_whole_unit(bench: Bench, pieces: int) -> None:
    progress, journals = cut_after(pieces)
    with pytest.raises(CutOffError):
        bench.installation(progress).run(Journal(MARK))
    reached = journals[-1] if journals else Journal(MARK)
    asked: list[int] = []
    rest = bench.installation(Progress(lambda _bytes: None, asked.append, journals.append))

    rest.run(reached)

    assert len(asked) <= 6 - pieces + 1 + (not journals)
    for image in rest.release.images:
        verify.check(image, bench.slots.written(image.partition), tick=lambda _bytes: None)


@pytest.mark.parametrize(
    ("seconds_a_piece", "units"),
    [
        pytest.param(0.0, [], id="fast: only at the end"),
        pytest.param(0.5, [4], id="every two seconds"),
        pytest.param(9.0, [1, 2, 3, 4], id="slow: each unit"),
    ],
)
def test_what_comes_slowly_is_kept_more_often(
    bench: Bench, seconds_a_piece: float, units: list[int]
) -> None:
    at_s = [0.0]
    journals: list[Journal] = []

    def count(_length: int) -> None:
        at_s[0] += seconds_a_piece

    progress = Progress(lambda _bytes: None, count, journals.append)

    bench.installation(progress, flush_bytes=64 * MIB, monotonic_s=lambda: at_s[0]).run(
        Journal(MARK)
    )

    assert [one.unit for one in journals if one.unit] == units


def test_a_journal_of_another_action_is_void() -> None:
    journal = Journal(MARK, ("boot",), b"t" * 32, 7)

    assert read(journal.pack(), MARK) == journal
    assert read(journal.pack(), b"x" * 32) == Journal(b"x" * 32)
    assert read(None, MARK) == read(b"{", MARK) == read(b"", MARK) == Journal(MARK)


def test_a_journal_damaged_at_any_byte_is_void_or_harmless() -> None:
    packed = Journal(MARK, ("boot",), b"t" * 32, 7).pack()

    for at in range(len(packed)):
        damaged = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
        assert read(damaged, MARK).mark == MARK


@pytest.mark.parametrize("at", [0, MIB, 4 * MIB + 100])
def test_any_byte_that_reads_back_wrong_is_found(bench: Bench, at: int) -> None:
    installation = bench.installation()
    installation.run(Journal(MARK))
    image = installation.release.image("rootfs")
    file = bench.slots.folder / "rootfs-b"
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)

    with pytest.raises(NotTheImageError):
        verify.check(image, bench.slots.written("rootfs"), tick=lambda _bytes: None)


def test_an_image_that_does_not_fit_is_refused_before_it_is_written(bench: Bench) -> None:
    (bench.slots.folder / "rootfs-b").write_bytes(bytes(MIB))

    with pytest.raises(SlotError, match="do not fit"):
        bench.installation().run(Journal(MARK, ("boot",)))

    assert (bench.slots.folder / "rootfs-b").read_bytes() == bytes(MIB)


def change(bench: Bench, **facts: object) -> None:
    bench.source.standing = replace(bench.source.standing, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prepare", "floor", "now_s", "reason"),
    [
        pytest.param(
            lambda b: change(b, board="rpi3"), NO_FLOOR, CLOCK_S, "not for rpi3", id="board"
        ),
        pytest.param(
            lambda b: change(b, product="other"),
            NO_FLOOR,
            CLOCK_S,
            "another product",
            id="product",
        ),
        pytest.param(lambda _b: None, Floor(counter=9), CLOCK_S, "is 0, below 9", id="rollback"),
        pytest.param(lambda _b: None, NO_FLOOR, 4_000_000_000, "expired", id="late"),
    ],
)
def test_a_bundle_that_may_not_be_installed_is_refused(
    bench: Bench, prepare: Callable[[Bench], None], floor: Floor, now_s: int, reason: str
) -> None:
    prepare(bench)

    with pytest.raises(TrustError, match=reason):
        bench.checked(floor, now_s)


def test_a_bundle_with_older_delegations_than_those_committed_is_refused(bench: Bench) -> None:
    seen = bench.checked().seen
    assert bench.checked(Floor(targets=seen)).seen == seen

    with pytest.raises(TrustError, match="version 1 is below 9"):
        bench.checked(Floor(targets=replace(seen, version=9)))


def test_a_bundle_damaged_anywhere_is_refused_or_never_written(bench: Bench) -> None:
    path = Path(bench.action.bundle)
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 40):
        damaged = bytearray(whole)
        damaged[at] ^= 0x40
        path.write_bytes(damaged)
        bench.source.close()

        with pytest.raises((TrustError, FormatError)):
            bench.installation().run(Journal(MARK))


def test_a_bundle_that_was_pulled_out_is_told(bench: Bench) -> None:
    bench.checked()
    Path(bench.action.bundle).unlink()
    bench.source.close()

    with pytest.raises(Exception, match="No such file or directory"):
        bench.source.blobs(bench.action)
