"""Prove a started slot healthy, then commit it: until then each start costs it a try."""

import logging
import threading
from pathlib import Path

from edge_agent.boot.control import BootControl
from edge_agent.boot.uboot import SyncedFile, UbootControl

logger = logging.getLogger(__name__)

BOOT_STATE = Path("/dev/edge/bootstate")
COMMAND_LINE = Path("/proc/cmdline")
READY = Path("/run/edge/ready")  # init makes it when all services are ready
POLL_S = 0.5


def device_control() -> UbootControl:
    """Return the boot control of the device that this runs on.

    Raises:
        BootStateError: The kernel was started without a slot.
    """
    return UbootControl(SyncedFile(BOOT_STATE), command_line=COMMAND_LINE.read_text())


def run(control: BootControl, *, ready: Path, stop: threading.Event) -> None:
    """Commit the slot when all services are ready, then stay until stopped.

    Args:
        control: The boot state.
        ready: A file that appears when all services of the system are ready.
        stop: Ends the wait.

    Raises:
        BootStateError: The state cannot be read or written.
    """
    logger.info("slot %s, boot state %s", control.current(), control.state())
    while not ready.exists():
        if stop.wait(POLL_S):
            return
    control.commit()
    logger.info("all services are ready: slot %s committed", control.current())
    stop.wait()
