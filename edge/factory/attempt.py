"""Do one step in a thread of its own, and wait for it only as long as it may take."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge.errors import EdgeError, LinkError
from edge.factory.steps.step import Job, Step
from edge_signing.errors import SigningError

_LOOK_S: Final = 0.2


class HungError(LinkError):
    """A step did not end in its time, and does not listen.

    Args:
        message: Which one.
        thread: Where it still runs.
    """

    def __init__(self, message: str, thread: threading.Thread) -> None:
        super().__init__(message)
        self.thread = thread


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a step is waited for.

    Attributes:
        clock_s: Returns seconds that only go forward.
        stop: Set when nobody waits any more.
    """

    clock_s: Callable[[], float]
    stop: threading.Event

    def perform(self, name: str, step: Step, job: Job) -> Mapping[str, Any]:
        """Do a step, and return what it found.

        Raises:
            HungError: It did not end in time.
            EdgeError: It failed.
        """
        attempt = _Attempt(step, job)
        attempt.start()
        deadline_s = self.clock_s() + job.timeout_s
        while attempt.is_alive() and self.clock_s() < deadline_s and not self.stop.is_set():
            attempt.join(min(_LOOK_S, job.timeout_s))
        is_late = attempt.is_alive()
        job.stop.set()
        attempt.join(_LOOK_S)
        if attempt.is_alive():
            raise HungError(f"{name}: no end after {job.timeout_s:g} s", attempt)
        if is_late and not self.stop.is_set():
            raise LinkError(f"{name}: no end after {job.timeout_s:g} s")
        return attempt.result()


class _Attempt(threading.Thread):
    """A step that runs."""

    def __init__(self, step: Step, job: Job) -> None:
        super().__init__(daemon=True, name=f"{job.port} {job.unit}")
        self._step, self._job = step, job
        self._found: Mapping[str, Any] = {}
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do it."""
        try:
            self._found = self._step.run(self._job)
        except BaseException as error:  # noqa: BLE001  # raised again by `result`
            self._error = error

    def result(self) -> Mapping[str, Any]:
        """Return what it found, or raise what it raised."""
        match self._error:
            case None:
                return self._found
            case OSError() as error:
                raise EdgeError(f"{error.filename or 'a file'}: {error.strerror}") from error
            case SigningError() as error:
                raise EdgeError(str(error), hint=error.hint) from error
            case error:
                raise error
