"""Who asks something of the console, and how he is known."""

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from edge.console.audit import Actor
from edge.console.tokens import Scope


@dataclass(frozen=True, slots=True)
class Visitor:
    """A program with a token, or a person who is logged in.

    Attributes:
        actor: Under what name acts are stored, and for which tenant.
        name: What people call him.
        scopes: What he may do.
        groups: The groups whose devices he can reach; None for all devices of the tenant.
        own_page: What a page sends with each act to show that it is the console's own; empty for
            a token, which no browser sends by itself.
    """

    actor: Actor
    name: str
    scopes: frozenset[Scope]
    groups: frozenset[str] | None = None
    own_page: str = field(default="", repr=False)


class Door(Protocol):
    """Knows people by what their browser sends."""

    async def visitor(self, request: web.Request) -> Visitor | None:
        """Return the person who is logged in, None if nobody is."""


class ClosedDoor:
    """Lets no person in: there are only programs with tokens."""

    async def visitor(self, request: web.Request) -> Visitor | None:
        """Return nobody."""
        del request
        return None
