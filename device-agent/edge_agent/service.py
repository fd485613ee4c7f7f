"""The agent with its socket: requests of people come in, the status goes out."""

import secrets
import socket
from typing import Final

from edge_agent import device, status
from edge_agent.consent import CONSENT_WORDS
from edge_agent.device import Places, Waker
from edge_agent.driver import Agent
from edge_agent.errors import AgentError
from edge_agent.factory import door
from edge_agent.machine import Result, State
from edge_agent.reach import device as reach
from edge_agent.request import WORDS, Request, Word
from edge_agent.status import SOCKET, Said, StatusError, StatusSocket
from edge_agent.terminal import device as terminal
from edge_signing.errors import FormatError
from edge_signing.messages import Status

ENDS_ALONE: Final = (State.IDLE, State.REBOOTING, State.CONFIRMING)


def run(places: Places, waker: Waker) -> None:
    """Run the agent until the waker ends it; once more when the device has got a certificate.

    Raises:
        AgentError: The device cannot be worked with at all.
    """
    asked = door.opened(places.data, places.factory)
    try:
        with device.renewing(places, waker):
            while True:
                _run_once(places, waker)
                if not waker.goes_on():
                    return
    finally:
        if asked is not None:
            asked.close()


def _run_once(places: Places, waker: Waker) -> None:
    agent = device.agent(places, waker)
    waker.is_at_rest = agent.is_at_rest
    device.enrol(places, waker)
    listening = _socket(agent, places)
    asked = reach.start(places, agent, waker.link) if waker.link is not None else None
    opened = terminal.start(places, agent, waker.link) if waker.link is not None else None
    try:
        agent.run()
    finally:
        for one in (opened, asked):
            if one is not None:
                one.close()
        agent.close()
        if listening is not None:
            listening.close()


def run_alone(places: Places, request: Request) -> Status:
    """Do a request without the service, up to the restart of the system.

    What waits for a person or a program is stored: the service goes on with it when it runs.

    Raises:
        AgentError: It is refused or failed, or the device cannot be worked with.
    """
    waker = Waker()
    agent = device.agent(places, waker)
    try:
        agent.start()
        agent.take(request)
        while agent.record.state not in ENDS_ALONE and not agent.waits_for():
            agent.step()
        if agent.record.state is State.REBOOTING:
            waker.wake()  # nothing is left to be waited for
            agent.step()
        elif agent.record.state is State.IDLE and agent.record.last_result is not Result.SUCCEEDED:
            raise AgentError(agent.record.last_reason)
        return agent.status()
    finally:
        agent.close()


def is_running(places: Places) -> bool:
    """Return whether an agent listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(places.run / SOCKET)) == 0


def answer(agent: Agent, said: Said) -> Said:
    """Answer one request of the socket.

    Raises:
        AgentError: It is refused, or no request.
    """
    word, path = said.get("command", "status"), said.get("path", "")
    if word == "status":
        return status.as_json(agent.status())
    for one in CONSENT_WORDS:
        if one == word:
            agent.consent.settle(one)
            return {}
    known = next((one for one in WORDS if one == word), None)
    if known is None or not isinstance(path, str):
        raise AgentError(f"{word!r} is no request")
    request = request_of(known, path)
    agent.ask(request)
    return {"action": request.id}


def request_of(word: Word, path: str = "") -> Request:
    """Return a new request.

    Raises:
        AgentError: The path is none.
    """
    try:
        return Request(word, f"local-{secrets.token_hex(8)}", path)
    except FormatError as error:
        raise AgentError(str(error)) from error


def _socket(agent: Agent, places: Places) -> StatusSocket | None:
    """Return the socket; a device without one is updated all the same."""
    try:
        return StatusSocket(lambda said: answer(agent, said), places.run)
    except StatusError:
        return None
