"""What the agent remembers over a restart: its state, the action under way, and what it has seen.

One small file: canonical JSON, a line feed, and the SHA-256 of the JSON in hex. A record of another
format, or a damaged one, is no record: the agent is idle then, and says so.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from edge_agent.boot.control import other_slot
from edge_agent.machine import LIMITS, Result, State
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.formats.boot_state import SLOTS, Slot
from edge_signing.messages import ID, REASON_MOST, Desired
from edge_signing.release import PatchSet, Release
from edge_signing.trust.sighting import UNSEEN, Sighting

Kind = Literal["install", "revert"]

FORMAT: Final = 2
KINDS: Final[tuple[Kind, ...]] = ("install", "revert")
_DIGEST: Final = re.compile(rb"[0-9a-f]{64}")
_MARK: Final = re.compile(r"[0-9a-f]{32}")
_VERSION_MOST: Final = (1 << 63) - 1  # canonical JSON's; a thief may use all of it
_ANY: Final = re.compile(r"(?s:.*)")
_BOOT_ID: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63})?")
_ACTION: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63})?")
_STATES: Final = tuple(State)
_RESULTS: Final = tuple(Result)


@dataclass(frozen=True, slots=True)
class Action:
    """What is under way.

    Attributes:
        id: Names it in all reports.
        kind: Install a release, or go back to what is in the other slot.
        target: The slot that is to run.
        desired: The order, if a server gave it.
        bundle: The path of a bundle, if a person gave it.
        release: What is installed; known, and trusted, once it was checked.
        patches: What the release role signed besides, for the release that runs.
        seen: The sighting of targets.json that the release was checked with.
        entered: How often it came into each state that has a limit, and was started in it.
        rejections: How often what was read back was not what was written.
        place: Where the image of a service goes; None for a whole system, and for a release that
            is equal to the system's own version.
        is_there: Whether the other slot seems to hold the release without having been written for
            this action; stored only until it was read back.
        is_confirmed: Whether the user agreed to the restart; stored only while that is waited for.
        result: How it ended, once it is REPORTING.
        reason: Why it goes wrong, as soon as that is known.
    """

    id: str
    kind: Kind
    target: Slot
    desired: Desired | None = field(default=None, repr=False)
    bundle: str = ""
    release: Release | None = field(default=None, repr=False)
    patches: tuple[PatchSet, ...] = field(default=(), repr=False)
    seen: Sighting = UNSEEN
    entered: Mapping[State, int] = field(default_factory=dict)
    rejections: int = 0
    place: Slot | None = None
    is_there: bool = False
    is_confirmed: bool = False
    result: Result | None = None
    reason: str = ""

    @property
    def version(self) -> str:
        """The version that is installed, empty if it is not known yet."""
        return self.release.version if self.release else ""

    @property
    def is_of_own(self) -> bool:
        """Whether it goes to the system's own version of a service, which has no place."""
        return self.release is not None and bool(self.release.service) and self.place is None

    def wanted_slot(self) -> Slot:
        """Return the slot that runs if the action ended as its result says."""
        release = self.release
        is_system = self.kind == "revert" or (release is not None and not release.service)
        is_there = self.result is Result.SUCCEEDED and is_system
        return self.target if is_there else other_slot(self.target)

    def having_entered(self, state: State) -> "Action":
        """Return the action after it came into a state once more.

        States without a limit are not counted: after a fall-back an older agent, which may not
        know all of them, reads the record.
        """
        if state not in LIMITS:
            return self
        return replace(self, entered={**self.entered, state: self.entered.get(state, 0) + 1})

    def slot_mark(self) -> bytes:
        """Return what names this action, its release and the slot that it goes to."""
        return hashlib.sha256(self.mark() + self.target.encode()).digest()

    def mark(self) -> bytes:
        """Return what names this action and its release in the trust state."""
        packed = self.release.pack() if self.release else b""
        return hashlib.sha256(b"%s\n%s" % (self.id.encode(), packed)).digest()


