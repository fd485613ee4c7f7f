"""What runs on the device may know of the agent: a file, and a socket that also takes requests.

One connection is one request, one line with a JSON object, and one answer in the same form; who
sends nothing gets the status. Both sides are bounded in size and time, and one slow client does not
hold the agent: a thread of its own answers, one after the other.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from edge_agent.errors import AgentError
from edge_signing.messages import Status

logger = logging.getLogger(__name__)

FOLDER: Final = Path("/run/edge-agent")
STATUS_FILE: Final = "status.json"
SOCKET: Final = "agent.sock"
# The largest is what a station of the factory gives to a device.
MOST_BYTES: Final = 32 << 10
CLIENT_S: Final = 2.0
_BACKLOG: Final = 4

Said = Mapping[str, object]


class StatusError(AgentError):
    """The running agent can not be asked, or does not answer."""


def as_json(status: Status) -> dict[str, object]:
    """Return a status as programs on the device read it."""
    return {**asdict(status), "percent": status.percent}


def write(said: Said, folder: Path = FOLDER) -> None:
    """Put the status in place, whole; it need not outlive the power.

    Raises:
        StatusError: It can not be written.
    """
    beside = folder / f".{STATUS_FILE}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(said) + "\n")
        beside.replace(folder / STATUS_FILE)
    except OSError as error:
        raise StatusError(f"{folder / STATUS_FILE}: {error.strerror}") from error


class StatusSocket:
    """Answers requests on a socket that only the agent's own user may open, unless told otherwise.

    Args:
        answer: Returns what to say to a request; called in the thread of the socket. An error of
            ours is told as `{"error": reason}`.
        folder: Where the socket is made.
        name: Of the socket.
        mode: Of its file: who may open it.

    Raises:
        StatusError: It can not be made.
    """

    def __init__(
        self,
        answer: Callable[[Said], Said],
        folder: Path = FOLDER,
        *,
        name: str = SOCKET,
        mode: int = 0o600,
    ) -> None:
        self._answer = answer
        self._path = folder / name
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            before = os.umask(0o777 & ~mode)
            try:
                self._listening.bind(str(self._path))
            finally:
                os.umask(before)
            self._listening.listen(_BACKLOG)
        except OSError as error:
            self._listening.close()
            raise StatusError(f"{self._path}: {error.strerror or error}") from error
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and remove the socket."""
        self._path.unlink(missing_ok=True)
        try:
            self._listening.shutdown(socket.SHUT_RDWR)
        except OSError:
            logger.debug("the socket was not listening")
        self._thread.join(CLIENT_S * 4)
        self._listening.close()

    def _run(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            with client:
                try:
                    client.sendall(_line(self._said(_received(client))))
                except OSError as error:
                    logger.debug("a client of the socket: %s", error)

    def _said(self, data: bytes) -> Said:
        try:
            return self._answer(_object(data) if data.strip() else {"command": "status"})
        except AgentError as error:
            return {"error": error.reason}


def ask(
    request: Said, folder: Path = FOLDER, *, name: str = SOCKET, timeout_s: float = 10.0
) -> dict[str, Any]:
    """Return what the running agent answers.

    Raises:
        StatusError: No agent runs, or it does not answer as it should.
    """
    path = folder / name
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.settimeout(timeout_s)
        try:
            server.connect(str(path))
            server.sendall(_line(request))
            data = _received(server, timeout_s)
        except OSError as error:
            raise StatusError(f"{path}: {error.strerror or error}") from error
    return _object(data)


def _received(peer: socket.socket, total_s: float = CLIENT_S) -> bytes:
    """Return one line, or what comes before the end of the stream."""
    import time

    data = b""
    end = time.monotonic() + total_s
    while not data.endswith(b"\n") and len(data) <= MOST_BYTES:
        peer.settimeout(max(0.001, end - time.monotonic()))
        piece = peer.recv(MOST_BYTES + 1 - len(data))
        if not piece:
            break
        data += piece
    return data


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise StatusError(f"more than {MOST_BYTES} bytes")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StatusError(f"not JSON: {error}") from error
    if not isinstance(said, dict):
        raise StatusError("not a JSON object")
    return said


def _line(said: Said) -> bytes:
    return json.dumps(said).encode() + b"\n"
