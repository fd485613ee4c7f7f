"""A Raspberry Pi, from its boot ROM to a disk that holds the image, on a bus of the test."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.errors import EdgeError, LinkError, RefusedError, ThingNotFoundError
from edge.flash.disks.choice import Limits
from edge.flash.disks.disk import Disk, Transport
from edge.flash.methods.block import BlockOptions
from edge.flash.methods.rpiboot import RpibootMethod
from tests.fakes.storage import MemoryStorage
from tests.fakes.usb import rpi_rom
from tests.fakes.usb.gadget import Gadget
from tests.fakes.usb.in_process import Bus
from tests.fakes.usb.job import MIB, PORT, Ear, some_image
from tests.fakes.usb.rpi_rom import Story


@dataclass
class Bench:
    """A Raspberry Pi at a port, and its card.

    Attributes:
        shows: How many disks it shows at the end.
    """

    tmp_path: Path
    story: Story = field(default_factory=Story)
    card: MemoryStorage = field(default_factory=lambda: MemoryStorage(bytearray(16 * MIB)))
    shows: int = 1
    product: int = 0x2711
    bus: Bus = field(default_factory=Bus)
    is_disk: bool = False
    ear: Ear = field(default_factory=Ear)

    def __post_init__(self) -> None:
        self.story.then = self._becomes_disk
        self.bus.plug(PORT, rpi_rom.rom(self.product, self.story))
        self.folder = self.tmp_path / "boot"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "bootcode4.bin").write_bytes(bytes(40_000))
        (self.folder / "config.txt").write_text("boot_ramdisk=1\n")
        (self.folder / "boot.img").write_bytes(bytes(300_000))

    def _becomes_disk(self, _story: Story) -> Gadget:
        self.is_disk = True
        return Gadget(0x0A5C, 0x0104, ())

    def disks(self, port: str = PORT) -> list[Disk]:
        disk = Disk(
            "sdq", "/dev/sdq", len(self.card.medium), Transport.USB, True, model="Mass", port=PORT
        )
        return [disk] * self.shows if self.is_disk and port == PORT else []

    def method(self, limits: Limits | None = None) -> RpibootMethod:
        return RpibootMethod(
            PORT,
            self.folder,
            self.bus,
            limits or Limits(),
            BlockOptions(journals=self.tmp_path / "journals"),
            self.disks,
            storage=lambda _path, **_facts: self.card,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_raspberry_pi_becomes_a_disk_and_gets_the_image(bench: Bench) -> None:
    source = some_image()

    report = bench.method().flash(source, bench.ear)

    for span in source.facts.spans:
        place = slice(span.offset_bytes, span.end_bytes)
        assert bench.card.medium[place] == source._image[place]
    assert report.verified_bytes == source.facts.mapped_bytes
    assert "BCM2711: bootcode4.bin to its ROM" in bench.ear.notes
    assert "the board took config.txt, boot.img" in bench.ear.notes
    assert "it is /dev/sdq now" in bench.ear.notes


def test_a_board_that_is_a_disk_already_is_not_started_again(bench: Bench) -> None:
    bench.method().start(bench.ear)
    before = bench.bus.transfers

    bench.method().flash(some_image(), bench.ear)

    assert bench.bus.transfers == before


def test_a_board_that_waits_in_its_second_stage_goes_on_there(bench: Bench) -> None:
    bench.bus.plug(PORT, rpi_rom.second_stage(0x2711, bench.story))

    bench.method().flash(some_image(), bench.ear)

    assert not bench.story.second_stage
    assert bench.is_disk


def test_the_files_of_a_board_at_its_port_come_first(bench: Bench) -> None:
    own = bench.folder / PORT
    own.mkdir()
    (own / "config.txt").write_text("uart_2ndstage=1\n")

    bench.method().start(bench.ear)

    assert bench.story.files["config.txt"] == b"uart_2ndstage=1\n"


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        pytest.param(
            lambda one: one.bus.plug(PORT, None),
            ThingNotFoundError,
            "nothing is plugged",
            id="none",
        ),
        pytest.param(
            lambda one: one.bus.plug(PORT, Gadget(0x0781, 0x5567, ())),
            ThingNotFoundError,
            "0781:5567 is no Raspberry Pi",
            id="another device",
        ),
        pytest.param(
            lambda one: (one.folder / "bootcode4.bin").unlink(),
            ThingNotFoundError,
            "no bootcode4.bin",
            id="no second stage",
        ),
        pytest.param(
            lambda one: (one.folder / "boot.img").rename(one.folder / "other"),
            LinkError,
            "did not become a disk",
            id="no system",
        ),
        pytest.param(
            lambda one: [(one.folder / name).unlink() for name in ("boot.img", "config.txt")],
            ThingNotFoundError,
            "none of the files that it asked for: config.txt, boot.img",
            id="no files",
        ),
        pytest.param(
            lambda one: setattr(one, "shows", 0), LinkError, "did not become a disk", id="no disk"
        ),
        pytest.param(
            lambda one: setattr(one, "shows", 2), RefusedError, "several disks", id="two disks"
        ),
        pytest.param(
            lambda one: setattr(one.story, "result", 7),
            LinkError,
            "refused the second",
            id="refused",
        ),
        pytest.param(
            lambda one: (one.folder / "bootfiles.bin").write_bytes(b"no tar" * 300),
            EdgeError,
            "bootfiles.bin",
            id="a damaged archive",
        ),
    ],
)
def test_each_state_of_a_board_has_its_own_words(
    bench: Bench, spoil: object, error: type[EdgeError], words: str
) -> None:
    assert callable(spoil)
    spoil(bench)
    if words == "did not become a disk" and bench.shows:
        bench.story.then = lambda _story: None

    with pytest.raises(error, match=words):
        bench.method().flash(some_image(), bench.ear)
    assert not any(bench.card.medium)


def test_what_the_board_shows_may_be_refused_as_any_disk(bench: Bench) -> None:
    with pytest.raises(RefusedError, match="larger than expected"):
        bench.method(Limits(most_bytes=MIB)).flash(some_image(), bench.ear)
