"""What a device answers to the factory on its console, line by line; holds no port.

A piece that is whole is acknowledged at once, so that the station never sends more than the console
can keep. A request whose answer was lost is asked again under its number and answered from memory.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edge_agent.errors import AgentError
from edge_agent.factory import own_key
from edge_agent.identity import OWN, IdentityError
from edge_signing import frames, proof
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from edge_signing.frames import Assembly, Way

_EPOCH_MOST: Final = 10**15

Answer = Mapping[str, Any]


class Conversation:
    """Answers what comes in.

    Args:
        answer: Returns the answer to a request.
    """

    def __init__(self, answer: Callable[[Mapping[str, Any]], Answer]) -> None:
        self._answer = answer
        self._coming = Assembly()
        self._answered: tuple[int, list[str]] | None = None

    def take(self, line: str) -> list[str]:
        """Return the lines to say to a line that came in; none to what is not for us."""
        piece = frames.piece_in(line, Way.TO_DEVICE)
        if piece is None:
            return []
        if self._answered is not None and self._answered[0] == piece.message:
            return self._answered[1]
        self._coming.take(piece)
        try:
            content = self._coming.content()
        except FormatError as error:
            content = {"ask": "", "why": str(error)}
        if content is None:
            return _lines(piece.message, {"got": piece.number})
        said = _lines(piece.message, self._answer(content))
        self._answered = piece.message, said
        return said


def answering(data: Path) -> Callable[[Mapping[str, Any]], Answer]:
    """Return what answers requests from the identity in the folder of the agent."""

    def answer(content: Mapping[str, Any]) -> Answer:
        try:
            return _answered(data, Fields(dict(content), "request"))
        except AgentError as error:
            return {"error": error.reason}
        except (FormatError, OSError) as error:
            return {"error": str(error)}

    return answer


def conversing(data: Path, lines: Iterator[str], say: Callable[[str], None]) -> None:
    """Answer until the other side ends.

    Raises:
        IdentityError: The device has an identity: it left its factory.
    """
    if (data / OWN).exists():
        raise IdentityError("this device has an identity: the factory is done with it")
    conversation = Conversation(answering(data))
    for line in lines:
        for said in conversation.take(line):
            say(said)


def _answered(data: Path, fields: Fields) -> Answer:
    match fields.anything("ask"):
        case "hello":
            said: dict[str, Any] = {"edge": 1}
        case "new":
            said = {"request": own_key.begin(data, str(fields.anything("device"))).decode()}
        case "put":
            said = {"device": _put(data, fields)}
        case "prove":
            nonce = proof.nonce_of(str(fields.anything("nonce")))
            said = {"signature": own_key.prove(data, nonce).hex()}
        case other:
            raise FormatError(f"nobody knows what {other!r} asks")
    fields.end()
    return said


def _put(data: Path, fields: Fields) -> str:
    chain, server_ca = (str(fields.anything(name)).encode() for name in ("chain", "server_ca"))
    epoch = fields.integer("epoch", most=_EPOCH_MOST)
    return own_key.finish(data, chain, server_ca, epoch)


def _lines(message: int, content: Answer) -> list[str]:
    return [one.line() for one in frames.pieces(Way.FROM_DEVICE, message, content)]
