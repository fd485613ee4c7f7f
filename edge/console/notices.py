"""What changes, told at once to those who look: which thing, never its content.

Who listens asks again for what he looks at. So nothing is told that he may not see, and a listener
that is slow misses no change: the same thing told twice is one notice.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

KEPT_MOST: Final = 500


class Topic(StrEnum):
    """What kind of thing has changed."""

    DEVICE = "device"
    RELEASE = "release"
    GROUP = "group"
    HOOK = "hook"
    ENROLMENT = "enrolment"
    PERSON = "person"
    CAMPAIGN = "campaign"
    FACTORY = "factory"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something has changed.

    Attributes:
        subject: Its id; empty when so many have changed that they are not told one by one.
    """

    topic: Topic
    subject: str = ""


class Ear:
    """What one listener has not heard yet."""

    def __init__(self) -> None:
        self._kept: dict[Notice, None] = {}
        self._new = asyncio.Event()

    async def hear(self) -> list[Notice]:
        """Return what has changed since the last time; wait until something has."""
        await self._new.wait()
        self._new.clear()
        kept, self._kept = self._kept, {}
        return list(kept)

    def keep(self, notice: Notice) -> None:
        """Keep a notice until it is heard."""
        if len(self._kept) >= KEPT_MOST:
            self._kept = {Notice(topic): None for topic in {one.topic for one in self._kept}}
        whole = Notice(notice.topic)
        self._kept[whole if whole in self._kept else notice] = None
        self._new.set()


class Notices:
    """The listeners of one console, for the thread of its event loop."""

    def __init__(self) -> None:
        self._ears: dict[str, set[Ear]] = {}

    def tell(self, tenant: str, topic: Topic, subject: str) -> None:
        """Tell all who listen for a tenant that something of it has changed."""
        for ear in self._ears.get(tenant, ()):
            ear.keep(Notice(topic, subject))

    def listeners(self, tenant: str) -> int:
        """Return how many listen for a tenant."""
        return len(self._ears.get(tenant, ()))

    @contextmanager
    def listening(self, tenant: str) -> Iterator[Ear]:
        """Listen for a tenant until the block ends."""
        ear = Ear()
        ears = self._ears.setdefault(tenant, set())
        ears.add(ear)
        try:
            yield ear
        finally:
            ears.discard(ear)
            if not ears:
                self._ears.pop(tenant, None)
