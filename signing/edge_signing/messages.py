"""What devices and the console tell each other, the same over MQTT and HTTP.

Each message is canonical JSON with the field `format`; doubt refuses. None of them is trusted: what
a device installs is decided by signed metadata, a message only says where to look. An event is
named by (boot id, number), so that a server can drop repeats, and a device deletes it only when
the *server* has named it as stored: a broker's own receipt says nothing.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from edge_signing import canonical, running
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.hours import Hours
from edge_signing.repository_file import FILE
from edge_signing.trust.names import check_target_path

T = TypeVar("T")

FORMAT: Final = 1
MESSAGE_MOST_BYTES: Final = 64 << 10
REASON_MOST: Final = 1000
BLOCK_MOST_BYTES: Final = 128 << 10
OFFSET_MOST_BYTES: Final = 1 << 40
EVENTS_MOST: Final = 64  # in one message

Reboot = Literal["now", "window"]
Confirm = Literal["as-set", "always", "never"]
REBOOTS: Final[tuple[Reboot, ...]] = ("now", "window")
CONFIRMS: Final[tuple[Confirm, ...]] = ("as-set", "always", "never")

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NAME_OR_NONE: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._+-]{0,62})?")
_ID_OR_NONE: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63})?")
_SLOT: Final = re.compile(r"[ab]?")
_REASON: Final = re.compile(r"(?s:.{0,1000})")
_PATH: Final = re.compile(r"[!-~]{1,400}")
_REPOSITORY: Final = re.compile(r"(?:https?://[!-~]{1,1000}/)?")


@dataclass(frozen=True, slots=True)
class EventId:
    """What names an event of a device for ever.

    Attributes:
        boot_id: The kernel's id of the start in which it happened.
        n: Counts from 1 in each start.
    """

    boot_id: str
    n: int


@dataclass(frozen=True, slots=True)
class Policy:
    """How an update may go on.

    Attributes:
        download_only: Write the other slot, and wait for an order without this word.
        reboot: At once, or in the maintenance window.
        confirm: Whether the user has to agree to the restart: as the device sets it, or whatever
            that is. Said only if it is not `as-set`, so that devices of before read all others.
        window: The maintenance window, in the local time of the device; None: as the device sets
            it. Said only if there is one, as `confirm`.
        confirm_until_s: From then on the user is asked no more, seconds since 1970; 0: he always
            is. Said only if there is such a time, as `confirm`.
    """

    download_only: bool = False
    reboot: Reboot = "now"
    confirm: Confirm = "as-set"
    window: Hours | None = None
    confirm_until_s: int = 0

    def __post_init__(self) -> None:
        if self.window is not None and self.reboot != "window":
            raise FormatError(f"policy: a window for a restart that is {self.reboot}")
        if self.confirm_until_s and self.confirm == "never":
            raise FormatError("policy: a time until which users are asked, who are never asked")

    def object(self) -> dict[str, object]:
        """Return it as a part of a message."""
        said: dict[str, object] = {"download_only": self.download_only, "reboot": self.reboot}
        if self.confirm != "as-set":
            said["confirm"] = self.confirm
        if self.confirm_until_s:
            said["confirm_until_s"] = self.confirm_until_s
        return {**said, "window": self.window.object()} if self.window else said

    @classmethod
    def read(cls, fields: Fields) -> "Policy":
        """Return what a part of a message says.

        Raises:
            FormatError: It is no policy.
        """
        policy = cls(
            fields.one_of("download_only", (False, True)),
            fields.one_of("reboot", REBOOTS),
            fields.one_of("confirm", CONFIRMS) if fields.has("confirm") else "as-set",
            Hours.read(fields.fields("window")) if fields.has("window") else None,
            fields.integer("confirm_until_s", least=1) if fields.has("confirm_until_s") else 0,
        )
        fields.end()
        return policy


@dataclass(frozen=True, slots=True)
class Desired:
    """What a device should run; the newest one counts.

    Attributes:
        seq: Never goes down; an order with the number of another one has another `action`.
        action: Names the order in all reports about it.
        release: The path of the release, None to stay as it is.
        director: The director's signed document: `edge_signing.trust.director`.
        repository: URL ahead of `metadata/`, `targets/`, `blobs/`; empty: the server's own.
        approval: What people signed for it (`edge_signing.approval`); said only if there is one.
    """

    seq: int
    action: str
    release: str | None
    director: bytes = field(repr=False)
    policy: Policy = Policy()
    repository: str = ""
    approval: bytes = field(default=b"", repr=False)

    def pack(self) -> bytes:
        """Return the message."""
        said: dict[str, object] = {
            "action": self.action,
            "director": canonical.decode(self.director),
            "format": FORMAT,
            "policy": self.policy.object(),
            "repository": self.repository,
            "seq": self.seq,
        }
        if self.release is not None:
            said["release"] = self.release
        if self.approval:
            said["approval"] = canonical.decode(self.approval)
        return canonical.encode(said)

    @classmethod
    def unpack(cls, message: bytes) -> "Desired":
        """Return what a message says.

        Raises:
            FormatError: It is not such a message.
        """
        fields = _opened(message, "desired")
        release = fields.text("release", _PATH) if fields.has("release") else None
        if release is not None:
            check_target_path(release)
        desired = cls(
            fields.integer("seq", least=1),
            fields.text("action", ID),
            release,
            canonical.encode(fields.anything("director")),
            Policy.read(fields.fields("policy")),
            fields.text("repository", _REPOSITORY),
            canonical.encode(fields.anything("approval")) if fields.has("approval") else b"",
        )
        fields.end()
        return desired


@dataclass(frozen=True, slots=True)
class Status:
    """How a device is: what runs, and how far an update has come.

    Attributes:
        seq: Of the newest order that it has taken up, 0 for none.
        action: That it works on, or that ended last; empty for none.
        phase: The state of the agent's machine.
        slot: The one that runs; empty if unknown.
        release: The path of the release under way; empty for none.
        reason: Why the last action failed, or why nothing goes on; empty when all is well.
        services: What runs of those that are updated in place (`edge_signing.running`). Said only
            if there are any, so that consoles of before read all other messages.
    """

    boot_id: str
    seq: int = 0
    action: str = ""
    phase: str = "idle"
    slot: str = ""
    board: str = ""
    product: str = ""
    version: str = ""
    counter: int = 0
    release: str = ""
    done_bytes: int = 0
    planned_bytes: int = 0
    bytes_per_s: int = 0
    reason: str = ""
    services: Mapping[str, str] = field(default_factory=dict)

    @property
    def percent(self) -> int:
        """How far the transfer is, 0 to 100."""
        return min(100, self.done_bytes * 100 // self.planned_bytes) if self.planned_bytes else 0

    def pack(self) -> bytes:
        """Return the message."""
        said = {name: getattr(self, name) for name in Status.__dataclass_fields__}
        del said["services"]
        if self.services:
            said["services"] = running.objects(self.services)
        return canonical.encode({**said, "format": FORMAT, "reason": self.reason[:REASON_MOST]})

    @classmethod
    def unpack(cls, message: bytes) -> "Status":
        """Return what a message says.

        Raises:
            FormatError: It is not such a message.
        """
        fields = _opened(message, "status")
        status = cls(
            boot_id=fields.text("boot_id", ID),
            seq=fields.integer("seq"),
            action=fields.text("action", _ID_OR_NONE),
            phase=fields.text("phase", WORD),
            slot=fields.text("slot", _SLOT),
            board=fields.text("board", _NAME_OR_NONE),
            product=fields.text("product", _NAME_OR_NONE),
            version=fields.text("version", _NAME_OR_NONE),
            counter=fields.integer("counter"),
            release=fields.text("release", re.compile(r"[!-~]{0,400}")),
            done_bytes=fields.integer("done_bytes"),
            planned_bytes=fields.integer("planned_bytes"),
            bytes_per_s=fields.integer("bytes_per_s"),
            reason=fields.text("reason", _REASON),
            services=running.read(fields, "services") if fields.has("services") else {},
        )
        fields.end()
        return status


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """Something that happened on a device, told until the server has stored it.

    Attributes:
        at_s: The device's clock, seconds since 1970; it may be wrong.
        kind: What happened, in one word.
        action: The order that it belongs to; empty for none.
        version: Of the release that it is about; empty for none.
        reason: Why, if it went wrong.
    """

    id: EventId
    at_s: int
    kind: str
    action: str = ""
    version: str = ""
    reason: str = ""

    def object(self) -> dict[str, object]:
        """Return the event as a value for JSON."""
        return {
            "action": self.action,
            "at_s": self.at_s,
            "boot_id": self.id.boot_id,
            "kind": self.kind,
            "n": self.id.n,
            "reason": self.reason[:REASON_MOST],
            "version": self.version,
        }

    @classmethod
    def take(cls, fields: Fields) -> "ReportEvent":
        """Return the event whose fields these are.

        Raises:
            FormatError: They are others.
        """
        return cls(
            id=_event_id(fields),
            at_s=fields.integer("at_s"),
            kind=fields.text("kind", WORD),
            action=fields.text("action", _ID_OR_NONE),
            version=fields.text("version", _NAME_OR_NONE),
            reason=fields.text("reason", _REASON),
        )


@dataclass(frozen=True, slots=True)
class Want:
    """A block of a repository's file, asked for over MQTT.

    Attributes:
        name: `metadata/…`, `targets/…` or `blobs/<sha256>`.
        length_bytes: At most `BLOCK_MOST_BYTES`; the answer is shorter only at the file's end.
    """

    name: str
    offset_bytes: int
    length_bytes: int

    def pack(self) -> bytes:
        """Return the message."""
        said = {"format": FORMAT, "length": self.length_bytes, "name": self.name}
        return canonical.encode({**said, "offset": self.offset_bytes})

    @classmethod
    def unpack(cls, message: bytes) -> "Want":
        """Return what a message says.

        Raises:
            FormatError: It is not such a message.
        """
        fields = _opened(message, "want")
        want = cls(
            fields.text("name", FILE),
            fields.integer("offset", most=OFFSET_MOST_BYTES),
            fields.integer("length", least=1, most=BLOCK_MOST_BYTES),
        )
        fields.end()
        return want


def pack_events(events: Iterable[ReportEvent]) -> bytes:
    """Return the message that tells events, at most `EVENTS_MOST`."""
    return canonical.encode({"events": [one.object() for one in events], "format": FORMAT})


def unpack_events(message: bytes) -> tuple[ReportEvent, ...]:
    """Return the events that a message tells.

    Raises:
        FormatError: It is not such a message, or tells too many.
    """
    return _listed(message, "events", ReportEvent.take)


def pack_stored(ids: Iterable[EventId]) -> bytes:
    """Return the message in which a server names the events that it has stored."""
    return canonical.encode(
        {"format": FORMAT, "stored": [{"boot_id": one.boot_id, "n": one.n} for one in ids]}
    )


def unpack_stored(message: bytes) -> tuple[EventId, ...]:
    """Return the events that the server has stored.

    Raises:
        FormatError: It is not such a message.
    """
    return _listed(message, "stored", _event_id)


def pack_online(boot_id: str, *, is_online: bool) -> bytes:
    """Return the message that a device is there, or gone."""
    return canonical.encode({"boot_id": boot_id, "format": FORMAT, "on": int(is_online)})


def unpack_online(message: bytes) -> tuple[str, bool]:
    """Return the boot id of a device and whether it is there.

    Raises:
        FormatError: It is not such a message.
    """
    fields = _opened(message, "online")
    found = fields.text("boot_id", ID), bool(fields.integer("on", most=1))
    fields.end()
    return found


def _event_id(fields: Fields) -> EventId:
    return EventId(fields.text("boot_id", ID), fields.integer("n", least=1))


def _listed(message: bytes, name: str, take: Callable[[Fields], T]) -> tuple[T, ...]:
    fields = _opened(message, name)
    found = fields.each(name, take)
    fields.end()
    if len(found) > EVENTS_MOST:
        raise FormatError(f"{name}: {len(found)} are more than {EVENTS_MOST}")
    return found


def _opened(message: bytes, place: str) -> Fields:
    fields = Fields(canonical.decode(message, limit_bytes=MESSAGE_MOST_BYTES), place)
    fields.one_of("format", (FORMAT,))
    return fields
