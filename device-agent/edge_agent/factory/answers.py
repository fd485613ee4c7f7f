"""What the words mean that a station says: `hello`, `new`, `put`, `prove`, and no others."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edge_agent.errors import AgentError
from edge_agent.factory import own_key
from edge_agent.factory.conversation import Answer, Conversation
from edge_agent.identity import OWN, IdentityError
from edge_signing import proof
from edge_signing.errors import FormatError
from edge_signing.fields import Fields

_EPOCH_MOST: Final = 10**15
# What is asked stands in what is told of it, and a console takes messages of a bounded length only.
_REASON_MOST: Final = 300


def answering(data: Path) -> Callable[[Mapping[str, Any]], Answer]:
    """Return what answers requests from the identity in the folder of the agent."""

    def answer(content: Mapping[str, Any]) -> Answer:
        try:
            return _answered(data, Fields(dict(content), "request"))
        except AgentError as error:
            return _no(error.reason)
        except (FormatError, OSError, ValueError) as error:
            return _no(str(error))

    return answer


def conversing(data: Path, lines: Iterator[str], say: Callable[[str], None]) -> None:
    """Answer until the other side ends.

    Raises:
        IdentityError: The device has an identity: it left its factory.
    """
    if (data / OWN).exists():
        raise IdentityError(own_key.DONE)
    conversation = Conversation(answering(data))
    for line in lines:
        for said in conversation.take(line):
            say(said)


def _answered(data: Path, fields: Fields) -> Answer:
    """Do what is asked, once all that was said is understood."""
    match fields.anything("ask"):
        case "hello":
            fields.end()
            return {"edge": 1}
        case "new":
            device = str(fields.anything("device"))
            fields.end()
            return {"request": own_key.begin(data, device).decode()}
        case "put":
            return {"device": _put(data, fields)}
        case "prove":
            nonce = proof.nonce_of(str(fields.anything("nonce")))
            fields.end()
            return {"signature": own_key.prove(data, nonce).hex()}
        case other:
            raise FormatError(f"nobody knows what {other!r} asks")


def _put(data: Path, fields: Fields) -> str:
    chain, server_ca = (str(fields.anything(name)).encode() for name in ("chain", "server_ca"))
    epoch = fields.integer("epoch", most=_EPOCH_MOST)
    fields.end()
    return own_key.finish(data, chain, server_ca, epoch)


def _no(reason: str) -> Answer:
    return {"error": reason[:_REASON_MOST]}
