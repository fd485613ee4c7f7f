"""The agent of this device: which files, devices and links its parts are; decides nothing."""

import logging
import random
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent import identity as identities
from edge_agent import standing, status
from edge_agent.backoff import Backoff
from edge_agent.boot.control import BootControl
from edge_agent.boot.storage import SyncedFile
from edge_agent.boot.uboot import UbootControl
from edge_agent.clock import DeviceClock
from edge_agent.counters import StoredCounters
from edge_agent.driver import Agent
from edge_agent.errors import AgentError, BootStateError
from edge_agent.health import COMMANDS, READY, RESTARTS, DeviceProbe
from edge_agent.hooks import DeviceHooks
from edge_agent.identity import Identity, IdentityError
from edge_agent.in_place.services import LIST, DeviceServices
from edge_agent.in_place.shelf import Shelf
from edge_agent.link import Link
from edge_agent.outbox import Outbox
from edge_agent.parts import Parts, Source
from edge_agent.reach import init
from edge_agent.server import FOLDER as CONFIG
from edge_agent.server import Server
from edge_agent.settings import Settings
from edge_agent.slots import DEVICES, DeviceSlots
from edge_agent.source import SourceAtNeed
from edge_agent.store import FallbackFiles, files_in
from edge_signing.formats.boot_state import Slot
from edge_signing.messages import Status

if TYPE_CHECKING:
    from edge_agent.links.http import HttpLink

logger = logging.getLogger(__name__)

TRUST: Final = "trust"
_RENEWAL_BEGINS_S: Final = 60.0
_RENEWAL_ENDS_S: Final = 2.0
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the device has what the agent works with."""

    devices: Path = DEVICES
    command_line: Path = Path("/proc/cmdline")
    boot_id: Path = BOOT_ID
    etc: Path = Path("/etc/edge")
    data: Path = Path("/var/lib/edge")
    run: Path = Path("/run/edge-agent")
    ready: Path = READY
    restarts: Path = RESTARTS
    commands: Path = COMMANDS
    config: Path = CONFIG
    state: Path = Path("/run/edge")
    support: Path = Path("/run/edge-support")
    factory: Path = Path("/run/edge-factory")

    def control(self) -> BootControl:
        """Return the boot control: that of U-Boot, or the one that the initramfs was made for.

        Raises:
            BootStateError: The kernel was started without a slot, or the driver is unknown.
        """
        line = self.command_line.read_text()
        named = self.state / "boot"
        match named.read_text().strip() if named.exists() else "uboot":
            case "uboot":
                return UbootControl(SyncedFile(self.devices / "bootstate"), command_line=line)
            case "efi":
                from edge_agent.boot.efi import EfiControl

                menu = SyncedFile(self.devices / "firmware")
                return EfiControl(menu, self._boot_of, command_line=line)
            case "rpi-tryboot":
                from edge_agent.boot.tryboot import TrybootControl

                menu = SyncedFile(self.devices / "firmware")
                return TrybootControl(menu, current=(self.state / "slot").read_text)
            case driver:
                raise BootStateError(f"no driver of boot control is called {driver}")

    def _boot_of(self, slot: Slot) -> SyncedFile:
        return SyncedFile(self.devices / f"boot-{slot}")

    def services(self) -> DeviceServices:
        """Return the services that are updated in place."""
        return DeviceServices(
            list=self.etc / LIST,
            data=self.data / "services",
            words=self.run / LIST,
            said=self.state / LIST,
            ask_init=lambda line: init.write_line(self.devices / "request", line),
            token=lambda: secrets.token_hex(8),
        )

    def standing(self) -> standing.Standing:
        """Return what runs; of a system that says nothing, that nothing is known."""
        try:
            return standing.Standing.read(self.etc / standing.FILE.name)
        except AgentError as error:
            logger.warning("%s", error)
            return standing.Standing()


@dataclass(slots=True)
class Board:
    """Shows the status in a file; only what changed is written."""

    folder: Path
    _shown: Status | None = None

    def show(self, shown: Status) -> None:
        """See `edge_agent.parts.StatusBoard`."""
        if shown != self._shown:
            try:
                status.write(status.as_json(shown), self.folder)
            except AgentError as error:
                logger.debug("%s", error)
            self._shown = shown


@dataclass(slots=True)
class Waker:
    """Lets the agent wait, until it has to end or is asked for something.

    Attributes:
        is_at_rest: Whether the agent has nothing under way.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    link: Link | None = None
    is_at_rest: Callable[[], bool] = lambda: False
    _is_ended: bool = False
    _wake: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        """End the wait that is under way, here or for the link; never from a signal handler."""
        self._wake.set()
        if self.link is not None:
            self.link.wake()

    def end(self) -> None:
        """Let the agent end."""
        self._is_ended = True
        self.start_anew()

    def start_anew(self) -> None:
        """Let the agent end and start again: the device is another one now."""
        self.stop.set()
        self.wake()

    def goes_on(self) -> bool:
        """Whether the agent that has ended is to start again, which this makes ready for."""
        self.stop.clear()
        if self._is_ended:
            self.stop.set()
            return False
        return True

    def pause(self, most_s: float) -> bool:
        """Wait; return whether somebody ended it."""
        is_woken = self._wake.wait(max(most_s, 0))
        if not self.stop.is_set():
            self._wake.clear()
        return is_woken


