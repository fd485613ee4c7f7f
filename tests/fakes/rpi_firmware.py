"""What the firmware of a Raspberry Pi does with a disk, as its documentation says.

Source: Raspberry Pi documentation: config.txt ("autoboot.txt", "kernel", "initramfs", "cmdline",
"device_tree", conditional filters `[all]`, `[none]`, `[tryboot]`), and "tryboot".
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.image import gpt
from edge_agent.boot.fat import Volume
from edge_agent.boot.storage import Storage
from edge_agent.errors import BootStateError
from tests.fakes.slots import PartitionOf

SECTOR_BYTES: Final = 512
MOST_AUTOBOOT_BYTES: Final = 512
FAT_KINDS: Final = frozenset((0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E))


class NothingStartsError(Exception):
    """The firmware finds nothing to start, and blinks."""


@dataclass(frozen=True)
class Started:
    """What runs: what the firmware leaves in the device tree, and what it has loaded."""

    partition: int
    tryboot: bool
    kernel: bytes
    ramdisk: bytes
    tree: bytes
    command_line: str


@dataclass
class Firmware:
    """A board with its disk.

    Attributes:
        disk: An image of it.
        flag: The one-shot flag that a restart with the word `tryboot` sets.
    """

    disk: Path
    flag: bool = False
    started: list[int] = field(default_factory=list)

    def restart(self, word: str = "") -> None:
        """Hear the word of a restart, as the kernel hands it on."""
        self.flag = "tryboot" in word.split()

    def cut_power(self) -> None:
        """Forget what is not on the disk."""
        self.flag = False

    def start(self) -> Started:
        """Start the board once; the flag is gone before anything of a slot is looked at."""
        flag, self.flag = self.flag, False
        number = boot_partition(Volume(self.partition(1)), flag=flag)
        try:
            volume = Volume(self.partition(number))
            config = settings(_text(volume, "config.txt"), flag=flag)
        except BootStateError as error:
            raise NothingStartsError(f"partition {number}: {error}") from error
        ramdisk, _blank, _how = config.get("initramfs", "").partition(" ")
        self.started.append(number)
        return Started(
            partition=number,
            tryboot=flag,
            kernel=_read(volume, config["kernel"]),
            ramdisk=_read(volume, ramdisk),
            tree=_read(volume, config["device_tree"]),
            command_line=_text(volume, config.get("cmdline", "cmdline.txt")).strip(),
        )

    def partition(self, number: int) -> Storage:
        """Return a partition by its number in the MBR; by that in a GPT if the MBR names none."""
        with self.disk.open("rb") as stream:
            table = stream.read(SECTOR_BYTES)
            entries = [table[446 + 16 * index :][:16] for index in range(4)]
            starts = {
                index + 1: int.from_bytes(entry[8:12], "little")
                for index, entry in enumerate(entries)
                if entry[4] in FAT_KINDS
            }
            if not starts:
                found = gpt.read(stream, disk_bytes=self.disk.stat().st_size).partitions
                starts = {index + 1: one.first_sector for index, one in enumerate(found)}
        if number not in starts:
            raise NothingStartsError(f"there is no partition {number}")
        return PartitionOf(self.disk, starts[number] * SECTOR_BYTES)


def boot_partition(first: Volume, *, flag: bool) -> int:
    """Return the partition that `autoboot.txt` names; the first one without the file."""
    try:
        text = _text(first, "autoboot.txt")
    except BootStateError:
        return 1
    if len(text) > MOST_AUTOBOOT_BYTES:
        raise NothingStartsError("autoboot.txt is too long")
    found = settings(text, flag=flag)
    if flag and found.get("tryboot_a_b") != "1":
        raise NothingStartsError("tryboot.txt is not there")
    return int(found.get("boot_partition", "1"))


def settings(text: str, *, flag: bool) -> dict[str, str]:
    """Return what applies of a file of settings; the last one of a name counts."""
    applies, found = True, dict[str, str]()
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            applies = {"[all]": True, "[none]": False, "[tryboot]": flag}.get(line, False)
        elif applies and line:
            name, equals, value = line.partition("=")
            if not equals:
                name, _blank, value = line.partition(" ")
            found[name] = value
    return found


def _text(volume: Volume, path: str) -> str:
    return _read(volume, path).decode()


def _read(volume: Volume, path: str) -> bytes:
    return b"".join(volume.read(volume.find(path)))
