"""What the link for DDI asks of the console: who calls, and what it is to do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from edge.console.ddi import actions, credentials, reporting
from edge.console.ddi.documents import Action, Agenda
from edge.console.ddi.machine import State as ActionState
from edge.console.desk import Caller, Via
from edge.console.devices import registry
from edge.console.devices.certificates import Certificate
from edge.console.devices.states import State
from edge.console.foreign import File
from edge.console.notices import Topic
from edge.console.office import Office

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DdiDesk:
    """Who calls over DDI, and steps of the store for it.

    Attributes:
        office: Of the console.
    """

    office: Office

    async def by_certificate(self, certificate: Certificate, tenant: str) -> Caller | None:
        """Return the caller with a certificate that TLS has verified, None if it is not let in."""
        found = await self.office.desk.meet(certificate, Via.DDI)
        return found if found is not None and found.tenant == tenant else None

    async def by_token(self, tenant: str, device: str, token: str) -> Caller | State | None:
        """Return the caller with a token of its own.

        None if the token is not that of the device; how it stands if it is not let in.
        """

        def look(connection: Connection) -> State | None:
            if not credentials.fits_device(connection, tenant, device, token):
                return None
            return State(registry.get(connection, tenant, device).state)

        return await self._let_in(tenant, device, await self._looked_up(look))

    async def by_gateway(self, tenant: str, device: str, token: str) -> Caller | State | None:
        """Return the caller that a gateway speaks for; as `by_token`."""
        database, now_s = self.office.database, self.office.now_s()

        def look(connection: Connection) -> tuple[bool, State | None]:
            is_good = credentials.fits_gateway(connection, tenant, device, token)
            return is_good, registry.state_of(connection, tenant, device) if is_good else None

        is_good, state = await self._looked_up(look)
        if is_good and state is None:
            state = await database.write(lambda one: credentials.knock(one, tenant, device, now_s))
        return await self._let_in(tenant, device, state)

    async def join(self, caller: Caller) -> None:
        """Remember that a device speaks DDI.

        Raises:
            RefusedError: It runs Edge.
        """
        is_known = await self.office.database.read(
            lambda one: registry.speaks_ddi(one, caller.tenant, caller.device)
        )
        if not is_known:
            now_s = self.office.now_s()
            await self.write(
                caller, lambda one: credentials.join(one, caller.tenant, caller.device, now_s)
            )
            self.office.desk.forget(caller.tenant, caller.device)

    async def read(self, step: Callable[[Connection], T]) -> T:
        """Return what a step finds."""
        return await self.office.database.read(step)

    async def write(self, caller: Caller, step: Callable[[Connection], T]) -> T:
        """Return what a step of a device gives, once it is stored; who listens is told."""
        found = await self.office.database.write(step)
        self.office.notices.tell(caller.tenant, Topic.DEVICE, caller.device)
        return found

    async def agenda(self, caller: Caller) -> Agenda:
        """Return what there is for a device to do; what was put off long enough goes on."""
        found, now_s = await self.read(lambda one: actions.agenda(one, caller)), self.now_s()
        current = found.current
        if current is None or current.state is not ActionState.WAITING:
            return found
        if not current.is_over(now_s):
            return found
        number = current.number
        await self.write(caller, lambda one: reporting.go_on(one, caller, number, now_s))
        return await self.read(lambda one: actions.agenda(one, caller))

    async def retrieve(self, caller: Caller, number: int) -> Action:
        """Return what a device is to install; see `actions.retrieve`."""
        found = await self.read(lambda one: actions.get(one, caller, number))
        if found.is_retrieved and found.state is ActionState.RUNNING:
            return found
        now_s = self.now_s()
        return await self.write(caller, lambda one: actions.retrieve(one, caller, number, now_s))

    def now_s(self) -> int:
        """Return the time, seconds since 1970."""
        return self.office.now_s()

    def path(self, caller: Caller, file: File) -> Path:
        """Return where a file lies."""
        return self.office.vaults.shelf(caller.tenant).path(file.sha256)

    async def _looked_up(self, look: Callable[[Connection], T]) -> T:
        """Return what a step finds, if nobody was shut out meanwhile; else it looks again."""
        while True:
            changes = self.office.desk.changes
            found = await self.office.database.read(look)
            if changes == self.office.desk.changes:
                return found

    async def _let_in(self, tenant: str, device: str, state: State | None) -> Caller | State | None:
        if state is State.PENDING:
            await self.office.desk.note_waiting(device, Via.DDI)
        if state is not State.ACCEPTED:
            return state
        caller = Caller(tenant, device, Via.DDI)
        self.office.desk.saw(caller)
        return caller
