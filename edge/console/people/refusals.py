"""Failures to come in, in the audit log: some of them, for who tries must not fill the disk."""

from collections.abc import Callable
from typing import Final

from edge.console import audit
from edge.console.audit import CONSOLE, Actor
from edge.console.people import people
from edge.console.people.people import Person
from edge.console.people.throttle import Bucket
from edge.console.store.database import Database

_BURST: Final = 30
_PER_S: Final = 1 / 60


class Refusals:
    """The failures of one console, for the thread of its event loop.

    Args:
        database: Has the log.
        tenant: Whose log has the failures of names that nobody has.
        now_s: The time, seconds since 1970.
    """

    def __init__(self, database: Database, tenant: str, now_s: Callable[[], int]) -> None:
        self._database = database
        self._tenant = tenant
        self._now_s = now_s
        self._told = Bucket(_BURST, _PER_S)
        self._untold = 0

    async def tell(self, person: Person | None, **facts: object) -> None:
        """Audit a failure, unless there are too many; how many were not told is told later.

        What was typed as a name that nobody has is not stored: it may be a password.
        """
        if not self._told.takes(self._now_s()):
            self._untold += 1
            return
        actor = Actor(person.tenant if person else self._tenant, CONSOLE, self._now_s())
        details = {**facts, "not_told_before": self._untold}
        self._untold = 0
        whom = people.subject(person.person if person else "?")
        await self._database.write(
            lambda one: audit.record(one, actor, "session.refuse", whom, details)
        )
