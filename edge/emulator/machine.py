"""A running virtual machine: its console as lines, its power as a switch."""

import contextlib
import os
import re
import selectors
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edge import process, toolbox
from edge.emulator.command import Options, fitting, qemu_arguments
from edge.errors import LinkError, ToolError
from edge.image import profile as profiles

QEMU = "qemu-system-aarch64"
PROMPT = "edge# "
DISK_MIB = 2048  # larger than any image: a new card is, and the data partition must grow
_PIECE_BYTES = 65536
_PRINTK = "/proc/sys/kernel/printk"
_HUSH = f'[ -n "$LOUD" ] || read -r LOUD <{_PRINTK}; echo 1 2>/dev/null >{_PRINTK}'
_SPEAK = f'echo "$LOUD" 2>/dev/null >{_PRINTK}'


class Machine:
    """One QEMU process whose console we hold.

    Args:
        argv: The command that starts it.
        log: Called with each piece of console text as it comes.
    """

    def __init__(self, argv: list[str], *, log: Callable[[str], object] | None = None) -> None:
        self._process = process.start(argv, piped=True)
        self._log = log
        self._seen = 0
        self.text = ""

    @property
    def running(self) -> bool:
        """Whether the machine is on."""
        return self._process.poll() is None

    def send(self, text: str) -> None:
        """Type text on the console."""
        if self._process.stdin is not None:
            self._process.stdin.write(text.encode())

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Return the next match of a pattern in the console text that was not looked at yet.

        Raises:
            LinkError: It did not come in time.
            ToolError: The machine went off before it came.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            if found := re.compile(pattern).search(self.text, self._seen):
                self._seen = found.end()
                return found
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise LinkError(f"no {pattern!r} on the console after {timeout_s} s{self._tail()}")
            if not self._read(left_s) and not self.running:
                raise ToolError(f"the machine went off before {pattern!r} came{self._tail()}")

    def command(self, line: str, timeout_s: float = 30) -> str:
        """Run a shell command on the console (service `console`) and return what it printed.

        Meanwhile the kernel says nothing on the console, which would stand in the midst of it.
        """
        number = len(self.text)
        # Quotes in the marks keep the echo of what we type from looking like what is printed.
        self.send(f"{_HUSH}; echo be''gin-{number}; {line}; echo e''nd-{number}; {_SPEAK}\n")
        self.wait_for(rf"begin-{number}\r?\n", timeout_s)
        start = self._seen
        end = self.wait_for(rf"end-{number}\r?\n", timeout_s)
        return self.text[start : end.start()].replace("\r", "")

    def listen(self, time_s: float) -> None:
        """Take what the console says for a while, or until the machine goes off.

        Raises:
            ToolError: It went off.
        """
        deadline_s = time.monotonic() + time_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            if not self._read(left_s) and not self.running:
                raise ToolError(f"the machine went off{self._tail()}")

    def lines(self, timeout_s: float | None = None) -> Iterator[str]:
        """Give console lines until the machine goes off.

        Raises:
            LinkError: It was still on after `timeout_s`.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            while (end := self.text.find("\n", self._seen)) >= 0:
                line = self.text[self._seen : end].rstrip("\r")
                self._seen = end + 1
                yield line
            left_s = 3600.0 if deadline_s is None else deadline_s - time.monotonic()
            if left_s <= 0:
                raise LinkError(f"still running after {timeout_s} s")
            if not self._read(left_s) and not self.running:
                return

    def cut_power(self) -> None:
        """Switch it off as a pulled plug does."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def wait_off(self, timeout_s: float) -> None:
        """Wait until it has switched itself off.

        Raises:
            LinkError: It was still on after `timeout_s`.
        """
        for _line in self.lines(timeout_s):
            pass

    def _read(self, timeout_s: float) -> bool:
        output = self._process.stdout
        if output is None:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                return False
        piece = os.read(output.fileno(), _PIECE_BYTES).decode(errors="replace")
        self.text += piece
        if self._log and piece:
            self._log(piece)
        return bool(piece)

    def _tail(self) -> str:
        lines = self.text.replace("\r", "").splitlines()[-12:]
        return "".join(f"\n  | {line}" for line in lines)


def arguments(build: Path, disk: Path, options: Options) -> list[str]:
    """Return the whole command that plays a build folder with a disk.

    Raises:
        ThingNotFoundError: `build` is no build folder.
        ToolError: QEMU is missing.
    """
    profile = fitting(profiles.read(build), os.cpu_count() or 1)
    folder = build / profiles.FOLDER
    words = qemu_arguments(profile, folder, disk, options)
    return [*toolbox.tool(QEMU), "-L", str(toolbox.qemu_data()), *words]


def make_disk(build: Path, disk: Path, *, size_mib: int = DISK_MIB) -> None:
    """Copy the disk image, sparse, as if written to a card of `size_mib` or more.

    Raises:
        ThingNotFoundError: `build` is no build folder.
    """
    profiles.read(build)
    process.run(["cp", "--sparse=always", build / "disk.img", disk])
    with disk.open("r+b") as stream:
        stream.truncate(max(size_mib << 20, disk.stat().st_size))
    fit_disk(build, disk)


def fit_disk(build: Path, disk: Path) -> None:
    """Grow a disk file to a size that the emulated board takes."""
    size_bytes = disk.stat().st_size
    if profiles.read(build).power_of_two and size_bytes.bit_count() != 1:
        with disk.open("r+b") as stream:
            stream.truncate(1 << size_bytes.bit_length())


@contextmanager
def running(
    build: Path,
    *,
    disk: Path | None = None,
    options: Options | None = None,
    log: Callable[[str], object] | None = None,
) -> Iterator[Machine]:
    """Play a build, console piped to us, and switch it off at the end.

    Args:
        build: The folder that `edge build` made.
        disk: A disk from `make_disk`; a fresh one, thrown away after, when None.
        options: On top of the profile.
        log: Gets the console text as it comes.
    """
    with tempfile.TemporaryDirectory(prefix="edge-run-") as name:
        if disk is None:
            disk = Path(name) / "disk.img"
            make_disk(build, disk)
        chosen = replace(options or Options(), serial="stdio")
        machine = Machine(arguments(build, disk, chosen), log=log)
        try:
            yield machine
        finally:
            machine.cut_power()


def attach(build: Path, disk: Path, options: Options) -> int:
    """Play a build with the user's own terminal as console; return QEMU's exit status."""
    child = process.start(arguments(build, disk, options), piped=False)
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        return child.wait()
