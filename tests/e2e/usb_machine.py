"""What tests with boards on USB share: the machine, boards in its ports, commands in it."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.usb import rig, rpi_rom, storage_board
from tests.fakes.usb.gadget import Gadget
from tests.fakes.usb.rig import Rig
from tests.fakes.usb.rpi_rom import Story
from tests.fakes.usb.storage_board import StorageGadget
from tests.fakes.usb.usbip import Plug

MIB = 1 << 20
IMAGE_BYTES = 6 * MIB
WITHIN_S = 60
Put = Callable[..., Plug]
Say = Callable[..., tuple[int, str]]
Run = Callable[..., str]


def some_bytes() -> bytes:
    """Return an image with a table, a gap, and something far off."""
    noise = random.Random(11).randbytes(MIB)
    return noise + bytes(3 * MIB) + noise[::-1] + bytes(MIB)


@pytest.fixture(scope="session")
def machine() -> Iterator[Rig]:
    """The machine that all of these plug into."""
    with rig.running() as one:
        yield one


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with an image and the files for the boot ROM."""
    monkeypatch.chdir(tmp_path)
    image = some_bytes()
    with Path("card.img").open("wb") as stream:
        stream.write(image[:MIB])
        stream.seek(4 * MIB)
        stream.write(image[4 * MIB : 5 * MIB])
        stream.truncate(IMAGE_BYTES)
    files = Path("boot")
    files.mkdir()
    (files / "bootcode4.bin").write_bytes(random.Random(1).randbytes(100_000))
    (files / "config.txt").write_text("boot_ramdisk=1\n")
    (files / "boot.img").write_bytes(random.Random(2).randbytes(MIB))
    return tmp_path


@pytest.fixture
def plug(machine: Rig) -> Iterator[Put]:
    """Plug gadgets into ports by their numbers, and pull all out at the end."""
    plugs: dict[int, Plug] = {}

    def put(number: int, gadget: Gadget, *, pause_s: float = 0.0) -> Plug:
        plugs[number] = Plug(machine, number, pause_s=pause_s)
        plugs[number].put(gadget)
        plugs[number].wait()
        return plugs[number]

    yield put
    for one in plugs.values():
        one.end()


def eventually(is_so: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


class Pi:
    """A Raspberry Pi 4 in USB boot, and its card."""

    def __init__(
        self, product: int = 0x2711, *, serial: str = "d1e2f3a4", card_bytes: int = 12 * MIB
    ) -> None:
        self.card = bytearray(card_bytes)
        self.disk: StorageGadget | None = None
        tells = (f"USER_SERIAL_NUM*{serial}",)
        asks = ("config.txt", "pieeprom.sig", "boot.img")
        self.story = Story(asks, tells, then=self._becomes, serial=serial)
        self.rom = rpi_rom.rom(product, self.story)

    def _becomes(self, story: Story) -> Gadget:
        self.disk = storage_board.gadget(self.card, story.serial)
        return self.disk

    @property
    def is_whole(self) -> bool:
        """Whether the card holds all of the image that counts."""
        image = some_bytes()
        places = (slice(0, MIB), slice(4 * MIB, 5 * MIB))
        return all(self.card[place] == image[place] for place in places)


@pytest.fixture
def edge(machine: Rig, here: Path) -> Say:
    """Run `edge` in the machine; return its exit status and what it said."""

    def run(*words: str) -> tuple[int, str]:
        environment = {"XDG_STATE_HOME": f"{here}/state", "EDGE_BOARDS": f"{here}/boards"}
        done = machine.run("edge", *words, folder=here, **environment)
        return done.status, done.said

    return run


@pytest.fixture
def ran(machine: Rig, here: Path) -> Run:
    """Run a program of others, and return what it printed."""

    def run(*argv: str) -> str:
        done = machine.run(*argv, folder=here)
        assert done.status == 0, done.said
        return done.said

    return run
