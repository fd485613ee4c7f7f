"""Between the service `factory`, which has the serial line, and the agent, which has the key.

The service knows lines and no key; the agent takes whole requests, from a socket that only that
service is shown, and answers them as it answers `edge-agent identity`.
"""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from edge_agent import status
from edge_agent.factory.conversation import Answer
from edge_agent.status import StatusError, StatusSocket

logger = logging.getLogger(__name__)

SOCKET: Final = "identity.sock"
# The station waits longer for an answer.
_AGENT_S: Final = 20.0
_AGAIN_S: Final = 1.0


def opened(data: Path, folder: Path) -> StatusSocket | None:
    """Let the service ask the agent; None for a device whose image has no place for that.

    Args:
        data: The folder of the agent.
        folder: Where the socket is made.
    """

    def answer(said: Mapping[str, object]) -> Answer:
        # It takes half a second to load, on devices that are never asked.
        from edge_agent.factory.answers import answering

        found = answering(data)(said)
        logger.info("the factory asks: %.20r: %s", said.get("ask"), found.get("error", "done"))
        return found

    if not folder.is_dir():
        return None
    try:
        return StatusSocket(answer, folder, name=SOCKET, mode=0o666)
    except StatusError as error:
        logger.debug("%s", error)
        return None


def asking(
    folder: Path,
    *,
    clock_s: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
) -> Callable[[Mapping[str, Any]], Answer]:
    """Return what asks the agent, and waits for one that starts."""

    def answer(content: Mapping[str, Any]) -> Answer:
        end_s = clock_s() + _AGENT_S
        while True:
            try:
                return status.ask(content, folder, name=SOCKET, timeout_s=_AGENT_S)
            except StatusError as error:
                if clock_s() >= end_s:
                    logger.warning("%s", error)
                    return {"error": "the agent of this device does not answer"}
            pause(_AGAIN_S)

    return answer
