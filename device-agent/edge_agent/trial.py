"""Prove a started slot healthy, then commit it: until then each start costs it a try."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from edge_agent.boot.control import BootControl

logger = logging.getLogger(__name__)

READINESS_FD = 3  # where s6 waits for a line, with `ready: fd`
POLL_S = 0.5


def tell_supervisor() -> None:
    """Tell s6 that this service is ready."""
    os.write(READINESS_FD, b"\n")
    os.close(READINESS_FD)


def run(
    control: BootControl,
    *,
    ready: Path,
    notify: Callable[[], None],
    stop: threading.Event,
) -> None:
    """Commit the slot when all services are ready, then stay until stopped.

    Args:
        control: The boot state.
        ready: A file that appears when all services of the system are ready.
        notify: Called once when the agent itself is ready.
        stop: Ends the wait.

    Raises:
        BootStateError: The state cannot be read or written.
    """
    logger.info("slot %s, boot state %s", control.current(), control.state())
    notify()
    while not ready.exists():
        if stop.wait(POLL_S):
            return
    control.commit()
    logger.info("all services are ready: slot %s committed", control.current())
    stop.wait()
