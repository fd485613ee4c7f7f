"""How long work tells how far it is, without knowing who looks on."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of work with a length."""

    def advance(self, amount: int = 1) -> None:
        """Say that `amount` more units are done."""


class Progress(Protocol):
    """Where progress is told."""

    def task(
        self, title: str, *, total: int | None = None, unit: str = ""
    ) -> AbstractContextManager[Task]:
        """Open a piece of work of `total` units (`B` for bytes), unknown when None."""

    def note(self, text: str) -> None:
        """Tell one line."""


class _SilentTask:
    def advance(self, amount: int = 1) -> None:
        del amount


class _Silent:
    @contextmanager
    def task(self, title: str, *, total: int | None = None, unit: str = "") -> Iterator[Task]:
        del title, total, unit
        yield _SilentTask()

    def note(self, text: str) -> None:
        del text


SILENT: Progress = _Silent()
