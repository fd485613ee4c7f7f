"""The service `support` of a device: the real one, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.source_tree import PROJECT

PROGRAM = PROJECT / "tests/agent/terminal/house.py"
DEVICE = {"board": "qemu", "clock_s": 0, "counter": 1, "format": 1, "product": "p", "version": "1"}
SHELL = ["/bin/sh"]


@dataclass
class House:
    """Where a service is.

    Attributes:
        folder: Of its socket.
        data: Of the grants that were used.
    """

    folder: Path
    etc: Path
    data: Path
    pid: int = 0

    @classmethod
    def make(cls, base: Path, terminal: object, *, http: str = "", clock_s: int = 0) -> "House":
        """Write the settings of an image."""
        made = cls(base / "run", base / "etc", base / "data")
        for one in (made.etc, made.data):
            one.mkdir(parents=True, exist_ok=True)
        reach = {"terminal": terminal} if terminal else {}
        settings = {"reach": reach, **({"http": http} if http else {})}
        (made.etc / "agent.json").write_text(json.dumps(settings))
        device = json.dumps({**DEVICE, "clock_s": clock_s}, separators=(",", ":"))
        (made.etc / "device.json").write_text(device)
        return made


@contextmanager
def running(house: House, user: int | None = None) -> Iterator[House]:
    """Run the service.

    Args:
        user: As whom it runs shells; None for this one.
    """
    path = os.pathsep.join(str(PROJECT / one) for one in (".", "device-agent", "signing"))
    words = [sys.executable, str(PROGRAM), str(house.folder), str(house.etc), str(house.data)]
    words.append("" if user is None else str(user))
    environment = {**os.environ, "PYTHONPATH": path}
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"ready\n"
        house.pid = child.pid
        yield house
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
