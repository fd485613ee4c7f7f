"""How jobs look that write to targets: a line for each of them, plain lines, or JSON lines."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from edge.cli.output import NARROW, PLAIN_EVERY_S, Output, narrow_bars
from edge.cli.table import human
from edge.flash.events import Advance, Event, Listener, Note, Phase, Report

JSON_EVERY_S: Final = 0.25
TITLES: Final = {
    Phase.CONNECT: "connect",
    Phase.ERASE: "clear",
    Phase.WRITE: "write",
    Phase.VERIFY: "verify",
    Phase.EJECT: "eject",
}

MEASURED: Final = (Phase.WRITE, Phase.VERIFY)  # the others are short, or nobody knows how long


class View(Protocol):
    """Where jobs are shown; methods are called from the threads of the jobs."""

    def listener(self, target: str) -> Listener:
        """Return who is told of the events of a target."""

    def done(self, target: str, report: Report) -> None:
        """Say that a target is done."""

    def failed(self, target: str, text: str, hint: str | None) -> None:
        """Say that a target is not."""


@contextmanager
def view(output: Output) -> Iterator[View]:
    """Give the view that suits an output."""
    if output.as_json:
        yield JsonLines(sys.stdout.write)
    elif output.quiet or not output.is_terminal:
        yield PlainLines(output)
    else:
        with _bars(output.console) as bars:
            yield BarLines(output, bars)


class JsonLines:
    """One JSON object an event: `docs/flash.md` says what is in them.

    Args:
        write: Takes text for the standard output.
        clock_s: A clock that never goes back.
    """

    def __init__(
        self, write: Callable[[str], object], *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._rates: dict[tuple[str, Phase], _Rate] = {}

    def listener(self, target: str) -> Listener:
        """See `View`."""

        def take(event: Event) -> None:
            match event:
                case Advance():
                    self._advance(target, event)
                case Note():
                    self.tell("note", target, phase=str(event.phase), text=event.text)

        return take

    def done(self, target: str, report: Report) -> None:
        """See `View`."""
        self.tell(
            "done",
            target,
            written_bytes=report.written_bytes,
            skipped_bytes=report.skipped_bytes,
            verified_bytes=report.verified_bytes,
            rewritten_bytes=report.rewritten_bytes,
        )

    def failed(self, target: str, text: str, hint: str | None) -> None:
        """See `View`."""
        self.tell("failed", target, error=text, hint=hint)

    def tell(self, event: str, target: str, **facts: object) -> None:
        """Write one event."""
        line = json.dumps({"event": event, "target": target, **facts})
        with self._lock:
            self._write(f"{line}\n")
            sys.stdout.flush()

    def _advance(self, target: str, event: Advance) -> None:
        if event.phase not in MEASURED:
            if event.done_bytes == 0:
                self.tell("phase", target, phase=str(event.phase))
            return
        now_s = self._clock_s()
        rate = self._rates.setdefault((target, event.phase), _Rate(now_s, event.done_bytes))
        if not rate.is_due(now_s, JSON_EVERY_S, last=event.done_bytes >= event.total_bytes):
            return
        self.tell(
            "progress",
            target,
            phase=str(event.phase),
            done_bytes=event.done_bytes,
            total_bytes=event.total_bytes,
            bytes_per_s=rate.bytes_per_s(now_s, event.done_bytes),
        )


class PlainLines:
    """Lines for a log: when a phase begins, every few seconds, and when it ends."""

    def __init__(self, output: Output, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._clock_s = clock_s
        self._rates: dict[tuple[str, Phase], _Rate] = {}

    def listener(self, target: str) -> Listener:
        """See `View`."""

        def take(event: Event) -> None:
            if self._output.quiet:
                return
            match event:
                case Advance():
                    self._advance(target, event)
                case Note():
                    self._output.line(f"{target}: {event.text}")

        return take

    def done(self, target: str, report: Report) -> None:
        """See `View`."""
        if not self._output.quiet:
            self._output.line(f"{target}: {summary(report)}")

    def failed(self, target: str, text: str, hint: str | None) -> None:
        """See `View`."""
        self._output.line(f"{target}: {text}", style="red")
        if hint:
            self._output.line(f"  hint: {hint}", style="yellow")

    def _advance(self, target: str, event: Advance) -> None:
        if event.phase not in MEASURED:
            return
        now_s = self._clock_s()
        known = (target, event.phase) in self._rates
        rate = self._rates.setdefault((target, event.phase), _Rate(now_s, event.done_bytes))
        is_last = event.done_bytes >= event.total_bytes
        if not rate.is_due(now_s, PLAIN_EVERY_S, last=is_last) and known:
            return
        percent = 100 * event.done_bytes // max(event.total_bytes, 1)
        speed = human(rate.bytes_per_s(now_s, event.done_bytes))
        end = f", {speed}/s" if known else ""
        self._output.line(f"{target}: {TITLES[event.phase]} {percent} %{end}")


class BarLines:
    """One bar for each target, on a terminal."""

    def __init__(self, output: Output, bars: Progress) -> None:
        self._output = output
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._phases: dict[str, Phase] = {}
        self._lock = threading.Lock()

    def listener(self, target: str) -> Listener:
        """See `View`."""

        def take(event: Event) -> None:
            match event:
                case Advance():
                    self._advance(target, event)
                case Note():
                    self._bars.console.print(f"{target}: {event.text}", markup=False)

        return take

    def done(self, target: str, report: Report) -> None:
        """See `View`."""
        self._hide(target)
        self._bars.console.print(f"✓ {target}: {summary(report)}", markup=False, style="green")

    def failed(self, target: str, text: str, hint: str | None) -> None:
        """See `View`."""
        self._hide(target)
        self._bars.console.print(f"✗ {target}: {text}", markup=False, style="red")
        if hint:
            self._bars.console.print(f"  hint: {hint}", markup=False, style="yellow")

    def _hide(self, target: str) -> None:
        with self._lock:
            if (task := self._tasks.pop(target, None)) is not None:
                self._bars.remove_task(task)

    def _advance(self, target: str, event: Advance) -> None:
        title = f"{target} {TITLES[event.phase]}"
        total = event.total_bytes if event.phase in MEASURED else None
        with self._lock:
            task = self._tasks.get(target)
            if task is None:
                task = self._tasks[target] = self._bars.add_task(title, total=total)
            elif self._phases[target] is not event.phase:
                self._bars.reset(task, description=title, total=total)
            self._phases[target] = event.phase
            self._bars.update(task, completed=event.done_bytes if total else 0, total=total)


class _Rate:
    """How fast a phase is, and when it was last told of."""

    def __init__(self, now_s: float, done_bytes: int) -> None:
        self._start_s = self._told_s = now_s
        self._start_bytes = done_bytes
        self._finished = False

    def is_due(self, now_s: float, every_s: float, *, last: bool) -> bool:
        """Return whether to tell now: after a while, and the last time for sure, once."""
        due = now_s - self._told_s >= every_s or (last and not self._finished)
        if due:
            self._told_s = now_s
        self._finished |= last
        return due

    def bytes_per_s(self, now_s: float, done_bytes: int) -> int:
        """Return the mean since the phase began."""
        return round((done_bytes - self._start_bytes) / max(now_s - self._start_s, 1e-6))


def summary(report: Report) -> str:
    """Return what a job did, in one line."""
    parts = [f"{human(report.written_bytes)} written"] if report.written_bytes else []
    if report.skipped_bytes:
        parts.append(f"{human(report.skipped_bytes)} were there already")
    if report.rewritten_bytes:
        parts.append(f"{human(report.rewritten_bytes)} written again")
    if report.verified_bytes:
        parts.append(f"{human(report.verified_bytes)} read back and right")
    return ", ".join(parts)


def _bars(console: Console) -> Progress:
    if console.width < NARROW:
        return narrow_bars(console)
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
