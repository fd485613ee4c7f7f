"""Many devices let in at once, with what people say of them: all of a list, or nothing of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row

from edge.console.audit import Actor
from edge.console.devices import groups, labels, registry
from edge.console.devices.roster import Entry
from edge.console.devices.states import State
from edge.errors import EdgeError, RefusedError, ThingNotFoundError


class EntryError(EdgeError):
    """A device of a list can not be let in so.

    Attributes:
        index: Its place in the list, from 0.
        cause: Why.
    """

    def __init__(self, index: int, cause: EdgeError) -> None:
        super().__init__(str(cause), hint=cause.hint)
        self.index = index
        self.cause = cause


class TrialError(EdgeError):
    """All would have gone well: raised to take back what was tried.

    Attributes:
        found: What would have been done.
    """

    def __init__(self, found: "Imported") -> None:
        super().__init__("a trial")
        self.found = found


@dataclass(frozen=True, slots=True)
class Imported:
    """What a list did.

    Attributes:
        new: Devices that were not known.
        known: Devices that were; what the list says of them was added.
    """

    new: int
    known: int


def take(connection: Connection, actor: Actor, entries: Sequence[Entry]) -> Imported:
    """Register the devices of a list, and add tags, groups, attributes and notes.

    Raises:
        EntryError: One of them can not be taken; nothing of the list is to be kept.
    """
    new = 0
    for index, entry in enumerate(entries):
        try:
            new += _take(connection, actor, entry)
        except EdgeError as error:
            raise EntryError(index, error) from error
    return Imported(new, len(entries) - new)


def _take(connection: Connection, actor: Actor, entry: Entry) -> bool:
    row = _known(connection, actor, entry.device)
    if row is None:
        fingerprint = bytes.fromhex(entry.certificate) if entry.certificate else None
        registry.register(connection, actor, entry.device, fingerprint)
    else:
        _require_same(row, entry)
    if entry.tags:
        labels.tag(connection, actor, entry.device, add=entry.tags)
    if entry.attributes:
        labels.set_attributes(connection, actor, entry.device, dict(entry.attributes))
    if entry.notes:
        labels.set_notes(connection, actor, entry.device, entry.notes)
    for group in entry.groups:
        groups.change_members(connection, actor, group, add=[entry.device])
    return row is None


def _known(connection: Connection, actor: Actor, device: str) -> Row[tuple[object, ...]] | None:
    try:
        return registry.get(connection, actor.tenant, device)
    except ThingNotFoundError:
        return None


def _require_same(row: Row[tuple[object, ...]], entry: Entry) -> None:
    if row.state != State.ACCEPTED:
        raise RefusedError(f"{entry.device} is {row.state}", hint="edge devices accept lets it in")
    if entry.certificate and row.fingerprint not in (None, entry.certificate):
        raise RefusedError(
            f"{entry.device} has another certificate: {row.fingerprint}",
            hint="edge devices re-enrol gives it another one",
        )
