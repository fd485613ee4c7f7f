"""What an endpoint of the API is: declared once, so that its document can not say otherwise."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import ColumnElement, FromClause

from edge.console.api.views import Words
from edge.console.audit import Actor
from edge.console.devices import groups
from edge.console.office import Office
from edge.console.overviews import Overviews
from edge.console.store.tables import DEVICES
from edge.console.tokens import Scope
from edge.console.visitor import Visitor

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Rooms:
    """What endpoints work with.

    Attributes:
        office: The acts.
        incoming: The folder of uploads.
        overviews: Of the fleets.
        started_at_s: When the console began, seconds since 1970.
    """

    office: Office
    incoming: Path
    overviews: Overviews
    started_at_s: int


@dataclass(frozen=True, slots=True)
class Call:
    """A request that its visitor may make and whose parts could be read."""

    rooms: Rooms
    visitor: Visitor
    request: web.Request = field(repr=False)
    query: Words | None = None
    body: Words | None = None

    @property
    def actor(self) -> Actor:
        """Who asks, and for which tenant: the only one that the request can reach."""
        return self.visitor.actor

    @property
    def office(self) -> Office:
        """The acts."""
        return self.rooms.office

    def own(self, rows: FromClause = DEVICES) -> list[ColumnElement[bool]]:
        """Return what holds for rows of devices that the visitor can reach.

        Args:
            rows: Have the columns `tenant` and `device`.
        """
        names = self.visitor.groups
        return [] if names is None else [groups.within(names, rows)]

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def body_as(self, model: type[M]) -> M:
        """Return the body, which the endpoint declares to be this."""
        assert isinstance(self.body, model)
        return self.body

    def query_as(self, model: type[M]) -> M:
        """Return the words of the query, which the endpoint declares to be these."""
        assert isinstance(self.query, model)
        return self.query


Act = Callable[[Call], Awaitable[BaseModel | web.StreamResponse | None]]


class Reach(Enum):
    """What of an endpoint somebody has who is limited to the devices of groups.

    Attributes:
        NOTHING: It is refused, unless its path names a device: `{device}` is always checked.
        NAMED: The device that its body names is checked.
        OWN: Its act binds what it tells by `Call.own`.
        ALL: It tells nothing of devices.
        SEEN: The campaign of its path has a device of his, and the act tells no more than `scope`.
        WHOLE: The campaign of its path has no devices but his.
    """

    NOTHING = auto()
    NAMED = auto()
    OWN = auto()
    ALL = auto()
    SEEN = auto()
    WHOLE = auto()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One act by HTTP.

    Attributes:
        path: Below `/api/v1`, parts in braces.
        scope: What the token has to allow.
        act: What is done.
        answer: What comes back; None for nothing (status 204).
        query: The words after `?` that there are.
        body: What is sent.
        is_upload: The body is a file, read by the act.
        is_download: The answer is a file, sent by the act.
        tells_secret: The answer must not be stored.
        reach: What of it somebody has who is limited to groups; nothing unless it is said.
    """

    method: str
    path: str
    scope: Scope
    summary: str
    act: Act
    answer: type[BaseModel] | None = None
    query: type[Words] | None = None
    body: type[Words] | None = None
    is_upload: bool = False
    is_download: bool = False
    tells_secret: bool = False
    reach: Reach = Reach.NOTHING

    @property
    def status(self) -> int:
        """The status when all is well."""
        return 204 if self.answer is None and not self.is_download else 200

    @property
    def is_repeatable(self) -> bool:
        """Whether an idempotency key is looked at: acts that are not the same done twice."""
        return self.method == "POST" and not self.is_upload and not self.tells_secret
