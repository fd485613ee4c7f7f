"""The service `agent`: ready at once, healthy when all services are, then it commits the slot.

Start-up is on the way of every boot, so only what waiting takes is imported before the supervisor
is told; libraries come after.
"""

import os
import signal
import sys
import threading

READINESS_FD = 3  # where s6 waits for a line, with `ready: fd`


def main() -> int:
    """Run until SIGTERM and return the exit status."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    tell_supervisor()
    return wait_and_commit(stop)


def tell_supervisor() -> None:
    """Tell s6 that this service is ready."""
    os.write(READINESS_FD, b"\n")
    os.close(READINESS_FD)


def wait_and_commit(stop: threading.Event) -> int:
    """Commit the slot once the system is healthy, stay until `stop`, return the exit status."""
    import logging

    from edge_agent import trial
    from edge_agent.errors import AgentError

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        trial.run(trial.device_control(), ready=trial.READY, stop=stop)
    except AgentError as error:
        sys.stderr.write(f"edge-agent: {error}\n")
        return 1
    return 0
