"""What a simulated device does with an order: the steps, by its kind and its luck.

Pure: the generator of chance is an argument, so the same seed does the same.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from edge.errors import InputError
from edge.strict.text import suggestion
from edge_agent.machine import Result, State

IMAGE_BYTES: Final = 32 << 20
_PIECES: Final = 4
_SLOW: Final = 10.0
_REBOOT_S: Final = 5.0
_TRIAL_S: Final = 10.0
_SHARE: Final = re.compile(r"([a-z]+)=([0-9]{1,6})")
_REASONS: Final = {
    State.CHECKING: "the metadata is not signed by enough keys",
    State.INSTALLING: "b: 4096 bytes at 65536 can not be written: Input/output error",
    State.VERIFYING: "b: reads back as another one",
    State.TRIAL: "app: not ready after 300 s",
}


class Kind(StrEnum):
    """How a device behaves."""

    OK = "ok"  # updates
    FAILS = "fails"  # reports that it could not, or fell back
    SILENT = "silent"  # restarts into the update, and is never heard again
    FLAPPING = "flapping"  # updates, and loses its link again and again
    SLOW = "slow"  # updates, and takes ten times as long


DEFAULT: Final[Mapping[Kind, int]] = {
    Kind.OK: 88,
    Kind.FAILS: 4,
    Kind.SILENT: 2,
    Kind.FLAPPING: 3,
    Kind.SLOW: 3,
}


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of an update.

    Attributes:
        after_s: How long it takes to get there.
        done_bytes: What has been written.
        is_restart: The link is lost, and the device comes back as another start.
        is_break: The link is lost, and found again.
        result: How the action ended, if it did.
    """

    after_s: float
    state: State
    done_bytes: int = 0
    is_restart: bool = False
    is_break: bool = False
    result: Result | None = None
    reason: str = ""


def steps(kind: Kind, chance: Random) -> Iterator[Step]:
    """Yield the steps of one update; those of a silent device end with its restart."""
    fails_in = chance.choice(list(_REASONS)) if kind is Kind.FAILS else None
    for step in _whole(_SLOW if kind is Kind.SLOW else 1.0, chance):
        is_break = kind is Kind.FLAPPING and not step.is_restart and chance.random() < 0.5
        if step.state is fails_in and step.done_bytes in (0, IMAGE_BYTES):
            yield Step(step.after_s, step.state, step.done_bytes)
            reason = _REASONS[step.state]
            if step.state is State.TRIAL:
                yield Step(_REBOOT_S, State.REVERTING, IMAGE_BYTES, is_restart=True)
            yield Step(0.0, State.REPORTING, 0, result=Result.FAILED, reason=reason)
            return
        yield Step(
            step.after_s,
            step.state,
            step.done_bytes,
            is_restart=step.is_restart,
            is_break=is_break,
            result=step.result,
        )
        if kind is Kind.SILENT and step.is_restart:
            return


def _whole(factor: float, chance: Random) -> Iterator[Step]:
    def took(seconds: float) -> float:
        return seconds * factor * (0.5 + chance.random())

    yield Step(took(1), State.CHECKING)
    for piece in range(_PIECES + 1):
        yield Step(took(5), State.INSTALLING, IMAGE_BYTES * piece // _PIECES)
    yield Step(took(2), State.VERIFYING, IMAGE_BYTES)
    yield Step(took(_REBOOT_S), State.REBOOTING, IMAGE_BYTES, is_restart=True)
    yield Step(took(1), State.TRIAL, IMAGE_BYTES)
    yield Step(took(_TRIAL_S), State.COMMITTING, IMAGE_BYTES)
    yield Step(0.0, State.REPORTING, 0, result=Result.SUCCEEDED)


def read_mix(text: str) -> dict[Kind, int]:
    """Return the shares that a text such as `ok=90,fails=10` names.

    Raises:
        InputError: It names none, or something else.
    """
    shares: dict[Kind, int] = {}
    for part in text.split(","):
        found = _SHARE.fullmatch(part.strip())
        if not found:
            raise InputError(f"{part!r} is no share", hint="write ok=90,fails=10")
        if found[1] not in set(Kind):
            hint = suggestion(found[1], list(Kind), what="behaviours")
            raise InputError(f"there is no behaviour {found[1]!r}", hint=hint)
        shares[Kind(found[1])] = int(found[2])
    if not sum(shares.values()):
        raise InputError(f"{text!r}: no device would do anything")
    return shares


def kinds(count: int, shares: Mapping[Kind, int], chance: Random) -> list[Kind]:
    """Return a kind for each device: as many of each as their share, in a random order."""
    total = sum(shares.values())
    found: list[Kind] = []
    so_far = 0
    for kind, share in shares.items():
        so_far += share
        found += [kind] * (count * so_far // total - len(found))
    chance.shuffle(found)
    return found
