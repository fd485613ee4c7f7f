"""The power fails in the middle of a patch and of chunks: the work goes on where it was.

As in `test_power_cuts`, with payloads that need the old system: a patch goes on at a unit, chunks
are planned anew and use what is in the other slot, and where the base is not what it was the whole
image is taken.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from edge_agent.payload import acquire
from edge_agent.payload.acquire import Acquisition, Blobs, OldImage
from edge_agent.payload.piece import Piece
from edge_signing.release import Image, Payload
from tests.agent.power.device import Device, ViolationError
from tests.agent.power.explore import Explorer, cuts_of
from tests.agent.power.machine_room import MediumVolume
from tests.agent.power.medium import Write
from tests.agent.power.system import LARGER, System, Way, tiny_units

WAYS: tuple[Way, ...] = ("patch", "chunks")
FAST_SHARE = 0.5
SLOW_SHARE = 0.2  # of the second cuts; all first ones are taken

Pair = tuple[System, System]


@dataclass
class Taken:
    """The ways that installations took: kind, first unit, whether what was left there was used."""

    seen: set[tuple[str, int, bool]] = field(default_factory=set)

    def firsts(self, kind: str) -> set[int]:
        return {first for one, first, _left in self.seen if one == kind}


@pytest.fixture(scope="module")
def pairs() -> dict[Way, Pair]:
    with tiny_units():
        old = System.make("1", 1, blocks=LARGER)
        return {way: (old, System.update("2", 5, old, way)) for way in WAYS}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    noted, plan = Taken(), acquire.plan

    def noting(
        image: Image,
        payloads: Iterable[Payload],
        old: OldImage | None,
        blobs: Blobs,
        *,
        left: OldImage | None = None,
    ) -> Acquisition:
        way = plan(image, payloads, old, blobs, left=left)
        is_less = (
            left is not None and way.planned_bytes < plan(image, payloads, old, blobs).planned_bytes
        )

        def pieces(first: int) -> Iterator[Piece]:
            noted.seen.add((way.payload.kind, first, is_less))
            return way.pieces(first)

        return replace(way, pieces=pieces)

    monkeypatch.setattr(acquire, "plan", noting)
    return noted


def explored(device: Device, first_share: float, second_share: float) -> Explorer:
    explorer = Explorer(device)
    for number, (cut, left) in enumerate(explorer.cut_once(first_share)):
        explorer.cut_again(cut, left, second_share, number)
    return explorer


def tell(capsys: pytest.CaptureFixture[str], way: Way, explorer: Explorer) -> None:
    with capsys.disabled():
        print(f"\npower cuts, by {way}: {explorer.cases} cases, {explorer.runs} different")


@pytest.mark.parametrize("way", WAYS)
def test_no_cut_in_a_payload_loses_a_device_or_a_report(
    way: Way, pairs: dict[Way, Pair], taken: Taken, capsys: pytest.CaptureFixture[str]
) -> None:
    explorer = explored(Device(*pairs[way]), FAST_SHARE, 0)

    tell(capsys, way, explorer)
    assert explorer.cases > 400
    require_resumed(way, taken)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", WAYS)
def test_no_two_cuts_in_a_payload_lose_a_device_or_a_report(
    way: Way, pairs: dict[Way, Pair], taken: Taken, capsys: pytest.CaptureFixture[str]
) -> None:
    explorer = explored(Device(*pairs[way]), 1, SLOW_SHARE)

    tell(capsys, way, explorer)
    assert explorer.cases > 25_000
    require_resumed(way, taken)


def require_resumed(way: Way, taken: Taken) -> None:
    """Require that work went on in the middle, and that nothing but the payload was taken."""
    assert {kind for kind, _first, _left in taken.seen} == {way}
    if way == "patch":
        assert len(taken.firsts("patch")) >= 3
    else:
        assert ("chunks", 0, True) in taken.seen


@pytest.mark.parametrize("share", [0.3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("way", WAYS)
def test_a_base_that_is_another_one_after_a_cut_is_not_used(
    way: Way, pairs: dict[Way, Pair], taken: Taken, share: float
) -> None:
    device, generator = Device(*pairs[way]), random.Random(1)
    frames = device.run(device.new_contents())
    lefts = {left.key(): left for _cut, left in cuts_of(frames, lambda: generator.random() < share)}
    rotten = Device(*pairs[way], base_rots=True)
    taken.seen.clear()

    for left in lefts.values():
        rotten.run(left.contents, left.heard)

    assert len(lefts) > 100
    # Chunks find what is still as it was; a patch needs all of its base.
    kinds: dict[Way, set[str]] = {"patch": {"patch", "full"}, "chunks": {"chunks"}}
    assert {kind for kind, _first, _left in taken.seen} == kinds[way]


@pytest.mark.parametrize("step", ["flush of boot", "flush of rootfs", "rename"])
@pytest.mark.parametrize("way", WAYS)
def test_each_step_of_a_payload_is_missed(way: Way, step: str, pairs: dict[Way, Pair]) -> None:
    with pytest.raises(ViolationError):
        explored(Device(*pairs[way], ignored=frozenset({step})), 1, 0)


def test_the_flushes_in_the_middle_of_a_patch_are_missed(
    pairs: dict[Way, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MediumVolume, "flush", only_at_the_end(MediumVolume.flush))

    with pytest.raises(ViolationError):
        explored(Device(*pairs["patch"]), 1, 0)


def only_at_the_end(flush: Callable[[MediumVolume], None]) -> Callable[[MediumVolume], None]:
    """Return a flush that does nothing before the hash tree of a root was written."""

    def call(volume: MediumVolume) -> None:
        last = volume.medium.log[-1]
        is_tree = isinstance(last, Write) and last.sectors[0][0] >= LARGER["rootfs"] * 8
        if is_tree or not volume.device.startswith("rootfs"):
            flush(volume)

    return call


def test_a_unit_that_is_taken_for_written_too_early_is_missed(
    pairs: dict[Way, Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = acquire.plan

    def one_too_far(*words: object, **named: object) -> Acquisition:
        way = plan(*words, **named)  # type: ignore[arg-type]
        return replace(way, pieces=lambda first: way.pieces(first + 1 if first else 0))

    monkeypatch.setattr(acquire, "plan", one_too_far)

    with pytest.raises(ViolationError):
        explored(Device(*pairs["patch"]), 1, 0)


def test_the_points_are_in_the_middle_of_the_images(pairs: dict[Way, Pair]) -> None:
    device = Device(*pairs["patch"])
    frames = device.run(device.new_contents())

    writes = [op for op in frames[0].medium.log if isinstance(op, Write)]

    assert sum(op.device == "rootfs-b" for op in writes) > 4
    assert len(list(cuts_of(frames))) > 1000
