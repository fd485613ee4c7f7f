"""From the words behind `--to` to targets that may be written, and how they are shown."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge.cli.flash_boards import Boards, UsbOptions, ports
from edge.cli.table import human
from edge.errors import RefusedError, ThingNotFoundError
from edge.flash import targets as words
from edge.flash.disks import choice, sysfs
from edge.flash.disks.choice import Limits
from edge.flash.disks.disk import Disk
from edge.flash.methods.block import BlockMethod, BlockOptions
from edge.flash.methods.method import Method
from edge.flash.methods.serial_options import SerialOptions
from edge.flash.sources.source import Facts
from edge.flash.targets import (
    BoardTarget,
    DiskTarget,
    FileTarget,
    NetworkTarget,
    PortTarget,
    SerialTarget,
)
from edge.flash.transports import address
from edge.flash.transports.usb_bus import Bus
from edge.flash.usb_boards import UsbBoard

if TYPE_CHECKING:
    from edge.board.model import Board

_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Chosen:
    """One target, and what a person should know before it is written.

    Attributes:
        lines: What it is and what is on it.
        must_type: What has to be typed before it is written: the serial number of a forced disk.
    """

    method: Method
    lines: tuple[str, ...]
    must_type: str | None = None


@dataclass(frozen=True, slots=True)
class Choosing:
    """How targets are found.

    Attributes:
        facts: Of the image.
        profile: Returns that of the board.
        limits: What a disk has to keep to.
        block: Options of the method `block`.
        serial: Options of the method `serial`.
        usb: Options of the methods over USB.
        disks: Returns the disks of this machine.
        bus: Returns its USB ports.
    """

    facts: Facts
    profile: "Callable[[], Board]"
    limits: Limits
    block: BlockOptions = field(default_factory=BlockOptions)
    serial: SerialOptions = field(default_factory=SerialOptions)
    usb: UsbOptions = field(default_factory=UsbOptions)
    disks: Callable[[], Sequence[Disk]] = lambda: sysfs.disks()
    bus: Callable[[], Bus] = ports

    @property
    def boards(self) -> Boards:
        """How boards on USB are found."""
        return Boards(self.profile, self.limits, self.block, self.usb, self.bus)

    def named(self, texts: Sequence[str]) -> list[Chosen]:
        """Return the targets that were named, each once whatever it was called.

        Raises:
            EdgeError: One is not there, or may not be written.
        """
        found: dict[str, Chosen] = {}
        for text in texts:
            one = self._named(text)
            found.setdefault(_place(one.method), one)
        return list(found.values())

    def every(self) -> list[Chosen]:
        """Return every card and USB disk that may be written, and every board that waits.

        Raises:
            ThingNotFoundError: There is none.
        """
        disks = self.disks()
        found = choice.candidates(disks, self.limits)
        boards = [self._of_board(one) for one in self._waiting()]
        if not found and not boards:
            choice.only_one(disks, self.limits)
        return [self._of_disk(disk, disks) for disk in found] + boards

    def only_one(self, *, wait_s: float) -> Chosen:
        """Return the one card or USB disk that may be written, or the one board that waits.

        Args:
            wait_s: How long to wait until one is plugged in.

        Raises:
            ThingNotFoundError: There is none.
            RefusedError: There are several.
        """
        deadline_s = time.monotonic() + wait_s
        while True:
            disks, boards = self.disks(), self._waiting()
            if len(boards) == 1 and not choice.candidates(disks, self.limits):
                return self._of_board(boards[0])
            if boards:
                names = ", ".join(one.target for one in boards)
                raise RefusedError(
                    f"boards wait on USB ({names}), and more could be meant",
                    hint="say which: --to, or --all for each of them",
                )
            try:
                return self._of_disk(choice.only_one(disks, self.limits), disks)
            except ThingNotFoundError:
                if time.monotonic() >= deadline_s:
                    raise
            time.sleep(_LOOK_EVERY_S)

    def read_only(self, texts: Sequence[str]) -> list[Method]:
        """Return targets that are only read: any disk will do."""
        found: list[Method] = []
        for text in dict.fromkeys(texts):
            target = words.parse(text)
            match target:
                case DiskTarget(path):
                    found.append(self._block(choice.by_path(self.disks(), _resolved(path))))
                case PortTarget(port):
                    found.append(self._block(choice.by_port(self.disks(), port)))
                case _:
                    found.append(self._named(text).method)
        return found

    def _named(self, text: str) -> Chosen:
        match words.parse(text):
            case DiskTarget(path):
                disks = self.disks()
                return self._of_disk(choice.by_path(disks, _resolved(path)), disks)
            case PortTarget(port):
                if board := self.boards.at_port(port):
                    return self._of_board(board)
                disks = self.disks()
                return self._of_disk(choice.by_port(disks, port), disks)
            case BoardTarget() | NetworkTarget() as target:
                method = self.boards.named(target)
                return Chosen(method, (f"{method.target}: a board",))
            case FileTarget(path):
                return self._of_file(path)
            case SerialTarget(place):
                from edge.flash.methods.serial import SerialMethod

                method = SerialMethod(address.parse(place), self.profile(), options=self.serial)
                return Chosen(method, (f"{method.target}: the U-Boot console of a board",))

    def _waiting(self) -> list[UsbBoard]:
        """Return the boards that wait; none when nobody says which board it is."""
        try:
            return self.boards.waiting()
        except ThingNotFoundError:
            return []

    def _of_board(self, board: UsbBoard) -> Chosen:
        return Chosen(self.boards.method(board), (f"{board.target}: {board.what}",))

    def _of_disk(self, disk: Disk, disks: Sequence[Disk]) -> Chosen:
        choice.require_allowed(disk, disks, self.limits)
        method = self._block(disk)
        method.require_apart(self.facts)
        is_forced = bool(choice.objections(disk, self.limits))
        lines = [f"{disk.path}: {choice.described(disk)}"]
        lines += [
            f"  {part.name}  {human(part.size_bytes)}  {part.content or '?'}  {part.label}".rstrip()
            for part in disk.partitions
        ]
        return Chosen(method, tuple(lines), disk.serial if is_forced else None)

    def _of_file(self, path: str) -> Chosen:
        block = replace(self.block, eject=False)
        method = BlockMethod(f"file:{path}", path, None, block)
        method.require_apart(self.facts)
        there = Path(path)
        state = f"a file of {human(there.stat().st_size)}, replaced" if there.exists() else "new"
        return Chosen(method, (f"file:{path}: {state}",))

    def _block(self, disk: Disk) -> BlockMethod:
        return BlockMethod(disk.path, disk.path, disk, self.block, look=self._look)

    def _look(self, path: str) -> Disk | None:
        return next((disk for disk in self.disks() if disk.path == path), None)


def _resolved(path: str) -> str:
    """Return the device file behind a link such as those in /dev/disk/by-id."""
    return str(Path(path).resolve())


def _place(method: Method) -> str:
    """Return what is the same for all names of a target."""
    return _resolved(method.path) if isinstance(method, BlockMethod) else method.target
