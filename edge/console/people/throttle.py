"""How often somebody may try to log in: pure, in bounded memory.

Three bounds, each against another attack, and none with which a stranger shuts a person out:

- by name and address: waits that grow, so that nobody guesses from one place;
- by address: the same later, so that nobody tries one password with many names;
- over all: a rate, so that nobody guesses from many places at once.

Where a person has logged in before only the first one counts, which nobody elsewhere can fill.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from edge.console.people.errors import TooOftenError

K = TypeVar("K")

_WAIT_MOST_S: Final = 900
_FORGOTTEN_S: Final = 86400
_KEPT_MOST: Final = 10_000
_NAME_MOST: Final = 130
_BITS: Final = {4: 32, 6: 56}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is allowed.

    Attributes:
        free: Failures by name and address before there is a wait.
        address_free: Failures by address.
        burst: Attempts over all at once, from places where the person was not before.
        per_s: How many more each second.
    """

    free: int = 5
    address_free: int = 20
    burst: int = 100
    per_s: float = 1.0


class Bucket:
    """A rate with a burst."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._most = burst
        self._per_s = per_s
        self._left = float(burst)
        self._at_s = 0

    def takes(self, now_s: int) -> bool:
        """Take one, if there is one."""
        passed_s = max(0, now_s - self._at_s) if self._at_s else 0
        self._left = min(self._most, self._left + passed_s * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Throttle:
    """The attempts of one console, for the thread of its event loop."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._pairs: _Failures[tuple[str, str]] = _Failures(self._bounds.free)
        self._places: _Failures[str] = _Failures(self._bounds.address_free)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._all = Bucket(self._bounds.burst, self._bounds.per_s)

    def begin(self, name: str, address: str, now_s: int) -> int:
        """Count an attempt as a failure until it is told to be none; return how many there are.

        Raises:
            TooOftenError: It must not be looked at now; it does not count.
        """
        place = prefix(address)
        pair = (name[:_NAME_MOST], place)
        is_known = pair in self._known
        wait_s = self._pairs.wait_s(pair, now_s)
        if not is_known:
            wait_s = max(wait_s, self._places.wait_s(place, now_s))
        if wait_s > 0:
            raise TooOftenError(wait_s)
        if not is_known:
            if not self._all.takes(now_s):
                raise TooOftenError(max(1, round(1 / self._bounds.per_s)))
            self._places.add(place, now_s)
        return self._pairs.add(pair, now_s)

    def succeeded(self, name: str, address: str) -> None:
        """Take it back that an attempt counts, and remember the place."""
        place = prefix(address)
        pair = (name[:_NAME_MOST], place)
        self._pairs.forget(pair)
        if pair not in self._known:
            # Only his own: with an account of his own nobody gets more attempts at others.
            self._places.take_back(place)
        _remember(self._known, pair)


class _Failures(Generic[K]):
    """Counts of failures; each one beyond the free ones doubles the wait."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._counts: OrderedDict[K, tuple[int, int]] = OrderedDict()

    def wait_s(self, key: K, now_s: int) -> int:
        count, at_s = self._count(key, now_s)
        over = count - self._free
        if over < 0:
            return 0
        return max(0, at_s + min(_WAIT_MOST_S, 1 << min(over, 20)) - now_s)

    def add(self, key: K, now_s: int) -> int:
        count = self._count(key, now_s)[0] + 1
        self._counts[key] = (count, now_s)
        self._counts.move_to_end(key)
        while len(self._counts) > _KEPT_MOST:
            self._counts.popitem(last=False)
        return count

    def take_back(self, key: K) -> None:
        count, at_s = self._counts.get(key, (0, 0))
        if count > 1:
            self._counts[key] = (count - 1, at_s)
        else:
            self.forget(key)

    def forget(self, key: K) -> None:
        self._counts.pop(key, None)

    def _count(self, key: K, now_s: int) -> tuple[int, int]:
        count, at_s = self._counts.get(key, (0, now_s))
        return (0, now_s) if now_s - at_s > _FORGOTTEN_S else (count, at_s)


def prefix(address: str) -> str:
    """Return what one client of a network can not leave: an address, of IPv6 its /56."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_NAME_MOST]
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, _BITS[found.version]), strict=False))


def _remember(known: OrderedDict[tuple[str, str], None], pair: tuple[str, str]) -> None:
    known[pair] = None
    known.move_to_end(pair)
    while len(known) > _KEPT_MOST:
        known.popitem(last=False)
