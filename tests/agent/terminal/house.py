"""The service `support` in a process of its own, with folders of a test.

Arguments: the folder of the socket, `/etc/edge`, that of the used grants, and the user of shells.
"""

import logging
import sys
from pathlib import Path

from edge_agent.terminal import service


def main() -> None:
    folder, etc, data = (Path(one) for one in sys.argv[1:4])
    user = int(sys.argv[4]) if sys.argv[4] else None
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    with service.listening(folder) as door:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        service.wait(door, user=user, etc=etc, data=data)


main()