def agent(places: Places, waker: Waker) -> Agent:
    """Return the agent of this device.

    Raises:
        AgentError: The device cannot be worked with at all.
    """
    control, runs = places.control(), places.standing()
    boot_id = places.boot_id.read_text().strip()
    settings = Settings.read(places.etc / "agent.json")
    clock = DeviceClock()
    storage = SyncedFile(places.devices / "bootstate")
    counters = StoredCounters(storage, running=runs.floor)
    server = server_of(settings, places.config)
    certified = identity_of(places)
    identity = certified or server.identity
    floor_s = counters.floor().floor_s
    link = link_to(server, certified, boot_id, lambda: clock.now_s() >= floor_s)
    waker.link = link
    root = places.etc / "root.json"
    source = SourceAtNeed(lambda: _source(runs, root, places, link, identity, settings))
    outbox = FallbackFiles(files_in(places.data / "outbox"), files_in(places.run / "outbox"))
    parts = Parts(
        boot_id=boot_id,
        standing=runs,
        control=control,
        slots=DeviceSlots(control.current(), places.devices),
        counters=counters,
        files=files_in(places.data),
        outbox=Outbox(outbox, boot_id, lambda: secrets.token_hex(8)),
        link=link,
        source=source,
        probe=DeviceProbe(clock.monotonic_s, places.ready, places.restarts, places.commands),
        hooks=DeviceHooks(settings.options.hooks, clock.monotonic_s),
        clock=clock,
        status=Board(places.run),
        request_reboot=lambda: request_reboot(places.devices / "request"),
        pause=waker.pause,
        epoch=identity.epoch if identity else 0,
        options=settings.options,
        services=places.services(),
    )
    return Agent(parts, is_stopped=waker.stop.is_set, wake=waker.wake)


def enrol(places: Places, waker: Waker) -> None:
    """Start to get a certificate for this device if it has a key of enrolment and none yet."""
    settings = Settings.read(places.etc / "agent.json")
    server = server_of(settings, places.config)
    if not server.token or (places.data / "identity").exists():
        return
    from edge_agent import enrol as enrolment

    if not enrolment.is_due(server, places.data):
        return
    backoff = Backoff(random.SystemRandom().random)
    clock, storage = DeviceClock(), SyncedFile(places.devices / "bootstate")
    floor_s = StoredCounters(storage, running=places.standing().floor).floor().floor_s

    def work() -> None:
        if enrolment.keep_trying(
            server,
            places.data,
            waker.stop,
            backoff=backoff,
            is_clock_known=lambda: clock.now_s() >= floor_s,
        ):
            waker.start_anew()

    threading.Thread(target=work, name="enrolment", daemon=True).start()


