"""The power fails at every point of an update, twice: no device is lost, and no report.

The points are all writes, flushes and renames of the agent and of the boot script. What was not
flushed is lost, kept, torn at a sector, or mixed. After each cut the device goes on until nothing
is left to do; on the way a slot that is started holds a whole system, and in the end the right slot
is committed and the server has heard exactly one final report, a true one.
"""

import pytest

from edge_agent import verify
from tests.agent.power.device import STORIES, Device, Story, ViolationError
from tests.agent.power.explore import Explorer, cuts_of
from tests.agent.power.medium import FileWrite, after_cut
from tests.agent.power.system import System, tiny_units
from tests.thoroughness import SECOND_CUTS

# Each is left out in turn, and somebody has to miss it.
STEPS = (
    "flush of boot",
    "flush of rootfs",
    "flush of boot state",
    "flush of trust state",
    "flush of record",
    "folder after record",
    "flush of event",
    "folder after event",
    "rename",
)
FAST_SHARE = 0.02
_counted: dict[str, int] = {}


@pytest.fixture(scope="module")
def systems() -> tuple[System, System]:
    with tiny_units():
        return System.make("1", 1), System.make("2", 5)


def explored(device: Device, share: float, first_share: float = 1) -> Explorer:
    explorer = Explorer(device)
    for number, (cut, left) in enumerate(explorer.cut_once(first_share)):
        explorer.cut_again(cut, left, share, number)
    return explorer


def explore_all(systems: tuple[System, System], ignored: frozenset[str]) -> None:
    for story in STORIES:
        explored(Device(*systems, story, ignored), 0)


def tell(capsys: pytest.CaptureFixture[str], story: Story, explorer: Explorer) -> None:
    _counted[story] = explorer.cases
    with capsys.disabled():
        print(
            f"\npower cuts, {story} system: {explorer.cases} cases, {explorer.runs} different"
            f" ({sum(_counted.values())} cases in all)"
        )


@pytest.mark.parametrize("story", STORIES)
def test_no_cut_loses_a_device_or_a_report(
    story: Story, systems: tuple[System, System], capsys: pytest.CaptureFixture[str]
) -> None:
    # Whoever has a worn sector does all again and again; half of that tells as much.
    explorer = explored(Device(*systems, story), FAST_SHARE, 0.5 if story == "worn" else 1)

    tell(capsys, story, explorer)
    assert explorer.cases > 2500  # 10,000 in all


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("story", STORIES)
def test_no_two_cuts_lose_a_device_or_a_report(
    story: Story, systems: tuple[System, System], capsys: pytest.CaptureFixture[str]
) -> None:
    explorer = explored(Device(*systems, story), SECOND_CUTS)

    tell(capsys, story, explorer)
    assert explorer.cases > 100_000 * SECOND_CUTS


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_missed(step: str, systems: tuple[System, System]) -> None:
    with pytest.raises(ViolationError):
        explore_all(systems, frozenset({step}))


def test_reading_back_is_missed(
    systems: tuple[System, System], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "check", lambda *_arguments, **_words: None)

    with pytest.raises(ViolationError, match="holds no whole system"):
        Device(*systems, "worn").run(Device(*systems, "worn").new_contents())


def test_taking_the_other_slot_out_of_the_order_is_missed(
    systems: tuple[System, System], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update over an older one: the other slot is the second choice until it is written."""
    monkeypatch.setattr("edge_agent.boot.uboot.UbootControl.disarm", lambda _self: None)
    device = Device(*systems, "good", second_choice=True)

    with pytest.raises(ViolationError, match="holds no whole system"):
        explored(device, 0)


def test_an_update_over_an_older_system_survives_every_cut(systems: tuple[System, System]) -> None:
    explorer = explored(Device(*systems, "good", second_choice=True), 0)

    assert explorer.cases > 1000


@pytest.mark.parametrize("story", ["good", "sick", "dead"])
def test_a_way_back_to_what_is_in_the_other_slot_survives_every_cut_and_fetches_nothing(
    story: Story, systems: tuple[System, System]
) -> None:
    device = Device(*systems, story, held="new")

    explorer = explored(device, 0)

    assert explorer.cases > 300
    assert device.fetched == 0


def test_a_way_back_to_a_slot_that_was_damaged_writes_it_whatever_is_cut(
    systems: tuple[System, System],
) -> None:
    device = Device(*systems, "good", held="damaged")

    explorer = explored(device, 0, 0.3)

    assert explorer.cases > 200
    assert device.fetched > 200


def test_a_slot_that_is_taken_for_whole_unread_is_missed(
    systems: tuple[System, System], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "check", lambda *_arguments, **_words: None)
    device = Device(*systems, "good", held="damaged")

    with pytest.raises(ViolationError, match="holds no whole system"):
        device.run(device.new_contents())


@pytest.mark.parametrize("story", ["good", "sick"])
def test_a_trust_state_that_was_never_written_survives_every_cut(
    story: Story, systems: tuple[System, System]
) -> None:
    explorer = explored(Device(*systems, story, is_robbed=False), 0)

    assert explorer.cases > 700


def test_forgetting_what_a_thief_raised_is_missed(
    systems: tuple[System, System], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_signing.trust.sighting.Sighting.binds", lambda _old, _new: True)
    device = Device(*systems, "good")

    with pytest.raises(ViolationError, match="the floor of targets is"):
        device.run(device.new_contents())


@pytest.mark.parametrize("share", [0.3, pytest.param(1, marks=pytest.mark.slow)])
def test_an_update_that_asks_its_user_survives_every_cut(
    systems: tuple[System, System], share: float
) -> None:
    device = Device(*systems, "good", asks=True)

    explorer = explored(device, 0, share)

    assert explorer.cases > 300
    assert device.confirmed > 100


@pytest.mark.parametrize("step", [None, "flush of journal", "folder after journal"])
def test_what_the_journal_has_is_not_fetched_again(
    step: str | None, systems: tuple[System, System]
) -> None:
    """The journal keeps no promise but this one: without its flushes work is lost, not a device."""
    device = Device(*systems, "good", frozenset({step} if step else ()))
    whole = device.run(device.new_contents())
    log = whole[0].medium.log
    end = max(at for at, op in enumerate(log) if _is_journal(op)) + 4  # in place, and durable
    left = after_cut(whole[0].medium.start, log[: end + 1], "dropped")
    before = device.fetched

    device.run(left)

    assert (device.fetched == before) == (step is None)


def _is_journal(op: object) -> bool:
    return isinstance(op, FileWrite) and b'"unit"' in op.data


def test_the_points_of_a_cut_are_those_of_the_log(systems: tuple[System, System]) -> None:
    device = Device(*systems)
    frames = device.run(device.new_contents())

    points = {(cut.start, cut.op) for cut, _left in cuts_of(frames)}

    assert len(points) == sum(len(frame.medium.log) + 1 for frame in frames)
