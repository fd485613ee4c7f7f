"""The launcher that holds services to their paths and ports, compiled for this host."""

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge import paths, process
from edge.system.service import builtin_folders, read_service
from tests.thoroughness import IN_CI

SOURCES = [
    paths.PROJECT / "device-agent" / "init" / "src" / name for name in ("confine.c", "bare.h")
]
CREATE_RULESET, ASK_VERSION = 444, 1  # of Linux, the same on all architectures
# Programs of the host that the tests run need its libraries, wherever they are.
SYSTEM = ["read:/usr", "read:/etc", "execute:/usr", "use:/dev"]


def flags() -> list[str]:
    """Return the options of the compiler that the image is made with."""
    (program,) = [
        one
        for one in read_service(builtin_folders()["init"]).packaging.build.c
        if "src/confine.c" in one.sources
    ]
    return list(program.flags)


def landlock_version() -> int:
    """Return that of the host's kernel, -1 if it has none."""
    return int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, ASK_VERSION))


# A person's own machine may be older; where everything is tested nothing is skipped in silence.
needs_landlock = pytest.mark.skipif(
    landlock_version() < 4 and not IN_CI, reason="the host has no Landlock 4"
)


@dataclass(frozen=True)
class Confine:
    """The program."""

    program: Path

    def __call__(
        self, *words: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env=env,
        )

    def shell(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self(*SYSTEM, *words, "--", "/usr/bin/sh", "-c", script)


def compiled(folder: Path, *options: str) -> Confine:
    """Compile it, as for the image but for `options`."""
    compiler = shutil.which("gcc")
    assert compiler, "gcc is not installed: run tools/setup"
    program = folder / "edge-confine"
    usual = ["-std=gnu17", "-Os", "-static", *flags()]
    process.run([compiler, *usual, *options, "-o", program, SOURCES[0]])
    return Confine(program)
