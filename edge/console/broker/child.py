"""Mosquitto as a child: it ends with us, and comes back when it ends alone."""

import asyncio
import ctypes
import logging
import random
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from edge.console.broker import lines
from edge.console.broker.lines import Connected, Line, Reloading, Running
from edge.errors import ToolError
from edge.process import LAST_WORDS
from edge_agent.backoff import Backoff

logger = logging.getLogger(__name__)

START_S: Final = 20.0
# One that has just begun to run forgets the signal (Mosquitto 2.0.21), so it is sent again.
STOP_S: Final = 0.5
STOP_ATTEMPTS: Final = 10
RELOAD_S: Final = 20.0
_GOOD_S: Final = 60.0
_LINE_MOST_BYTES: Final = 64 << 10
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


class Child:
    """One Mosquitto, kept running from `start` to `stop`. For one event loop.

    Attributes:
        starts: How often it was started.
        running: Set while it takes connections.

    Args:
        words: That start it.
        hear: Called with what its log says.
        backoff: How long to wait before it is started again.
    """

    def __init__(
        self,
        words: Sequence[str],
        hear: Callable[[Line], None],
        *,
        backoff: Backoff | None = None,
    ) -> None:
        self.starts = 0
        self._words = list(words)
        self._hear = hear
        self._backoff = backoff or Backoff(random.SystemRandom().random, first_s=0.5, most_s=30)
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self.running = asyncio.Event()
        self._reloading = asyncio.Event()
        self._is_restarting = False
        self._last_words: list[str] = []

    @property
    def pid(self) -> int:
        """The id of its process; 0 for none."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start it; return when it takes connections.

        Raises:
            ToolError: It is missing, or does not start.
        """
        process = await self._start()
        self._reading = asyncio.create_task(self._forward(process))
        waiting = asyncio.create_task(self.running.wait())
        either = {waiting, self._reading}
        try:
            await asyncio.wait(either, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self.running.is_set():
            self._keeping = asyncio.create_task(self._keep(process))
        else:
            await self.stop()
            said = "".join(f"\n  {line}" for line in self._last_words)
            raise ToolError(f"mosquitto does not start{said}")

    async def stop(self) -> None:
        """End it, and wait until it has."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
        process, self._process = self._process, None
        if process is None:
            return
        await _end(process)
        if self._reading is not None:
            await self._reading
        self.running.clear()

    async def reload(self) -> None:
        """Let it read its rules and lists again; return when it begins to, before all else.

        One that is down reads them when it starts.

        Raises:
            ToolError: It does not say that it does.
        """
        process = self._process
        if process is None or process.returncode is not None or not self.running.is_set():
            return
        self._reloading.clear()
        process.send_signal(signal.SIGHUP)
        try:
            await asyncio.wait_for(self._reloading.wait(), RELOAD_S)
        except TimeoutError as error:
            if process.returncode is None:
                raise ToolError("mosquitto does not read its files again") from error

    async def restart(self) -> None:
        """End it, and return when it takes connections again.

        Raises:
            ToolError: It does not come back in time; it is still tried.
        """
        process = self._process
        if process is None:
            return
        self._is_restarting = True
        self.running.clear()
        await _end(process)
        try:
            await asyncio.wait_for(self.running.wait(), START_S)
        except TimeoutError as error:
            raise ToolError("mosquitto does not come back") from error

    async def _start(self) -> Process:
        self._last_words = []
        self.running.clear()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=PIPE,
                limit=_LINE_MOST_BYTES,
                preexec_fn=_end_with_parent,
            )
        except OSError as error:
            raise ToolError(f"{self._words[0]}: {error.strerror}") from error
        self.starts += 1
        self._process = process
        return process

    async def _keep(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            if self._reading is not None:
                await asyncio.shield(self._reading)
            status = await process.wait()
            self.running.clear()
            if loop.time() - began_s > _GOOD_S:
                self._backoff.reset()
            if not self._is_restarting:
                await self._wait(f"ended with status {status}")
            self._is_restarting = False
            process = await self._started()
            self._reading = asyncio.create_task(self._forward(process))

    async def _started(self) -> Process:
        """Return one that was started, after as many attempts as it takes."""
        while True:
            try:
                return await self._start()
            except ToolError as error:
                await self._wait(str(error))

    async def _wait(self, reason: str) -> None:
        wait_s = self._backoff.next_s()
        logger.error("mosquitto: %s; again in %.1f s", reason, wait_s)
        await asyncio.sleep(wait_s)

    async def _forward(self, process: Process) -> None:
        stream = process.stderr
        if stream is None:
            return
        while data := await _line(stream):
            self._take(data.decode(errors="backslashreplace").rstrip("\n"))

    def _take(self, text: str) -> None:
        logger.log(lines.level(text), "mosquitto: %s", text)
        self._last_words = [*self._last_words, text][-LAST_WORDS:]
        line = lines.read(text)
        match line:
            case Running():
                self.running.set()
            case Reloading():
                self._reloading.set()
            case Connected() | None:
                pass
        if line is not None:
            self._hear(line)


async def _end(process: Process) -> None:
    for _attempt in range(STOP_ATTEMPTS):
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_S)
            return
    process.kill()
    await process.wait()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Return the next line, or a piece of one that is too long; empty at the end."""
    try:
        return await stream.readline()
    except ValueError:
        return b"(a line that is too long)\n"


def _end_with_parent() -> None:
    """Let the kernel end this process when its parent dies, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
