"""What the agent asks of init: one line through the request pipe, and an answer in a file.

Init does what these words mean and nothing else, and looks at names itself: the agent runs as its
own user, and whoever takes it over gets no more of init than this.
"""

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import AgentError
from edge_agent.request import RefusedError

SERVICES_S: Final = 15.0
# A service has up to its stop time-out, and 60 s to get ready (edge-ctl).
RESTART_S: Final = 240.0
LOOK_S: Final = 0.1
_ANSWER_MOST_BYTES: Final = 64
_LIST_MOST_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Init:
    """The init of this device.

    Attributes:
        pipe: Where it is asked.
        folder: Where it answers.
    """

    pipe: Path
    folder: Path = Path("/run/edge")
    token: Callable[[], str] = lambda: secrets.token_hex(8)
    pause: Callable[[float], None] = time.sleep

    def restart(self, service: str) -> None:
        """Restart a service; returns when it is ready again.

        Raises:
            RefusedError: It is none that may be.
            AgentError: It is not ready in time, or init does not answer.
        """
        match self._asked("restart", service, within_s=RESTART_S):
            case "0":
                return
            case "3":
                raise RefusedError(f"restart: there is no service {service!r}")
            case "5":
                raise RefusedError(f"restart: {service} looks after this device")
            case "75":
                raise RefusedError("restart: another one is under way")
            case status:
                raise AgentError(f"restart: {service} is not ready again (status {status})")

    def services(self) -> list[dict[str, object]]:
        """Return how all services are, as `edge-ctl list --json` tells it.

        Raises:
            AgentError: Init does not say it.
        """
        if (status := self._asked("services", within_s=SERVICES_S)) != "0":
            raise AgentError(f"services: init can not list them (status {status})")
        try:
            found = json.loads(_read(self.folder / "services.json", _LIST_MOST_BYTES))
        except ValueError as error:
            raise AgentError(f"services: not JSON: {error}") from error
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def _asked(self, *words: str, within_s: float) -> str:
        token = self.token()
        write_line(self.pipe, " ".join((*words, token)))
        for _look in range(int(within_s / LOOK_S)):
            said = _read(self.folder / "answer", _ANSWER_MOST_BYTES).split()
            if len(said) == 2 and said[0] == token:
                return said[1]
            self.pause(LOOK_S)
        raise AgentError(f"{words[0]}: init does not answer in {within_s:g} s")


def write_line(pipe: Path, line: str) -> None:
    """Ask init for something; returns at once.

    Raises:
        AgentError: It cannot be asked.
    """
    try:
        handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)
    except OSError as error:
        raise AgentError(f"{pipe}: {error.strerror}") from error


def _read(path: Path, most_bytes: int) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(most_bytes).decode("ascii", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise AgentError(f"{path}: {error.strerror}") from error
