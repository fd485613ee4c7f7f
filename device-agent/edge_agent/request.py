"""What a person asks of the agent, over its socket or in its own process."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from edge_agent.errors import AgentError
from edge_signing.errors import FormatError
from edge_signing.messages import ID

Word = Literal["install", "revert", "commit", "confirm", "postpone"]

WORDS: Final[tuple[Word, ...]] = ("install", "revert", "commit", "confirm", "postpone")
_PATH: Final = re.compile(r"/[^\0\n]{0,1000}")


class RefusedError(AgentError):
    """The agent can not do that now."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        id: Names the action in all reports.
        path: Of the bundle, for `install`; whole, as the agent sees it.
    """

    word: Word
    id: str
    path: str = ""

    def __post_init__(self) -> None:
        if self.word not in WORDS or not ID.fullmatch(self.id):
            raise FormatError(f"request {self.word!r} {self.id!r} is not known")
        if bool(self.path) != (self.word == "install") or not _PATH.fullmatch(self.path or "/"):
            raise FormatError(f"request {self.word}: the path {self.path!r} is none")
