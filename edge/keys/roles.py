"""The roles of a key ring: how many keys each has, how many must sign, how long that holds.

Source: research/fleet.md §5 (after the Uptane deployment guide): root 3 of 5, images 2 of 3, both
offline; snapshot, timestamp and director one key each, online.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_signing.trust.names import DIRECTOR, RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP

ONLINE = frozenset((SNAPSHOT, TIMESTAMP, DIRECTOR))
_DAYS = {ROOT: 365, TARGETS: 365, SNAPSHOT: 7, TIMESTAMP: 1, DIRECTOR: 1}
_RELEASE_DAYS = 365
_ROOT_SHARE = (3, 5)
_OFFLINE_SHARE = (2, 3)
_ALONE = (1, 1)


@dataclass(frozen=True, slots=True)
class Role:
    """What a ring says of a role.

    Attributes:
        keys: The names of its keys.
        threshold: How many of them must sign.
        expires_days: How long a signature holds.
    """

    keys: tuple[str, ...]
    threshold: int
    expires_days: int


def delegations(products: Sequence[str]) -> tuple[str, ...]:
    """Return the roles that sign releases: one a product, or one for any."""
    return tuple(products) or (RELEASE,)


def all_roles(products: Sequence[str]) -> tuple[str, ...]:
    """Return all roles of a ring, the one that vouches for the others first."""
    return (ROOT, TARGETS, *delegations(products), SNAPSHOT, TIMESTAMP, DIRECTOR)


def share(role: str, *, production: bool) -> tuple[int, int]:
    """Return how many keys of how many must sign."""
    if not production or role in ONLINE:
        return _ALONE
    return _ROOT_SHARE if role == ROOT else _OFFLINE_SHARE


def expiry_days(role: str) -> int:
    """Return how long a signature of a role holds."""
    return _DAYS.get(role, _RELEASE_DAYS)


def key_names(role: str, count: int, taken: Mapping[str, object]) -> tuple[str, ...]:
    """Return names for new keys of a role that no key has yet."""
    own = re.compile(rf"{re.escape(role)}(?:-[0-9]+)?")
    if count == 1 and not any(own.fullmatch(name) for name in taken):
        return (role,)
    first = 2 if role in taken else 1
    numbers = range(first, first + len(taken) + count)
    free = (f"{role}-{number}" for number in numbers)
    return tuple([name for name in free if name not in taken][:count])
