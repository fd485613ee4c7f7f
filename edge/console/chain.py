"""A log in which each entry holds the digest of the one before: what is changed or taken out shows.

Whoever keeps the newest digest elsewhere also sees when the end was cut off.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.errors import UntrustedError
from edge_signing import canonical

START: Final = "0" * 64
Details = dict[str, object]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that somebody did.

    Attributes:
        number: Counts from 1 in each tenant.
        at_s: When, seconds since 1970.
        actor: `token:<id>`, `device:<id>` or `console`.
        act: What, such as `device.accept`.
        subject: To whom, such as `device:unit-7`.
        details: What else there is to say.
        digest: Of all of it and of the entry before, in hex.
    """

    tenant: str
    number: int
    at_s: int
    actor: str
    act: str
    subject: str
    details: Details
    digest: str = ""

    def sealed(self, previous: str) -> str:
        """Return the digest that the entry has after another one."""
        said = {
            "act": self.act,
            "actor": self.actor,
            "at_s": self.at_s,
            "details": self.details,
            "number": self.number,
            "previous": previous,
            "subject": self.subject,
            "tenant": self.tenant,
        }
        return hashlib.sha256(canonical.encode(said)).hexdigest()


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest entry of a chain that holds: its number and digest."""

    number: int = 0
    digest: str = START


def verified(entries: Iterable[Entry], after: Tip | None = None) -> Tip:
    """Return the tip of a chain, after every entry was checked.

    Args:
        entries: All of one tenant, in order.
        after: What was verified before, when these go on from there.

    Raises:
        UntrustedError: An entry is missing, or not the one that was written.
    """
    tip = after or Tip()
    for entry in entries:
        if entry.number != tip.number + 1:
            raise UntrustedError(f"audit: entry {tip.number + 1} is missing before {entry.number}")
        if entry.sealed(tip.digest) != entry.digest:
            raise UntrustedError(f"audit: entry {entry.number} is not the one that was written")
        tip = Tip(entry.number, entry.digest)
    return tip
