"""The method `dfu`: the whole image, gaps too, to one place of a boot loader, and back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge.errors import RefusedError, UntrustedError
from edge.flash.events import Advance, Listener, Note, Phase, Report
from edge.flash.methods import whole_image
from edge.flash.methods.usb_board import Count, Session, device_at, next_at, opened
from edge.flash.protocols import dfu
from edge.flash.protocols.dfu import Dfu
from edge.flash.sources.source import Source
from edge.flash.transports.usb_bus import Bus
from edge.flash.transports.usb_device import Sighting
from edge.flash.usb_boards import dfu_interfaces
from edge.flash.way import Way

BOARD_S: Final = 2.0
DETACH_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class DfuOptions:
    """What may be chosen.

    Attributes:
        place: The name of the setting that takes the whole disk.
        verify: Read back and compare, where the board gives it back.
        restart: Reset the board at the end.
    """

    place: str
    verify: bool = True
    restart: bool = False


@dataclass(frozen=True, slots=True)
class DfuMethod:
    """One board in the mode of DFU.

    Attributes:
        port: Its port path.
        options: What was chosen.
        bus: Where it is.
        wait_s: How long to wait until it is there.
    """

    port: str
    options: DfuOptions
    bus: Bus
    wait_s: float = BOARD_S

    @property
    def target(self) -> str:
        """What to call it."""
        return f"dfu:{self.port}"

    def flash(self, source: Source, listener: Listener) -> Report:
        """Write the image; see `Method.flash`."""
        listener(Advance(Phase.CONNECT, 0, 1))
        facts = source.facts
        with opened(self.bus, self._board(listener), listener) as session:
            place = self._place(session)
            written = Count(Phase.WRITE, facts.image_bytes)
            session.run(place.download(whole_image.with_gaps(source), written.step))
            verified_bytes = 0
            if self.options.verify and place.able.can_upload:
                verified_bytes = self._compare(session, place, source)
            elif self.options.verify:
                listener(Note(Phase.VERIFY, "not read back: the board gives nothing back"))
            if self.options.restart:
                session.device.reset()
        return Report(facts.image_bytes, 0, verified_bytes)

    def verify(self, source: Source, listener: Listener) -> Report:
        """Read back and compare; see `Method.verify`."""
        with opened(self.bus, self._board(listener), listener) as session:
            place = self._place(session)
            return Report(0, 0, self._compare(session, place, source))

    def _board(self, listener: Listener) -> Sighting:
        """Return the board in the mode of DFU; one that runs is sent there first.

        Raises:
            LinkError: It did not come again.
        """
        seen = device_at(self.bus, self.port, Way.DFU, self.wait_s)
        running = dfu_interfaces(seen, dfu.RUNTIME)
        if not running or dfu_interfaces(seen):
            return seen
        listener(Note(Phase.CONNECT, "its system runs: it is told to go to DFU"))
        with opened(self.bus, seen, listener) as session:
            session.device.claim(running[0].number)
            able = dfu.abilities(b"".join(one.extra for one in running))
            session.run(Dfu(running[0].number, able).detach())
            if not able.leaves:
                session.device.reset()
        return next_at(self.bus, seen, "the board in the mode of DFU", DETACH_S)

    def _compare(self, session: Session, place: Dfu, source: Source) -> int:
        """Compare what the board gives, and return how much that was.

        Raises:
            UntrustedError: It is something else.
        """
        image_bytes = source.facts.image_bytes
        wanted = _Comparison(self.target, whole_image.with_gaps(source))
        read = Count(Phase.VERIFY, image_bytes)
        came_bytes = session.run(place.upload(image_bytes, wanted.take, read.step))
        if came_bytes != image_bytes:
            raise UntrustedError(f"{self.target}: only {came_bytes} bytes of it came back")
        return came_bytes

    def _place(self, session: Session) -> Dfu:
        """Take the setting that is named.

        Raises:
            RefusedError: The board has no such place.
        """
        settings = dfu_interfaces(session.device.sighting)
        names = {session.device.text(one.name_index): one for one in settings}
        found = names.get(self.options.place)
        if found is None:
            known = ", ".join(sorted(names)) or "none"
            raise RefusedError(
                f"{self.target}: no place {self.options.place!r} there: {known}",
                hint="dfu_alt_info of its U-Boot names them",
            )
        session.device.claim(found.number, found.setting)
        # The descriptor stands behind the last setting, or each.
        able = dfu.abilities(b"".join(one.extra for one in (found, *settings)))
        return Dfu(found.number, able)


class _Comparison:
    """Compares what comes with what is wanted, both in pieces of any length."""

    def __init__(self, target: str, wanted: Iterator[bytes]) -> None:
        self._target = target
        self._wanted = wanted
        self._left = b""
        self._at = 0

    def take(self, data: bytes) -> None:
        """Compare the next bytes.

        Raises:
            UntrustedError: They differ.
        """
        while data:
            self._left = self._left or next(self._wanted, b"")
            length = min(len(data), len(self._left)) or len(data)
            if data[:length] != self._left[:length]:
                raise UntrustedError(
                    f"{self._target}: it differs from the image in the {length} bytes"
                    f" from byte {self._at}"
                )
            data, self._left = data[length:], self._left[length:]
            self._at += length
