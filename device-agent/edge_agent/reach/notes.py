"""Which acts were begun, on the disk before they are done: none is done twice, whatever happens.

A note is written before the act and once more with its end. One that has no end is of an act that
a power cut, or an end of the agent, came into: it is told, and not done again.
"""

import logging
import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from edge_agent.errors import StoreError
from edge_agent.store import Files
from edge_signing import canonical
from edge_signing.commands import ACTING, ENDINGS, Command, Ending, Word
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.messages import ID

logger = logging.getLogger(__name__)

FILE: Final = "commands"
MOST: Final = 64
_FORMAT: Final = 1
_REASON: Final = re.compile(r"(?s:.{0,1000})")
_STATES: Final[tuple[Ending | Literal[""], ...]] = ("", *ENDINGS)


@dataclass(frozen=True, slots=True)
class Note:
    """An act that was asked for.

    Attributes:
        id: Of its command.
        boot_id: Of the start of the system in which it was begun.
        state: How it ended; empty while that is not known.
    """

    id: str
    word: Word
    boot_id: str
    state: Ending | Literal[""] = ""
    reason: str = ""

    @classmethod
    def take(cls, fields: Fields) -> "Note":
        """Return the note whose fields these are.

        Raises:
            FormatError: They are others.
        """
        return cls(
            fields.text("id", ID),
            fields.one_of("word", ACTING),
            fields.text("boot_id", ID),
            fields.one_of("state", _STATES),
            fields.text("reason", _REASON),
        )


class Notes:
    """The newest acts, oldest first.

    Args:
        files: Where they are kept.
        boot_id: Of this start of the system.
    """

    def __init__(self, files: Files, boot_id: str) -> None:
        self._files = files
        self._boot_id = boot_id
        self._notes = _read(files)

    def find(self, id_: str) -> Note | None:
        """Return the note of a command, None if it was not begun."""
        return next((one for one in self._notes if one.id == id_), None)

    def begin(self, command: Command) -> None:
        """Note that an act is begun; when this returns it is on the disk.

        Raises:
            StoreError: It can not be written; then nothing may be done.
        """
        made = Note(command.id, command.word, self._boot_id)
        self._write((*self._notes, made)[-MOST:])

    def end(self, id_: str, state: Ending, reason: str = "") -> None:
        """Note how an act ended.

        Raises:
            StoreError: It can not be written; that it was begun stays noted.
        """
        self._write(
            tuple(
                replace(one, state=state, reason=reason[:1000]) if one.id == id_ else one
                for one in self._notes
            )
        )

    def left_open(self) -> tuple[Note, ...]:
        """Return the acts that have no end, with what is known of it now."""
        return tuple(self._judged(one) for one in self._notes if not one.state)

    def _judged(self, note: Note) -> Note:
        is_new_start = note.boot_id != self._boot_id
        if note.word == "reboot" and is_new_start:
            return replace(note, state="done")
        what = "the system was started again" if is_new_start else "the agent ended"
        reason = f"{what} while it was done: it may have been, or not"
        return replace(note, state="failed", reason=reason)

    def _write(self, notes: tuple[Note, ...]) -> None:
        said = [
            {
                "boot_id": one.boot_id,
                "id": one.id,
                "reason": one.reason,
                "state": one.state,
                "word": one.word,
            }
            for one in notes
        ]
        self._files.write_atomic(FILE, canonical.encode({"format": _FORMAT, "notes": said}))
        self._notes = notes


def _read(files: Files) -> tuple[Note, ...]:
    try:
        data = files.read(FILE)
        if data is None:
            return ()
        fields = Fields(canonical.decode(data), FILE)
        fields.one_of("format", (_FORMAT,))
        found = fields.each("notes", Note.take)
        fields.end()
    except (StoreError, FormatError) as error:
        # Files are replaced whole, so this is a worn medium; what was asked before has expired.
        logger.warning("%s", error)
        return ()
    return found
