"""What the API says and takes about terminals, as JSON."""

from typing import Annotated, Literal

from pydantic import Field

from edge.console.api.views import MOST, View, Words
from edge.console.terminal.records import State
from edge.console.terminal.switchboard import WAIT_MOST_S
from edge_signing.terminal.grant import GRANT_MOST_BYTES

_Frame = Annotated[str, Field(max_length=24_000, description="Base64")]


class TerminalBody(Words):
    """Who asks for a session: the signed grant says all."""

    grant: str = Field(max_length=GRANT_MOST_BYTES, description="Canonical JSON, signed")
    checked_by: Literal["console", "factory"] = Field(
        "console",
        description="By what the person knows the device: what this console says, or the"
        " certificate of the factory",
    )


class TerminalView(View):
    """A session."""

    session: str
    device: str
    state: State
    who: str = Field(description="As the grant names him")
    opened_by: str
    reason: str
    command: str = Field(description="Empty for a shell")
    checked_by: str
    asked_at_s: int
    not_after_s: int
    answered_at_s: int = Field(description="0: never")
    ended_at_s: int = Field(description="0: not yet")
    ended: str = Field(description="Why it is over")
    status: int = Field(description="Of what ran; -1 if it did not end by itself")
    chunks: int
    length_bytes: int = Field(description="Of the record")
    is_whole: bool = Field(description="The record is the whole one that the device has signed")


class TerminalsView(View):
    """Sessions of a device, newest first."""

    terminals: list[TerminalView]


class TerminalsQuery(Words):
    """How many."""

    limit: int = Field(100, ge=1, le=MOST)


class RecordQuery(Words):
    """Which part of a record."""

    after: int = Field(-1, ge=-1, le=1 << 40, description="The number of the last chunk")
    limit: int = Field(100, ge=1, le=100)


class RecordView(View):
    """A part of a record, and what it can be checked with."""

    grant: str
    answer: str = Field(description="Of the device; empty if it never answered")
    closing: str = Field(description="What the device has signed of it; empty if nothing")
    chunks: list[str] = Field(
        description="Lines of asciicast v2. What a device shows is hostile text"
    )
    next: int | None


class FramesBody(Words):
    """Frames of the person, in order."""

    n: int = Field(ge=0, le=1 << 40, description="The number of the first")
    frames: list[_Frame] = Field(min_length=1, max_length=16)


class FramesQuery(Words):
    """What is there already, and how long to wait for more."""

    after: int = Field(-1, ge=-1, le=1 << 40)
    wait_s: int = Field(0, ge=0, le=WAIT_MOST_S)


class ParcelView(View):
    """Something of the device, or of the console."""

    n: int
    kind: str = Field(description="`answer`, `frame`, or `closed` with the reason")
    content: str = Field(description="Base64")


class ParcelsView(View):
    """What there is for the person."""

    parcels: list[ParcelView]
