"""Boot control over `autoboot.txt`, played by an emulation of the firmware of a Raspberry Pi."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.image import fat
from edge_agent.boot.control import BootControl
from edge_agent.boot.fat import Volume
from edge_agent.boot.tryboot import ARGUMENT, FILE, PARTITIONS, Autoboot, TrybootControl
from edge_agent.errors import BootStateError
from edge_signing.formats.boot_state import BootState, Slot
from tests.fakes import rpi_firmware
from tests.fakes.block_device import PowerCutError
from tests.fakes.efi_menu import bytes_of
from tests.fakes.systemd_boot import MenuDevice

SIZE_BYTES = 17 << 20
FIRST = bytes_of(
    fat.volume(
        {FILE: Autoboot("a", "a").pack(), "other.txt": b"x"},
        size_bytes=SIZE_BYTES,
        label="FIRMWARE",
        serial=1,
    )
)
SLOT_OF: dict[int, Slot] = {number: slot for slot, number in PARTITIONS.items()}
GOLDEN = (
    b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n[none]\nedge_armed=1\n"
)

Change = Callable[[TrybootControl], None]


class Board:
    """A board: what the firmware would start, from the file alone."""

    def __init__(self, folder: Path, device: MenuDevice | None = None) -> None:
        self.device = device or MenuDevice(FIRST)
        self.word = folder / "restart"
        self.slot: Slot = "a"
        self.flag = False

    def control(self) -> TrybootControl:
        return TrybootControl(self.device, current=lambda: f"{self.slot}\n", restart=self.word)

    def restart(self) -> Slot:
        """Go down in order: init hands the word on, and it is gone with the memory."""
        self.flag = self.word.exists() and self.word.read_text().strip() == ARGUMENT
        return self.start()

    def crash(self) -> Slot:
        """Start again without a word: a panic, the watchdog, a power cut."""
        self.flag = False
        return self.start()

    def start(self) -> Slot:
        self.word.unlink(missing_ok=True)
        flag, self.flag = self.flag, False
        self.device = self.device.again()
        number = rpi_firmware.boot_partition(Volume(self.device), flag=flag)
        self.slot = SLOT_OF[number]
        return self.slot


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def arm_b(driver: TrybootControl) -> None:
    driver.arm("b", 3)


def commit(driver: TrybootControl) -> None:
    driver.commit()


def disarm(driver: TrybootControl) -> None:
    driver.disarm()


def test_the_bytes_of_the_file_are_golden() -> None:
    packed = Autoboot("a", "b", is_armed=True).pack()

    assert packed == GOLDEN.ljust(512, b"\n")
    assert Autoboot.unpack(packed) == Autoboot("a", "b", is_armed=True)


def test_a_new_disk_starts_slot_a_even_if_a_try_is_asked_for(board: Board) -> None:
    driver: BootControl = board.control()

    assert driver.state() == BootState(1, ("a",), {"a": 9, "b": 0})
    board.word.write_text(ARGUMENT)
    assert board.restart() == "a"


def test_an_armed_slot_is_started_once(board: Board) -> None:
    board.control().arm("b")

    assert board.control().state() == BootState(1, ("b", "a"), {"a": 9, "b": 1})
    assert board.restart() == "b"
    assert board.control().state() == BootState(1, ("b", "a"), {"a": 9, "b": 0})
    assert board.crash() == "a"


def test_a_slot_that_is_committed_stays(board: Board) -> None:
    board.control().arm("b")
    board.restart()

    board.control().commit()

    assert board.control().state() == BootState(1, ("b", "a"), {"a": 9, "b": 9})
    assert [board.crash(), board.restart(), board.crash()] == ["b", "b", "b"]


def test_the_old_slot_commits_itself_after_a_fall_back(board: Board) -> None:
    board.control().arm("b")
    board.restart()
    assert board.crash() == "a"

    board.control().commit()

    assert board.control().state().order == ("a", "b")
    assert board.restart() == "a"


def test_a_power_cut_before_the_restart_costs_the_try_and_no_slot(board: Board) -> None:
    board.control().arm("b")

    assert board.crash() == "a"
    assert board.restart() == "a"  # nobody has armed it in this start


def test_a_disarmed_slot_is_not_started_whatever_is_asked_for(board: Board) -> None:
    board.control().arm("b")

    board.control().disarm()

    assert board.control().state().order == ("a",)
    assert not board.word.exists()
    board.word.write_text(ARGUMENT)
    assert board.restart() == "a"


def test_going_back_is_a_try_too(board: Board) -> None:
    board.control().arm("b")
    board.restart()
    board.control().commit()

    board.control().arm("a", 9)

    assert board.control().state().order == ("a", "b")
    assert board.restart() == "a"
    assert board.crash() == "b"


def test_leaving_a_slot_on_trial_is_a_plain_restart(board: Board) -> None:
    board.control().arm("b")
    board.restart()

    board.control().arm("a", 9)

    assert not board.word.exists()
    assert board.control().state() == BootState(1, ("a", "b"), {"a": 9, "b": 9})
    assert board.restart() == "a"


def test_back_and_forth_between_slots_over_and_over(board: Board) -> None:
    for _round in range(6):
        driver = board.control()
        driver.disarm()
        driver.arm(driver.other())
        assert board.restart() == driver.other()
        board.control().commit()


@pytest.mark.parametrize("change", [arm_b, commit, disarm])
def test_a_change_that_is_made_again_writes_nothing(board: Board, change: Change) -> None:
    change(board.control())
    board.device.writes.clear()

    change(board.control())

    assert board.device.writes == []


@pytest.mark.parametrize("change", [arm_b, commit, disarm])
def test_each_change_is_one_sector_and_a_cut_leaves_the_old_state_or_the_new(
    tmp_path: Path, change: Change
) -> None:
    start = Board(tmp_path)
    if change is not arm_b:
        start.control().arm("b")
    if change is commit:
        start.restart()
    slot, before = start.slot, start.device
    old = start.control().state()
    whole = Board(tmp_path, before.again())
    whole.slot = slot
    change(whole.control())
    new = whole.control().state()
    assert len(whole.device.writes) == 1

    for sectors in (0, 1):
        cut = Board(tmp_path, before.again(sectors))
        cut.slot = slot
        if sectors == 0:
            with pytest.raises(PowerCutError):
                change(cut.control())
        else:
            change(cut.control())
        restarted = Board(tmp_path, cut.device.again())
        restarted.slot = slot
        assert restarted.control().state() == (old if sectors == 0 else new)
        assert restarted.crash() in {"a", "b"}


@given(
    st.lists(st.sampled_from(["arm", "commit", "disarm", "restart", "crash"]), max_size=12),
    st.integers(0, 12),
)
def test_only_what_was_committed_or_armed_is_ever_started(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], sectors: int
) -> None:
    board = Board(tmp_path_factory.mktemp("board"), MenuDevice(FIRST).again(sectors))
    whole: set[Slot] = {"a"}

    try:
        for step in steps:
            driver = board.control()
            match step:
                case "arm":
                    whole.add(driver.other())
                    driver.arm(driver.other())
                case "commit":
                    driver.commit()
                case "disarm":
                    driver.disarm()
                    whole = {driver.current()}
                case "restart":
                    assert board.restart() in whole
                case _:
                    assert board.crash() in whole
    except PowerCutError:
        pass

    assert board.crash() in {"a", "b"}


@pytest.mark.parametrize("tries", [0, 10])
def test_arming_for_an_impossible_number_of_starts_is_refused(board: Board, tries: int) -> None:
    with pytest.raises(BootStateError, match="cannot arm"):
        board.control().arm("b", tries)


def test_a_word_that_can_not_be_left_is_told(tmp_path: Path) -> None:
    board = Board(tmp_path / "gone")

    with pytest.raises(BootStateError, match="No such file"):
        board.control().arm("b")


def test_a_slot_that_is_not_known_is_refused() -> None:
    with pytest.raises(BootStateError, match="is not known: 'c'"):
        TrybootControl(MenuDevice(FIRST), current=lambda: "c\n")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[all]\nboot_partition=2\n[tryboot]\nboot_partition=3\n",
        b"[all]\ntryboot_a_b=1\nboot_partition=2\n",
        b"[all]\ntryboot_a_b=1\nboot_partition=7\n[tryboot]\nboot_partition=3\n",
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_does_not_name_both_slots_is_refused(text: bytes) -> None:
    with pytest.raises(BootStateError, match="does not name the partitions"):
        Autoboot.unpack(text)


def test_a_file_of_another_length_is_not_written_over(tmp_path: Path) -> None:
    files = {FILE: Autoboot("a", "a").pack().rstrip(b"\n")}
    other = bytes_of(fat.volume({**files}, size_bytes=SIZE_BYTES, label="FIRMWARE", serial=1))
    board = Board(tmp_path, MenuDevice(other))

    with pytest.raises(BootStateError, match="has 83 bytes, not 512"):
        board.control().arm("b")


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_text_raises_anything_but_an_error_of_ours(text: bytes) -> None:
    with suppress(BootStateError):
        Autoboot.unpack(text)