@contextmanager
def renewing(places: Places, waker: Waker) -> Iterator[None]:
    """Keep the certificate of this device from ending, while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(
        target=_renew, args=(places, waker, stop), name="renewal", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_RENEWAL_ENDS_S)


def _renew(places: Places, waker: Waker, stop: threading.Event) -> None:
    # A device that starts has other things to do, and one without a certificate loads none of it.
    while not stop.wait(_RENEWAL_BEGINS_S):
        if (places.data / identities.OWN).is_dir():
            break
    else:
        return
    from edge_agent.renew import Renewal

    settings, clock = Settings.read(places.etc / "agent.json"), DeviceClock()
    storage = SyncedFile(places.devices / "bootstate")
    floor_s = StoredCounters(storage, running=places.standing().floor).floor().floor_s

    def now_s() -> int | None:
        found = clock.now_s()
        return found if found >= floor_s else None

    Renewal(
        places.data,
        lambda: server_of(settings, places.config).http,
        now_s,
        is_at_rest=lambda: waker.is_at_rest(),
        renewed=waker.start_anew,
        backoff=Backoff(random.SystemRandom().random),
    ).run(stop, 0)


def request_reboot(pipe: Path) -> None:
    """Ask init to restart the system; it stops the services in order first.

    Raises:
        AgentError: It cannot be asked.
    """
    init.write_line(pipe, "reboot")


def _source(
    runs: standing.Standing,
    root: Path,
    places: Places,
    link: Link | None,
    identity: Identity | None,
    settings: Settings,
) -> Source:
    from edge_agent.check import DeviceSource

    trust = _trust_folder(places)
    approvers = settings.options.approvers
    services = places.services()
    return DeviceSource(
        *(runs, root, trust, link, identity, places.run / TRUST, approvers),
        version_of=lambda name: Shelf(services, name).version(),
    )


def identity_of(places: Places) -> Identity | None:
    """Return the certificate of this device and what belongs to it, None if it has none."""
    try:
        return identities.own(places.data)
    except IdentityError as error:
        logger.info("no server: %s", error)
        return None


def server_of(settings: Settings, folder: Path) -> Server:
    """Return the server that this device was given, else that of its image."""
    try:
        if given := Server.read(folder):
            return given
    except AgentError as error:
        logger.warning("%s", error)
    return Server(settings.http, settings.mqtt)


def link_to(
    server: Server, certified: Identity | None, boot_id: str, is_clock_known: Callable[[], bool]
) -> Link | None:
    """Return the link to a server: with a certificate if there is one, else with its token."""
    identity = certified or server.identity
    if identity is None or not (server.http or server.mqtt):
        return None
    http = http_link_to(server, certified, is_clock_known, boot_id)
    if not server.mqtt or not certified:
        return http
    from edge_agent.links.mqtt import MqttLink

    return MqttLink(server.mqtt, certified, boot_id, http, is_clock_known=is_clock_known)


def http_link_to(
    server: Server,
    certified: Identity | None,
    is_clock_known: Callable[[], bool],
    boot_id: str = "",
) -> "HttpLink | None":
    """Return a link by HTTP, None if the server or who we are is not known."""
    identity = certified or server.identity
    if identity is None or not server.http:
        return None
    from edge_agent.links.http import HttpLink

    token = "" if certified else server.token
    return HttpLink(
        server.http, identity, token=token, boot_id=boot_id, is_clock_known=is_clock_known
    )


def _trust_folder(places: Places) -> Path:
    """Return where metadata is kept: in memory if the data partition takes nothing."""
    folder = places.data / TRUST
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
    except OSError as error:
        logger.warning("%s: %s", folder, error.strerror)
        return places.run / TRUST
    return folder
