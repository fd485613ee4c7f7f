"""Ports of the loopback that nobody listens on, and that nobody is given by chance meanwhile.

A port from the range that the kernel gives to connections may be taken between two starts of a
server: by any connection of any program. These lie below it, and a process gets each one once.
"""

import random
import socket
from typing import Final

# Linux gives connections 32768 to 60999, unless it was told otherwise.
_RANGE: Final = range(18_000, 32_000)
_CHANCE: Final = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on."""
    while True:
        port = _CHANCE.choice(_RANGE)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, each another one."""
    return [free_port() for _number in range(count)]
