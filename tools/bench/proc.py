"""What the kernel says of a process that runs. Source: proc(5)."""

import os
from pathlib import Path
from typing import Final

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Return processor seconds of a process and of those that it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS_A_SECOND


def memory_bytes(pid: int) -> int:
    """Return how much is in memory now."""
    return int(_field(Path(f"/proc/{pid}/status"), "VmRSS").split()[0]) << 10


def peak_bytes(pid: int) -> int:
    """Return the most that was in memory since the program began."""
    return int(_field(Path(f"/proc/{pid}/status"), "VmHWM").split()[0]) << 10


def wakes(pid: int) -> int:
    """Return how often the threads of a process went to sleep by themselves."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int(_field(one / "status", "voluntary_ctxt_switches")) for one in threads)


def _field(file: Path, name: str) -> str:
    lines = file.read_text().splitlines()
    return next(line.partition(":")[2] for line in lines if line.startswith(f"{name}:"))
