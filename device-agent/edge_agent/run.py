"""The service `agent`: waits until the system is healthy, then commits the slot.

Start-up is on the way of every boot, so the supervisor is told before anything is imported: from
then on the agent waits, and what it needs for the rest loads meanwhile.
"""

import os
import sys

READINESS_FD = 3  # where s6 waits for a line, with `ready: fd`


def main() -> int:
    """Run until SIGTERM and return the exit status."""
    tell_supervisor()
    return wait_and_commit()


def tell_supervisor() -> None:
    """Tell s6 that this service is ready."""
    os.write(READINESS_FD, b"\n")
    os.close(READINESS_FD)


def wait_and_commit() -> int:
    """Commit the slot once the system is healthy, stay until SIGTERM, return the exit status."""
    import logging
    import signal
    import threading

    from edge_agent import trial
    from edge_agent.errors import AgentError

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        trial.run(trial.device_control(), ready=trial.READY, stop=stop)
    except AgentError as error:
        sys.stderr.write(f"edge-agent: {error}\n")
        return 1
    return 0
