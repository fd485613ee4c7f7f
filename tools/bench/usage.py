"""What programs of the benchmarks take: wall and processor seconds, and peak memory."""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import process
from edge.errors import ToolError

LAUNCH = Path(__file__).with_name("launch.py")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took; `cpu_s` and `rss_bytes` are of the program with all that it started."""

    wall_s: float
    cpu_s: float
    rss_bytes: int

    def __str__(self) -> str:
        return f"{self.wall_s:.2f} s wall, {self.cpu_s:.2f} s CPU, {self.rss_bytes / MIB:.0f} MiB"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a program printed, and what it took."""

    stdout: bytes
    usage: Usage


def measured(
    argv: Sequence[str | Path],
    *,
    output: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Measured:
    """Run a program alone and return what it took.

    Args:
        argv: The program and its arguments.
        output: The file that gets what it prints; else that is returned.
        env: Variables on top of our own.
        cwd: The folder to run it in.

    Raises:
        ToolError: It is missing or ended badly.
    """
    if not shutil.which(str(argv[0])):
        raise ToolError(f"{argv[0]}: program not found")
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as scratch:
        report = Path(scratch) / "usage.json"
        launch = (sys.executable, "-I", "-S", LAUNCH, report, output or "-")
        done = process.run((*launch, *argv), env=env, cwd=cwd)
        return Measured(done.stdout, Usage(**json.loads(report.read_text())))
