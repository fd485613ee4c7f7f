"""What waits to be fetched in one direction of a session: in order, until it is said to be there.

For one event loop; it knows no link and no time but how long somebody waits.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from edge_signing.terminal import parcels
from edge_signing.terminal.parcels import Kind, Parcel


class Mailbox:
    """Parcels of one direction.

    Args:
        session: Whose they are.
    """

    def __init__(self, session: str) -> None:
        self._session = session
        self._waiting: deque[Parcel] = deque()
        self._next = 0
        self._new = asyncio.Event()
        self.length_bytes = 0

    def put(self, kind: Kind, content: bytes = b"", number: int = 0) -> Parcel:
        """Keep something; return it with its number."""
        made = Parcel(self._session, self._next, kind, content, number)
        self._next += 1
        self._waiting.append(made)
        self.length_bytes += len(content)
        self._new.set()
        return made

    def wake(self) -> None:
        """End the waits that are under way."""
        self._new.set()

    def drop(self, up_to: int) -> None:
        """Forget what is there: all up to this number."""
        while self._waiting and self._waiting[0].n <= up_to:
            self.length_bytes -= len(self._waiting.popleft().content)

    async def take(self, after: int, wait_s: float) -> Sequence[Parcel]:
        """Return what came after a number, as much as goes into one message.

        Args:
            after: What is there already, which is forgotten here.
            wait_s: How long to wait if there is nothing.
        """
        self.drop(after)
        if not self._waiting and wait_s > 0:
            self._new.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._new.wait()
        return parcels.fitting([one for one in self._waiting if one.n > after])
