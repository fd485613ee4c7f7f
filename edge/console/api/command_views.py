"""What the API says and takes about what is asked of devices once, as JSON."""

from typing import Annotated

from pydantic import Field

from edge.console.api.views import MOST, View, Words
from edge.console.devices.commands import EXPIRY_LEAST_S, State
from edge_signing.commands import EXPIRY_MOST_S, LINES_MOST, SERVICE, Word

_ServiceName = Annotated[str, Field(pattern=rf"^(?:{SERVICE.pattern})?$")]


class CommandBody(Words):
    """What is asked: nothing else there is, and none of it runs code."""

    word: Word
    service: _ServiceName = Field("", description="For logs, empty for all; for restart")
    lines: int = Field(0, ge=0, le=LINES_MOST, description="Of logs, the last ones; 0: 200")
    expires_s: int = Field(
        900, ge=EXPIRY_LEAST_S, le=EXPIRY_MOST_S, description="When it is given up"
    )


class CommandView(View):
    """What was asked, and how it ended."""

    command: str
    device: str
    word: Word
    service: str
    lines: int
    state: State
    reason: str = Field(description="Of the device, if it was not done")
    asked_by: str
    asked_at_s: int
    expires_at_s: int
    answered_at_s: int = Field(description="0: not yet")
    length_bytes: int = Field(description="Of the content")


class AnswerView(CommandView):
    """A command with what the device answered."""

    content: str = Field(
        description="Text of the device, which may be of anybody; what can not be seen is"
        " written out"
    )


class CommandsView(View):
    """Commands of a device, newest first."""

    commands: list[CommandView]


class CommandsQuery(Words):
    """Which commands."""

    word: Word | None = None
    state: State | None = None
    limit: int = Field(100, ge=1, le=MOST)
