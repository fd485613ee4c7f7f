"""What a console does again and again beside all else, until it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from edge.errors import EdgeError
from edge_signing.errors import SigningError

logger = logging.getLogger(__name__)

FORESEEN: Final = (EdgeError, SigningError, OSError)
_END_S: Final = 0.5


@asynccontextmanager
async def repeating(
    every_s: float,
    act: Callable[[], Awaitable[object]],
    *,
    name: str = "",
    foreseen: tuple[type[Exception], ...] = FORESEEN,
) -> AsyncIterator[None]:
    """Do something again and again, whatever it comes to.

    Args:
        every_s: How long to wait after each time.
        act: What is done; it may go on as long as all is well.
        name: Of it, in what is logged.
        foreseen: Errors that are told in a line.
    """

    async def repeat() -> None:
        while True:
            try:
                await act()
            except foreseen as error:
                logger.warning("%s", error)
            # What nobody thought of is to cost one time, not all that follow.
            except Exception:
                logger.exception("%sagain in %s s", f"{name}: " if name else "", every_s)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        # Again and again: `asyncio.wait_for` of Python 3.11 may swallow it.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_END_S)
