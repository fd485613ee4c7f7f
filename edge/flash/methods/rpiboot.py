"""The method `rpiboot`: a Raspberry Pi in USB boot becomes a USB disk, which is then written.

Its ROM takes a second stage, which starts a small system from the files it is given; that shows the
card, eMMC or NVMe of the board as a disk at the same port.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from edge.errors import LinkError, RefusedError, ThingNotFoundError
from edge.flash.disks import choice, sysfs
from edge.flash.disks.choice import Limits
from edge.flash.disks.disk import Disk
from edge.flash.events import Advance, Listener, Note, Phase, Report
from edge.flash.methods.block import BlockMethod, BlockOptions
from edge.flash.methods.usb_board import Count, Session, device_at, next_at, opened
from edge.flash.protocols import rpiboot
from edge.flash.protocols.rpiboot import Chip, Served
from edge.flash.protocols.usb_steps import IN
from edge.flash.rpi import boot_files
from edge.flash.rpi.boot_files import BootFiles
from edge.flash.sources.source import Source
from edge.flash.transports import usb_bus
from edge.flash.transports.storage import OpenStorage, Storage
from edge.flash.transports.usb_bus import Bus
from edge.flash.transports.usb_device import Sighting
from edge.flash.usb_boards import HOW_TO_ENTER
from edge.flash.way import Way

STAGE_S: Final = 10.0
DISK_S: Final = 90.0  # Linux starts on the board meanwhile
BOARD_S: Final = 2.0  # a board that is just being plugged in


@dataclass(frozen=True, slots=True)
class RpibootMethod:
    """One board in USB boot.

    Attributes:
        port: Its port path.
        folder: Has the files for its second stage.
        bus: Where it is.
        limits: What its disk has to keep to.
        options: Of the method `block`, for its disk.
        disks: Returns the disks of this machine; those of a `port`, if one is named.
        wait_s: How long to wait until it is there.
        storage: Opens its disk.
        own: Files that come before those of the folder, by name; None: there is none.
    """

    port: str
    folder: Path
    bus: Bus
    limits: Limits = field(default_factory=Limits)
    options: BlockOptions = field(default_factory=BlockOptions)
    disks: Callable[..., Sequence[Disk]] = lambda **at: sysfs.disks(**at)
    wait_s: float = BOARD_S
    storage: Callable[..., Storage] = lambda path, **facts: OpenStorage(path, **facts)
    own: Mapping[str, bytes | None] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """What to call it."""
        return f"usb:{self.port}"

    def flash(self, source: Source, listener: Listener) -> Report:
        """Write the image; see `Method.flash`."""
        return self.become_disk(listener).flash(source, listener)

    def verify(self, source: Source, listener: Listener) -> Report:
        """Read back and compare; see `Method.verify`."""
        return self.become_disk(listener).verify(source, listener)

    def start(self, listener: Listener) -> Served:
        """Bring the board through its stages, and return what it asked for and said.

        Raises:
            LinkError: It did not come through one of them.
            ThingNotFoundError: No board is there, or a file for it is missing.
        """
        seen = self._board()
        chip = rpiboot.CHIPS[seen.product]
        files = boot_files.boot_files(self.folder, chip, self.port, self.own)
        if rpiboot.is_rom(seen.serial_index):
            code = boot_files.second_stage(files, chip)
            self._send_second_stage(seen, chip, code, listener)
            seen = next_at(self.bus, seen, "the second stage", STAGE_S)
        return self._serve(seen, files, listener)

    def serial_number(self) -> str:
        """Return what the board says its serial number is; empty when it says nothing."""
        seen = self._board()
        device = self.bus.open(seen)
        try:
            return device.text(seen.serial_index)
        finally:
            device.close()

    def _send_second_stage(
        self, seen: Sighting, chip: Chip, code: bytes, listener: Listener
    ) -> None:
        listener(Note(Phase.CONNECT, f"BCM{chip.name}: {chip.second_stage} to its ROM"))
        sent = Count(Phase.CONNECT, len(code))
        with opened(self.bus, seen, listener) as session:
            out = _claimed(session)
            session.run(rpiboot.send_second_stage(code, out, progress=sent.step))

    def _serve(self, seen: Sighting, files: BootFiles, listener: Listener) -> Served:
        with opened(self.bus, seen, listener) as session:
            served = session.run(rpiboot.serve(files, _claimed(session)))
        if not served.files:
            missing = ", ".join(served.absent) or "nothing"
            raise ThingNotFoundError(
                f"{self.target}: the board got none of the files that it asked for: {missing}",
                hint=f"they are to be in {self.folder}",
            )
        names = ", ".join(served.files)
        listener(Note(Phase.CONNECT, f"the board took {names}"))
        if served.metadata:
            facts = ", ".join(f"{key} {value}" for key, value in sorted(served.metadata.items()))
            listener(Note(Phase.CONNECT, f"the board says: {facts}"))
        return served

    def become_disk(self, listener: Listener) -> BlockMethod:
        """See `edge.flash.methods.block.BecomesDisk`."""
        listener(Advance(Phase.CONNECT, 0, 1))
        if not (disk := self._disk_at_port()):
            self.start(listener)
            disk = self._wait_for_disk()
        choice.require_allowed(disk, self.disks(), self.limits)
        listener(Note(Phase.CONNECT, f"it is {disk.path} now: {choice.described(disk)}"))
        return BlockMethod(
            self.target, disk.path, disk, self.options, look=self._look, storage=self.storage
        )

    def _board(self) -> Sighting:
        """Return the board at the port.

        Raises:
            ThingNotFoundError: There is none, or another device.
        """
        seen = device_at(self.bus, self.port, Way.RPIBOOT, self.wait_s)
        if seen.vendor != rpiboot.VENDOR_ID or seen.product not in rpiboot.CHIPS:
            raise ThingNotFoundError(
                f"usb {self.port}: {seen.id} is no Raspberry Pi in USB boot",
                hint=HOW_TO_ENTER[Way.RPIBOOT],
            )
        return seen

    def _wait_for_disk(self) -> Disk:
        deadline_s = self.bus.clock_s() + DISK_S
        while not (disk := self._disk_at_port()):
            if self.bus.clock_s() >= deadline_s:
                raise LinkError(
                    f"{self.target}: the board did not become a disk in {DISK_S:.0f} s",
                    hint="has it a card or an eMMC? its HDMI or serial console says more",
                )
            self.bus.sleep(usb_bus.LOOK_EVERY_S)
        return disk

    def _disk_at_port(self) -> Disk | None:
        found = [one for one in self.disks(port=self.port) if one.size_bytes]
        if len(found) > 1:
            names = ", ".join(one.path for one in found)
            raise RefusedError(f"{self.target}: it shows several disks: {names}", hint="--to one")
        return replace(found[0]) if found else None

    def _look(self, path: str) -> Disk | None:
        return next((one for one in self.disks(port=self.port) if one.path == path), None)


def _claimed(session: Session) -> int:
    """Take the interface for files; return its endpoint to the board.

    Raises:
        LinkError: There is none: the board has a ROM that nobody knows.
    """
    found = [
        (one, end)
        for one in session.device.sighting.interfaces
        for end in one.endpoints
        if one.triple[0] == 0xFF and not end.address & IN
    ]
    if not found:
        raise LinkError("the board has no endpoint for files")
    interface, end = found[-1]  # before it is the disk of a ROM that has one
    session.device.claim(interface.number)
    return end.address
