"""How commands talk: results on stdout, progress and errors on stderr, JSON when asked."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from edge.cli.table import visible
from edge.errors import EdgeError, ProblemsError
from edge.progress import Task

if TYPE_CHECKING:  # imported when the first line is written: many commands write none
    from rich.console import Console
    from rich.progress import Progress, TaskID

NARROW = 72  # columns: below them a bar and its figures do not stand on one line
PLAIN_EVERY_S = 5.0  # a line in a log about work that goes on


class Output:
    """The terminal of one command.

    Args:
        as_json: Results and errors are JSON objects, one a line.
        quiet: No progress.
        verbose: Notes as well as tasks.
        words: The command line, for those who are told how to go on.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        words: Sequence[str] = (),
    ) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.words = tuple(words)
        self._bars: Progress | None = None

    @cached_property
    def console(self) -> "Console":
        """The terminal behind stderr."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, emoji=False)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks on."""
        return self.console.is_terminal

    def result(self, facts: Mapping[str, object], text: str) -> None:
        """Print what the command found or made."""
        if self.as_json:
            sys.stdout.write(json.dumps(facts, default=str) + "\n")
        elif text:
            sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def error(self, error: EdgeError, *, status: int) -> None:
        """Print an error and its hint."""
        if self.as_json:
            facts: dict[str, object] = {"error": str(error), "hint": error.hint, "status": status}
            if isinstance(error, ProblemsError):
                facts["problems"] = [
                    {
                        "file": problem.file,
                        "line": problem.line,
                        "column": problem.column,
                        "path": problem.path,
                        "message": problem.message,
                        "hint": problem.hint,
                    }
                    for problem in error.problems
                ]
            sys.stdout.write(json.dumps(facts) + "\n")
            return
        if isinstance(error, ProblemsError):
            for problem in error.problems:
                self.line(str(problem), style="red")
                self._hint(problem.hint)
            return
        self.line(f"edge: {error}", style="red")
        self._hint(error.hint)

    def note(self, text: str) -> None:
        """Tell one line of progress, with `--verbose`."""
        if self.verbose and not self.quiet:
            self.line(text)

    @contextmanager
    def task(self, title: str, *, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Show a piece of work: a bar on a terminal, lines elsewhere."""
        if self.quiet or self.as_json:
            yield _Counter()
        elif self.console.is_terminal:
            with self._bar(title, total, unit) as task:
                yield task
        else:
            plain = _PlainTask(self, title, total, unit)
            plain.tell("…")
            yield plain
            plain.end()

    @contextmanager
    def _bar(self, title: str, total: int | None, unit: str) -> Iterator[Task]:
        # One live display at a time; a task inside another joins it.
        if self._bars is not None:
            yield _BarTask(self._bars, self._bars.add_task(title, total=total))
            return
        with _bars(self.console, is_bytes=unit == "B", is_counted=total is not None) as bars:
            self._bars = bars
            try:
                number = bars.add_task(title, total=total)
                yield _BarTask(bars, number)
                bars.update(number, total=total or 1, completed=total or 1)
            finally:
                self._bars = None

    def line(self, text: str, *, style: str | None = None) -> None:
        """Print one line on stderr; names of others in it do nothing to the terminal."""
        shown = visible(text, keep="\n\t")
        self.console.print(shown, style=style, markup=False, soft_wrap=True)

    def _hint(self, hint: str | None) -> None:
        if hint:
            self.line(f"  hint: {hint}", style="yellow")


def _bars(console: "Console", *, is_bytes: bool, is_counted: bool) -> "Progress":
    from rich import progress

    if console.width < NARROW:
        return narrow_bars(console)
    count = progress.DownloadColumn() if is_bytes else progress.MofNCompleteColumn()
    return progress.Progress(
        progress.SpinnerColumn(finished_text="✓"),
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        count if is_counted else progress.TextColumn(""),
        progress.TimeElapsedColumn(),
        console=console,
    )


def narrow_bars(console: "Console") -> "Progress":
    """Return a line for each task that is never wider than the terminal: what it is, how far."""
    from rich import progress
    from rich.table import Column

    what = Column(no_wrap=True, overflow="ellipsis", max_width=max(console.width - 9, 8))
    return progress.Progress(
        progress.SpinnerColumn(finished_text="✓"),
        progress.TextColumn("{task.description}", markup=False, table_column=what),
        progress.TextColumn(
            "{task.percentage:>3.0f} %", table_column=Column(no_wrap=True, min_width=5)
        ),
        console=console,
    )


class _Counter:
    def advance(self, amount: int = 1) -> None:
        del amount


class _BarTask:
    def __init__(self, bars: "Progress", number: "TaskID") -> None:
        self._bars = bars
        self._number = number

    def advance(self, amount: int = 1) -> None:
        self._bars.advance(self._number, amount)


class _PlainTask:
    def __init__(self, output: Output, title: str, total: int | None, unit: str) -> None:
        self._output = output
        self._title = title
        self._total = total
        self._unit = unit
        self._done = 0
        self._started_s = self._told_s = time.monotonic()

    def advance(self, amount: int = 1) -> None:
        self._done += amount
        if time.monotonic() - self._told_s >= PLAIN_EVERY_S and self._total:
            self._told_s = time.monotonic()
            self.tell(f"{100 * self._done // self._total} %")

    def tell(self, what: str) -> None:
        self._output.line(f"{self._title} {what}")

    def end(self) -> None:
        self.tell(f"done in {time.monotonic() - self._started_s:.1f} s")
