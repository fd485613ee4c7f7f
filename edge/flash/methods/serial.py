"""Flash a board through the console of its U-Boot: over the line alone, or on by network."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final

from edge.board.model import Board
from edge.errors import InputError, LinkError
from edge.flash.events import Listener, Report
from edge.flash.methods.serial_options import SerialOptions, Via
from edge.flash.methods.serial_session import Session
from edge.flash.piece_server import SHORTEST_BYTES, PieceServer, address_towards, serving
from edge.flash.protocols.attach import Attaching
from edge.flash.protocols.provision import Feed, OverLine, OverNetwork, Provision
from edge.flash.protocols.uboot import Rates, Window
from edge.flash.sources.source import Source
from edge.flash.spool import FASTEST, Spool, spooled
from edge.flash.transports.address import PortAddress, TtyAddress
from edge.flash.transports.open_port import open_port
from edge.flash.transports.port import Port

LINE_PIECE_BYTES: Final = 1 << 20  # a cut costs this much again, at most
NETWORK_PIECE_BYTES: Final = 8 << 20
SLACK_BYTES: Final = 1 << 16  # gzip makes what cannot be made smaller a little longer


class SerialMethod:
    """A board behind a serial port, at its U-Boot or about to be.

    Args:
        address: The port.
        profile: The board, which says how to flash it.
        options: What the user may wish.
        opener: Opens the port at a rate.
        clock_s: Seconds on a clock that only goes forward.

    Raises:
        InputError: The profile does not say how to flash the board by serial.
    """

    def __init__(
        self,
        address: PortAddress,
        profile: Board,
        *,
        options: SerialOptions | None = None,
        opener: Callable[[PortAddress, int], Port] | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        if profile.flash.serial is None or profile.boot.script is None:
            raise InputError(
                f"board {profile.name}: its profile has no flash.serial",
                hint="docs/system-file.md has the keys",
            )
        self._address = address
        self._settings = profile.flash.serial
        self._script = profile.boot.script
        self._options = options or SerialOptions()
        self._opener = opener or (lambda place, baud: open_port(place, baud=baud))
        self._clock_s = clock_s

    @property
    def target(self) -> str:
        """What to call the target."""
        return str(self._address)

    def flash(self, source: Source, listener: Listener) -> Report:
        """Write the image; see `Method.flash`."""
        image_bytes = source.facts.image_bytes
        with self._session(listener, image_bytes) as session, ExitStack() as stack:
            server = self._server(session, stack)
            spool = stack.enter_context(self._spooled(source, by_network=server is not None))
            work = Provision(session.board, self._window, spool.pieces)
            missing = session.run(work.missing())
            if server is None:
                baud = session.how.baud
                rates = Rates(baud, self._options.transfer_baud or baud)
                session.tell_plan(spool.pieces, missing, rates)
                feed: Feed = OverLine(spool.packed, rates, session.how)
            else:
                session.tell_plan(spool.pieces, missing, None)
                server.offer(spool.named)
                feed = OverNetwork(server.host, server.port, server.folder)
            report = session.run(work.write(missing, feed, verify=self._options.verify))
            if self._options.restart:
                session.run(session.board.restart())
            return report

    def verify(self, source: Source, listener: Listener) -> Report:
        """Read back and compare; see `Method.verify`."""
        with (
            self._session(listener, source.facts.image_bytes) as session,
            self._spooled(source, by_network=True) as spool,
        ):
            work = Provision(session.board, self._window, spool.pieces)
            return session.run(work.compare())

    @property
    def _window(self) -> Window:
        load = self._settings.load_addr
        area_bytes = (self._settings.load_mib << 20) // 2
        return Window(load, load + area_bytes, area_bytes)

    @property
    def _console_baud(self) -> int:
        own = self._address.baud if isinstance(self._address, TtyAddress) else None
        return own or self._settings.baud

    @property
    def _disk(self) -> tuple[str, int]:
        own, script = self._settings, self._script
        devnum = script.devnum if own.devnum is None else own.devnum
        return own.devtype or script.devtype, devnum

    def _spooled(self, source: Source, *, by_network: bool) -> AbstractContextManager[Spool]:
        """Give the pieces, large and quickly made where nothing waits for the line."""
        most_bytes = (self._window.area_bytes - SLACK_BYTES) // 512 * 512
        if not by_network:
            return spooled(source, min(LINE_PIECE_BYTES, most_bytes))
        piece_bytes = min(NETWORK_PIECE_BYTES, most_bytes)
        return spooled(source, piece_bytes, level=FASTEST, shortest_bytes=SHORTEST_BYTES)

    @contextmanager
    def _session(self, listener: Listener, image_bytes: int) -> Iterator[Session]:
        """Give a board at its prompt, and leave it there after an interrupt."""
        how = Attaching(
            prompt=self._settings.prompt,
            stop=self._settings.stop,
            wait_s=self._options.wait_s,
            baud=self._console_baud,
            try_rates=self._options.try_rates,
        )
        port = self._opener(self._address, self._console_baud)
        try:
            session = Session(port, how, clock_s=self._clock_s, listener=listener)
            with session.left_at_prompt(switched=self._options.transfer_baud is not None):
                console = session.attach(self.target, self._options.power_command)
                devtype, devnum = self._disk
                session.prepare(console, devtype, devnum, self._window, image_bytes)
                yield session
        finally:
            port.close()

    def _server(self, session: Session, stack: ExitStack) -> PieceServer | None:
        """Return a server that the board was seen to reach, or None: the line is to be used.

        Raises:
            LinkError: The network was asked for, and there is none.
        """
        if self._options.via is Via.SERIAL:
            return None
        try:
            return self._reached_server(session, stack)
        except LinkError as error:
            if self._options.via is Via.NETWORK:
                raise
            session.note(f"{error}: going on over the line")
            return None

    def _reached_server(self, session: Session, stack: ExitStack) -> PieceServer:
        address = session.run(session.board.address())
        if address is None:
            raise LinkError(
                "the board gets no address by DHCP",
                hint="is its cable plugged in? --via serial needs no network",
            )
        host = self._options.host or address_towards(address)
        server = stack.enter_context(serving(host, self._options.bind or host))
        if not session.run(session.board.reaches(host, server.port, server.probe, self._window)):
            raise LinkError(
                f"the board at {address} gets nothing from {host}:{server.port}",
                hint="needs U-Boot's wget and no firewall between; --via serial needs neither",
            )
        session.note(f"the board has the address {address} and fetches from {host}")
        return server
