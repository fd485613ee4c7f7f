"""What a flash job tells while it runs; `docs/flash.md` has the same as JSON lines."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What a job is doing; the names are part of the JSON lines and never change."""

    CONNECT = "connect"
    ERASE = "erase"
    WRITE = "write"
    VERIFY = "verify"
    EJECT = "eject"


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a phase is: `done_bytes` of `total_bytes`, skipped bytes counted as done."""

    phase: Phase
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the user about something that is no error: a retry, a resume, an estimate."""

    phase: Phase
    text: str


Event = Advance | Note


Listener = Callable[[Event], None]
"""Whoever wants to know; it returns soon, and what it raises ends the job."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a job did.

    Attributes:
        written_bytes: What was sent to the target in this run.
        skipped_bytes: What was there already: an earlier run wrote it.
        verified_bytes: What was read back and compared.
        rewritten_bytes: What had to be written again, as it read back otherwise.
    """

    written_bytes: int
    skipped_bytes: int
    verified_bytes: int
    rewritten_bytes: int = 0
