"""How many simulated devices behave how: as shares, or as percents of those that do not update."""

import re
from collections.abc import Mapping
from random import Random
from typing import Final

from edge.console.simulate.behaviour import Kind
from edge.errors import InputError
from edge.strict.text import suggestion

_SHARE: Final = re.compile(r"([a-z]+)=([0-9]{1,6})")
_PERCENT: Final = re.compile(r"([a-z]+)=([0-9]{1,3}(?:\.[0-9]{1,2})?)%?")
_PARTS: Final = 100
DEFAULT: Final[Mapping[Kind, int]] = {
    Kind.OK: 88,
    Kind.FAILS: 4,
    Kind.SILENT: 2,
    Kind.FLAPPING: 3,
    Kind.SLOW: 3,
}


def read_mix(text: str) -> dict[Kind, int]:
    """Return the shares that a text such as `ok=90,fails=10` names.

    Raises:
        InputError: It names none, or something else.
    """
    shares = {kind: int(count) for kind, count in _read(text, _SHARE, "ok=90,fails=10")}
    if not sum(shares.values()):
        raise InputError(f"{text!r}: no device would do anything")
    return shares


def read_faults(text: str) -> dict[Kind, int]:
    """Return the shares that a text such as `fails=8%,slow=5%` names; all others are ok.

    Raises:
        InputError: It is more than all, or names something else.
    """
    found = _read(text, _PERCENT, "fails=8%,slow=5%")
    shares = {kind: round(float(percent) * _PARTS) for kind, percent in found}
    rest = 100 * _PARTS - sum(shares.values())
    if rest < 0 or Kind.OK in shares:
        raise InputError(
            f"{text!r}: not a part of all devices", hint="name what goes wrong, 100% at most"
        )
    return {Kind.OK: rest, **shares}


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


def _read(text: str, pattern: re.Pattern[str], example: str) -> list[tuple[Kind, str]]:
    read: list[tuple[Kind, str]] = []
    for part in text.split(","):
        found = pattern.fullmatch(part.strip())
        if not found:
            raise InputError(f"{part!r} is no share", hint=f"write {example}")
        if found[1] not in set(Kind):
            hint = suggestion(found[1], list(Kind), what="behaviours")
            raise InputError(f"there is no behaviour {found[1]!r}", hint=hint)
        if any(kind == found[1] for kind, _said in read):
            raise InputError(f"{found[1]!r} is said twice")
        read.append((Kind(found[1]), found[2]))
    return read