@dataclass(frozen=True, slots=True)
class Record:
    """All that the agent remembers.

    Attributes:
        state: The machine's.
        boot_id: The start in which the state was stored: the same one means that the device did
            not restart since, only the agent.
        action: None when idle.
        slot: The slot that ran when the agent was last idle; None if that is not known.
        epoch: The enrolment that `director` belongs to.
        director: The sighting of the last director's document that was taken.
        seen: The sighting of targets.json that named the director's keys then.
        seq: The number of the last order that was taken.
        last: The id of the action that ended last.
        last_result: How it ended.
        last_reason: Why, if it failed.
    """

    state: State = State.IDLE
    boot_id: str = ""
    action: Action | None = None
    slot: Slot | None = None
    epoch: int = 0
    director: Sighting = UNSEEN
    seen: Sighting = UNSEEN
    seq: int = 0
    last: str = ""
    last_result: Result | None = None
    last_reason: str = ""

    def __post_init__(self) -> None:
        if (self.state is State.IDLE) != (self.action is None):
            raise FormatError(f"record: state {self.state} with or without an action")
        has_result = self.action is not None and self.action.result is not None
        if has_result != (self.state is State.REPORTING):
            raise FormatError(f"record: state {self.state} with or without a result")

    def pack(self) -> bytes:
        """Return the bytes of the file."""
        said = {
            "director": _sighting_object(self.director),
            "epoch": self.epoch,
            "format": FORMAT,
            "last": self.last,
            "last_reason": self.last_reason[:REASON_MOST],
            "seen": _sighting_object(self.seen),
            "seq": self.seq,
            "state": str(self.state),
            "boot_id": self.boot_id,
            **_known("slot", self.slot),
            **_known("last_result", self.last_result),
            **_known("action", _action_object(self.action) if self.action else None),
        }
        body = canonical.encode(said)
        return body + b"\n" + hashlib.sha256(body).hexdigest().encode()

    @classmethod
    def unpack(cls, data: bytes) -> "Record":
        """Return what a file says.

        Raises:
            FormatError: It is damaged, or of another format.
        """
        body, _line, digest = data.rpartition(b"\n")
        if not _DIGEST.fullmatch(digest) or hashlib.sha256(body).hexdigest().encode() != digest:
            raise FormatError("record: damaged")
        fields = Fields(canonical.decode(body), "record")
        fields.one_of("format", (FORMAT,))
        record = cls(
            state=State(fields.one_of("state", tuple(map(str, _STATES)))),
            boot_id=fields.text("boot_id", _BOOT_ID),
            action=_action(fields.fields("action")) if fields.has("action") else None,
            slot=fields.one_of("slot", SLOTS) if fields.has("slot") else None,
            epoch=fields.integer("epoch"),
            director=_sighting(fields.fields("director")),
            seen=_sighting(fields.fields("seen")),
            seq=fields.integer("seq"),
            last=fields.text("last", _ACTION),
            last_result=_result(fields, "last_result"),
            last_reason=fields.text("last_reason", _ANY),
        )
        fields.end()
        return record


def _action_object(action: Action) -> dict[str, object]:
    return {
        "bundle": action.bundle,
        "entered": {str(state): count for state, count in action.entered.items()},
        "id": action.id,
        "kind": action.kind,
        "patches": [canonical.decode(one.pack()) for one in action.patches],
        "reason": action.reason[:REASON_MOST],
        "rejections": action.rejections,
        "seen": _sighting_object(action.seen),
        "target": action.target,
        **_known("desired", canonical.decode(action.desired.pack()) if action.desired else None),
        **_known("release", canonical.decode(action.release.pack()) if action.release else None),
        **_known("place", action.place),
        **_known("result", action.result),
        **({"confirmed": True} if action.is_confirmed else {}),
        **({"there": True} if action.is_there else {}),
    }


def _action(fields: Fields) -> Action:
    entered = fields.fields("entered")
    action = Action(
        id=fields.text("id", ID),
        kind=fields.one_of("kind", KINDS),
        target=fields.one_of("target", SLOTS),
        desired=Desired.unpack(_document(fields, "desired")) if fields.has("desired") else None,
        bundle=fields.text("bundle", _ANY),
        release=Release.unpack(_document(fields, "release")) if fields.has("release") else None,
        patches=_patches(fields.anything("patches")),
        seen=_sighting(fields.fields("seen")),
        entered={state: entered.integer(state) for state in _STATES if entered.has(state)},
        rejections=fields.integer("rejections"),
        place=fields.one_of("place", SLOTS) if fields.has("place") else None,
        is_there=fields.has("there") and fields.one_of("there", (True,)),
        is_confirmed=fields.has("confirmed") and fields.one_of("confirmed", (True,)),
        result=_result(fields, "result"),
        reason=fields.text("reason", _ANY),
    )
    entered.end()
    fields.end()
    return action


def _sighting_object(seen: Sighting) -> dict[str, object]:
    return {
        "keys": [key.hex() for key in seen.keys],
        "root_version": seen.root_version,
        "threshold": seen.threshold,
        "version": seen.version,
    }


def _sighting(fields: Fields) -> Sighting:
    seen = Sighting(
        fields.integer("version", most=_VERSION_MOST),
        fields.integer("root_version", most=_VERSION_MOST),
        tuple(bytes.fromhex(key) for key in fields.texts("keys", _MARK)),
        fields.integer("threshold"),
    )
    fields.end()
    return seen


def _patches(value: object) -> tuple[PatchSet, ...]:
    if not isinstance(value, list):
        raise FormatError("record: patches are no list")
    return tuple(PatchSet.unpack(canonical.encode(one)) for one in value)


def _document(fields: Fields, name: str) -> bytes:
    return canonical.encode(fields.anything(name))


def _result(fields: Fields, name: str) -> Result | None:
    if not fields.has(name):
        return None
    return Result(fields.one_of(name, tuple(map(str, _RESULTS))))


def _known(name: str, value: object) -> dict[str, object]:
    """Return a field, none if there is no value."""
    match value:
        case None:
            return {}
        case Result():
            return {name: str(value)}
        case _:
            return {name: value}
