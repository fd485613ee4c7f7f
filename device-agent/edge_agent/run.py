"""The service `agent`: tells that it is ready, then runs the agent until it has to end.

Start-up is on the way of every boot, so the supervisor is told before anything is imported: what
the agent needs loads while the other services start.
"""

import os
import sys

READINESS_FD = 3  # where s6 waits for a line, with `ready: fd`


def main() -> int:
    """Run until SIGTERM and return the exit status."""
    tell_supervisor()
    return run_agent()


def tell_supervisor() -> None:
    """Tell s6 that this service is ready; a person who starts it by hand has no such descriptor."""
    try:
        os.write(READINESS_FD, b"\n")
        os.close(READINESS_FD)
    except OSError:
        return


def run_agent() -> int:
    """Run the agent of this device until SIGTERM, and return the exit status."""
    import logging
    import signal
    import threading

    from edge_agent import service
    from edge_agent.device import Places, Waker
    from edge_agent.errors import AgentError

    waker = Waker()
    # In a thread: a handler that asks for the lock of a wait that it interrupts would never get it.
    signal.signal(signal.SIGTERM, lambda *_words: threading.Thread(target=waker.end).start())
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        service.run(Places(), waker)
    except AgentError as error:
        sys.stderr.write(f"edge-agent: {error}\n")
        return 1
    return 0
