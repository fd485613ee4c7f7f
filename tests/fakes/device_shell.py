"""Scripts of the device on the host: the device's busybox, folders of a test, faked programs."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge import paths, toolbox

AGENT = paths.PROJECT / "device-agent"
TIMEOUT_S = 30
# What a script names from the root of the device lies below the test's folder instead.
_ROOTS = r"(?<![\w./}])/(?=(?:containers|data|dev/(?!null)|etc|proc|run|sys|usr/lib/edge|var)\b)"


@dataclass(frozen=True)
class Ended:
    """How a script ended and what it printed."""

    status: int
    out: str
    err: str


@dataclass
class DeviceShell:
    """A root folder in place of the device's, and the scripts that are run in it.

    Args:
        root: An empty folder.
        functions: Shell code ahead of each script: it stands in for programs that are part of
            busybox, which the device's shell finds before all others.
    """

    root: Path
    functions: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / "bin").mkdir(parents=True)
        for name in ("calls", "ready"):
            (self.root / name).touch()
        self.write("proc/uptime", "1000.00 900.00\n")

    def write(self, path: str, text: str) -> Path:
        """Write a file of the device."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def program(self, name: str, body: str = "") -> None:
        """Put a program on the PATH that notes how it was called, then runs `body`."""
        file = self.write(f"bin/{name}", f'#!/bin/sh\necho "{name} $*" >>"$CALLS"\n{body}\n')
        file.chmod(0o755)

    def calls(self) -> list[str]:
        """Return how programs were called since this was asked last."""
        lines = self.read("calls").splitlines()
        self.write("calls", "")
        return lines

    def installed(self, source: str, path: str) -> Path:
        """Put a script of `device-agent` where others start it."""
        text = (AGENT / source).read_text()
        text = text.replace("#!/usr/bin/busybox", f"#!{self.busybox}")
        file = self.write(path, re.sub(_ROOTS, f"{self.root}/", text))
        file.chmod((AGENT / source).stat().st_mode & 0o777)  # what an image takes over
        return file

    def start(self, source: str, *words: str, cwd: str = "") -> "subprocess.Popen[bytes]":
        """Start a script of `device-agent`; descriptor 3 is the file `ready` of the root."""
        script = self.installed(source, f"scripts/{source}")
        line = f'exec 3>>"{self.root}/ready"\n{self.functions}\n. "{script}"'
        out, err = (self.root / "out").open("wb"), (self.root / "err").open("wb")
        with out, err:
            return subprocess.Popen(
                [self.busybox, "sh", "-c", line, script.name, *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.root / cwd,
                env=self._environment,
                start_new_session=True,
            )

    def run(self, source: str, *words: str, cwd: str = "") -> Ended:
        """Run a script of `device-agent` to its end."""
        child = self.start(source, *words, cwd=cwd)
        try:
            status = child.wait(TIMEOUT_S)
        finally:
            end(child)
        return Ended(status, self.read("out"), self.read("err"))

    @property
    def busybox(self) -> str:
        """Return the device's shell on this machine."""
        return toolbox.tool("busybox")[0]

    @property
    def _environment(self) -> Mapping[str, str]:
        path = f"{self.root}/bin:{os.environ['PATH']}"
        return {"PATH": path, "CALLS": str(self.root / "calls"), **self.variables}


def end(child: "subprocess.Popen[bytes]") -> None:
    """End a script and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait for what a script brings about."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come in time"
        time.sleep(0.01)
