"""What the agent is put together from: protocols, so that a model can take the place of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edge_agent.boot.control import BootControl
from edge_agent.clock import Clock
from edge_agent.counters import Counters, Floor
from edge_agent.health import Probe, Terms
from edge_agent.hooks import Hooks, Moment
from edge_agent.in_place.services import NoServices, Services
from edge_agent.install import FLUSH_BYTES
from edge_agent.link import Link
from edge_agent.payload.acquire import Blobs
from edge_agent.record import Action
from edge_agent.slots import Slots
from edge_agent.standing import Standing
from edge_agent.store import Files
from edge_agent.window import Window
from edge_signing.approval import Approvers
from edge_signing.messages import EventId, Policy, ReportEvent, Status
from edge_signing.release import PatchSet, Release
from edge_signing.trust.sighting import UNSEEN, Sighting


class Outbox(Protocol):
    """Events on their way to the server: stored before they count, gone when it has them."""

    def add(
        self,
        kind: str,
        *,
        at_s: int,
        action: str = "",
        version: str = "",
        reason: str = "",
        key: str = "",
    ) -> ReportEvent:
        """Store an event, once for each key that is not empty.

        Raises:
            StoreError: It can not be stored.
        """

    def waiting(self) -> Sequence[ReportEvent]:
        """Return the oldest events that no server has."""

    def deliver(self, send: Callable[[Sequence[ReportEvent]], Sequence[EventId]]) -> bool:
        """Tell the server all that waits; return whether nothing waits any more."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What an order came to, all signed and allowed here.

    Attributes:
        release: What is to be installed, None to stay as it is.
        patches: To that release from the one that runs.
        seen: The sighting of targets.json that it was checked with.
        epoch: The enrolment that the director's document is for.
        director: The sighting of that document; of nothing when there is none.
        refusal: Why the release must not be installed; it may run already.
        signed: Of a release of one service: its signed documents, to be kept beside its image.
    """

    release: Release | None
    patches: tuple[PatchSet, ...] = ()
    seen: Sighting = UNSEEN
    epoch: int = 0
    director: Sighting = UNSEEN
    refusal: str = ""
    signed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What a release has to be compared with.

    Attributes:
        floor: What the device must never go below.
        now_s: The time that counts, seconds since 1970.
        epoch: The enrolment that `director` is of.
        director: The sighting of the last director's document that was taken in it.
        seen: The sighting of targets.json that came with that document.
    """

    floor: Floor
    now_s: int
    epoch: int
    director: Sighting
    seen: Sighting


class Source(Protocol):
    """Where an action's release comes from: a repository behind a link, or a bundle."""

    def check(self, action: Action, known: Known) -> Checked:
        """Return what an action asks for, after all of it was verified.

        Raises:
            LinkError, FetchError: It may work later.
            SigningError: It is not trusted, not allowed here, or cannot be read.
            AgentError: It is refused, or not there.
        """

    def blobs(self, action: Action) -> Blobs:
        """Return where the payloads of an action's release are fetched.

        Raises:
            LinkError: It may work later.
            AgentError: It is not there any more.
        """

    def vouched(self, documents: bytes, known: Known) -> Release:
        """Return the release of a service whose documents were kept, after they were verified.

        Raises:
            SigningError: They are not trusted any more, not allowed here, or cannot be read.
            AgentError: The device trusts nobody.
        """

    def close(self) -> None:
        """Give back what is open; the next use opens it again."""


class StatusBoard(Protocol):
    """Where people and programs of the device see how the agent is."""

    def show(self, status: Status) -> None:
        """Show a status in place of the one before."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the image sets.

    Attributes:
        poll_s: How long the link is waited for at most, when idle.
        health: What is asked of a new system.
        window: When the device may restart, if an order asks for it and names no other time; None
            for always.
        confirm: Whether the user has to agree to a restart, if an order does not say.
        hooks: Programs that are asked before an update goes on.
        flush_bytes: How much is written between two flushes at most.
        utc_offset_min: Local time less UTC, for the window that an order names.
        approvers: Who has to approve what a server orders; None for nobody.
    """

    poll_s: float = 300
    health: Terms = field(default_factory=Terms)
    window: Window | None = None
    confirm: bool = False
    hooks: Mapping[Moment, tuple[str, ...]] = field(default_factory=dict)
    flush_bytes: int = FLUSH_BYTES
    utc_offset_min: int = 0
    approvers: Approvers | None = None

    def window_of(self, policy: Policy) -> Window | None:
        """Return when an order lets the device restart, None for always."""
        if policy.reboot != "window":
            return None
        if policy.window is None:
            return self.window
        return Window(policy.window.begin_min, policy.window.end_min, self.utc_offset_min)


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the agent works with.

    Attributes:
        boot_id: Names this start of the system.
        standing: What runs.
        request_reboot: Asks init for a restart, and returns at once.
        pause: Waits so many seconds at most; returns whether to go on at once.
        files: For the record and the journal.
        epoch: Of the enrolment; a new one lets the numbers of orders start again.
        services: Those that are updated in place.
    """

    boot_id: str
    standing: Standing
    control: BootControl
    slots: Slots
    counters: Counters
    files: Files
    outbox: Outbox
    link: Link | None
    source: Source
    probe: Probe
    hooks: Hooks
    clock: Clock
    status: StatusBoard
    request_reboot: Callable[[], None]
    pause: Callable[[float], bool]
    epoch: int = 0
    options: Options = field(default_factory=Options)
    services: Services = field(default_factory=NoServices)
