"""The desk of the console: who is let in, and what messages mean, over the store.

What a poll needs is kept in memory, so that a device that has nothing new costs no query. One
process has the database for itself; whatever changes a device tells it here (`forget`).
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography import x509
from sqlalchemy import Connection, bindparam, select, update

from edge.console import orders
from edge.console.desk import Caller, Desk, Via
from edge.console.devices import commands, doubles, registry, reports
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number
from edge.console.devices.states import State
from edge.console.factory import knocking
from edge.console.notices import Notices, Topic
from edge.console.orders import Director
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database, StoreError
from edge.console.store.tables import CERTIFICATES, DEVICES, SIGHTINGS
from edge.errors import EdgeError, ThingNotFoundError
from edge_signing.commands import Command, Reply
from edge_signing.messages import EventId, ReportEvent, Status, Want
from edge_signing.repository_file import check_file

_KNOWN_MOST: Final = 1_000_000
_ASK_AGAIN_S: Final = 600
_NEVER_S: Final = 1 << 60
Listener = Callable[[str, str], None]
Chain = Sequence[x509.Certificate]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    """What polls need to know of a device that is let in."""

    tenant: str
    device: str
    desired: bytes | None
    renew_at_s: int
    is_noted: bool
    asked_until_s: int = 0
    boot_id: str = ""


class FrontDesk(Desk):
    """The desk of one console, for the thread of its event loop.

    Attributes:
        on_shut_out: Told the tenant and the device when one is let in no longer.
        on_desired: Told when something else is wanted of a device.
        on_standing: Told the device when it may be let in by other links than before.
        is_revoked: Whether a certificate is on a list of revoked ones.
        listed: Returns all that are on one.
        on_asked: Told when a device is asked something once.
        notices: Who is told of what changes.

    Args:
        database: Where all is stored.
        vaults: The repositories.
        now_s: The time, seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        vaults: Vaults,
        *,
        now_s: Callable[[], int] = lambda: int(time.time()),  # noqa: TID251
    ) -> None:
        self.on_shut_out: list[Listener] = []
        self.on_desired: list[Listener] = []
        self.on_standing: list[Callable[[str], None]] = []
        self.is_revoked: Callable[[Certificate], bool] = lambda _one: False
        self.listed: Callable[[], Collection[Number]] = tuple
        self.on_asked: list[Listener] = []
        self.notices = Notices()
        self._database = database
        self._vaults = vaults
        self._now_s = now_s
        self._known: dict[bytes, _Known] = {}
        self._certificates: dict[tuple[str, str], bytes] = {}
        self._seen: dict[tuple[str, str], tuple[int, Via]] = {}
        # What was read before a change is not kept after it.
        self._changes = 0

    async def caller(self, device: str, fingerprint: bytes, via: Via) -> Caller | None:
        """Return who calls; see `edge.console.desk.Desk`."""
        known = self._known.get(fingerprint)
        if known is None:
            known = await self._looked_up(fingerprint)
        if known is None:
            return None
        if known.device != device:
            return None
        found = Caller(known.tenant, device, via)
        self.saw(found)
        return found

    @property
    def changes(self) -> int:
        """How often something of a device was changed: what was read before may not be so now."""
        return self._changes

    def saw(self, caller: Caller) -> None:
        """Note that a device called, also one that shows something else than a certificate."""
        self._seen[caller.tenant, caller.device] = self._now_s(), caller.via

    async def meet(
        self, certificate: Certificate, via: Via, between: Callable[[], Chain] = tuple
    ) -> Caller | None:
        """Return the caller with a certificate; one that nobody knows waits to be accepted.

        Args:
            certificate: Verified by TLS, under the authority of one of the tenants.
            via: The link.
            between: Returns what it showed above that, verified too.
        """
        if self.is_revoked(certificate):
            return None
        device = certificate.device
        found = await self.caller(device, certificate.fingerprint, via)
        if found is not None:
            await self._note(certificate)
            return found
        now_s = self._now_s()
        state = await self._database.read(lambda one: _stands(one, certificate))
        if state is None:
            shown, listed = between(), self.listed()
            state = await self._database.write(
                lambda one: knocking.meet(one, certificate, now_s, between=shown, listed=listed)
            )
            # Another certificate may have been its own until now.
            self._changes += 1
            self.stands_otherwise(device)
        if state in (State.PENDING, State.QUARANTINED):
            await self.note_waiting(device, via)
        if state is not State.ACCEPTED:
            return None
        return await self.caller(device, certificate.fingerprint, via)

    async def desired(self, caller: Caller) -> bytes | None:
        """Return what is wanted of a device; see `edge.console.desk.Desk`."""
        known = self._of(caller)
        if known is not None and self._now_s() < known.renew_at_s:
            return known.desired
        try:
            return await self.renew(caller.tenant, caller.device)
        except StoreError:
            raise
        except EdgeError as error:
            # The order that there is holds until it expires; the device decides.
            logger.warning("%s: the order is not signed anew: %s", caller.device, error)
            return await self._database.read(lambda one: _desired_of(one, caller))

    async def renew(self, tenant: str, device: str) -> bytes | None:
        """Return what is wanted of a device, signed anew if it is time."""
        now_s, changes = self._now_s(), self._changes
        director: Director = self._vaults
        found = await self._database.write(
            lambda one: (
                orders.renew(one, director, tenant, device, now_s),
                registry.get(one, tenant, device).desired_renew_at_s,
            )
        )
        certificate = self._certificates.get((tenant, device), b"")
        known = self._known.get(certificate)
        if known is not None and changes == self._changes:
            known.desired = found[0]
            # Nothing is signed anew for an order that has ended: asked again after a while.
            known.renew_at_s = max(int(found[1]), now_s + _ASK_AGAIN_S)
        return found[0]

    async def hear(self, caller: Caller, boot_id: str, address: str = "") -> bool:
        """Note which start of a device says something; whether it is let in still.

        It is not if two devices have its key; see `edge.console.devices.doubles`.
        """
        known = self._of(caller)
        if known is None or known.boot_id == boot_id:
            return True
        now_s, known.boot_id = self._now_s(), boot_id
        if not await self._database.write(
            lambda one: doubles.hear(one, caller, boot_id, address, now_s)
        ):
            return True
        self.shut_out(caller.tenant, caller.device)
        self._tell_of(caller)
        return False

    async def take_status(self, caller: Caller, status: Status) -> None:
        """Store a status; see `edge.console.desk.Desk`."""
        if not await self.hear(caller, status.boot_id):
            return
        now_s = self._now_s()
        step = partial(reports.take_status, caller=caller, status=status, now_s=now_s)
        if await self._database.write(step):
            self._tell_of(caller)

    async def take_events(self, caller: Caller, events: Sequence[ReportEvent]) -> list[EventId]:
        """Store events; see `edge.console.desk.Desk`."""
        now_s = self._now_s()
        stored = await self._database.write(
            lambda one: reports.take_events(one, caller, events, now_s)
        )
        self._tell_of(caller)
        return stored

    async def take_online(self, caller: Caller, boot_id: str, *, is_online: bool) -> None:
        """Store a birth or a will; see `edge.console.desk.Desk`."""
        if is_online and not await self.hear(caller, boot_id):
            return
        step = partial(reports.take_online, caller=caller, boot_id=boot_id, is_online=is_online)
        if await self._database.write(step):
            self._tell_of(caller)

    def has_commands(self, caller: Caller) -> bool:
        """Return whether something is asked of a device, as far as is known without a query."""
        known = self._of(caller)
        return known is not None and self._now_s() < known.asked_until_s

    async def commands(self, caller: Caller) -> Sequence[Command]:
        """Return what is asked of a device; see `edge.console.desk.Desk`."""
        if not self.has_commands(caller):
            return ()
        tenant, device, now_s = caller.tenant, caller.device, self._now_s()
        return await self._database.read(lambda one: commands.open_of(one, tenant, device, now_s))

    async def take_reply(self, caller: Caller, reply: Reply) -> None:
        """Store a part of an answer; see `edge.console.desk.Desk`."""
        now_s = self._now_s()
        # Read first: what nobody waits for costs no transaction that writes.
        if not await self._database.read(
            lambda one: commands.is_waited_for(one, caller, reply.command)
        ):
            return
        if await self._database.write(lambda one: commands.take_reply(one, caller, reply, now_s)):
            self.forget(caller.tenant, caller.device)
            self._tell_of(caller)

    async def block(self, caller: Caller, want: Want) -> bytes:
        """Return a block of a repository's file; see `edge.console.desk.Desk`."""
        path = self._vaults.of(caller.tenant).repository.folder / check_file(want.name)

        def read(_connection: Connection) -> bytes:
            if not path.is_file():
                raise ThingNotFoundError(f"{want.name}: not in the repository")
            with path.open("rb") as stream:
                stream.seek(want.offset_bytes)
                return stream.read(want.length_bytes)

        return await self._database.read(read)

    def forget(self, tenant: str, device: str) -> None:
        """Look a device up anew when it calls: something of it was changed."""
        self._changes += 1
        certificate = self._certificates.pop((tenant, device), None)
        if certificate is not None:
            self._known.pop(certificate, None)

    def shut_out(self, tenant: str, device: str) -> None:
        """Let a device in no longer, at once: the links hear of it."""
        self.forget(tenant, device)
        for listener in self.on_shut_out:
            listener(tenant, device)
        self.stands_otherwise(device)

    def stands_otherwise(self, device: str) -> None:
        """Tell the links that a device may be let in, or not, by other reasons than before."""
        for listener in self.on_standing:
            listener(device)

    def wants_other(self, tenant: str, device: str) -> None:
        """Tell the links that something else is wanted of a device."""
        self.forget(tenant, device)
        for listener in self.on_desired:
            listener(tenant, device)

    def asks(self, tenant: str, device: str) -> None:
        """Tell the links that a device is asked something once."""
        self.forget(tenant, device)
        for listener in self.on_asked:
            listener(tenant, device)

    async def store_sightings(self) -> int:
        """Store who called since the last time, all at once; return how many that were."""
        seen, self._seen = self._seen, {}
        if seen:
            await self._database.write(lambda one: _store_seen(one, seen))
        return len(seen)

    async def _note(self, certificate: Certificate) -> None:
        """Store what a certificate says that was known by its fingerprint only."""
        known = self._known.get(certificate.fingerprint)
        if known is None or known.is_noted:
            return
        now_s = self._now_s()
        await self._database.write(lambda one: registry.note(one, certificate, now_s))
        known.is_noted = True
        self.stands_otherwise(certificate.device)

    def _tell_of(self, caller: Caller) -> None:
        self.notices.tell(caller.tenant, Topic.DEVICE, caller.device)

    async def note_waiting(self, device: str, via: Via) -> None:
        """Note that a device called that waits to be accepted."""
        now_s = self._now_s()

        def note(connection: Connection) -> str | None:
            asked = select(DEVICES.c.tenant).where(DEVICES.c.device == device)
            tenant = connection.scalar(asked)
            if tenant is not None:
                _store_seen(connection, {(tenant, device): (now_s, via)})
            return tenant

        tenant = await self._database.write(note)
        if tenant is not None:
            self.notices.tell(tenant, Topic.DEVICE, device)

    async def _looked_up(self, fingerprint: bytes) -> _Known | None:
        while True:
            changes = self._changes
            known = await self._database.read(lambda one: _known_by(one, fingerprint))
            if changes == self._changes:
                break
        if known is not None:
            self._remember(fingerprint, known)
        return known

    def _of(self, caller: Caller) -> _Known | None:
        return self._known.get(self._certificates.get((caller.tenant, caller.device), b""))

    def _remember(self, fingerprint: bytes, known: _Known) -> None:
        if len(self._known) >= _KNOWN_MOST:
            self._known.clear()
            self._certificates.clear()
        before = self._certificates.get((known.tenant, known.device), fingerprint)
        if before != fingerprint:
            self._known.pop(before, None)
        self._known[fingerprint] = known
        self._certificates[known.tenant, known.device] = fingerprint


def _known_by(connection: Connection, fingerprint: bytes) -> _Known | None:
    asked = select(DEVICES).where(
        DEVICES.c.fingerprint == fingerprint.hex(), DEVICES.c.state == State.ACCEPTED
    )
    row = connection.execute(asked).first()
    if row is None:
        return None
    desired = None if row.desired is None else bytes(row.desired)
    renew_at_s = row.desired_renew_at_s if desired else _NEVER_S
    noted = select(CERTIFICATES.c.device).where(
        CERTIFICATES.c.tenant == row.tenant, CERTIFICATES.c.fingerprint == row.fingerprint
    )
    is_noted = connection.execute(noted).first() is not None
    asked_until_s = commands.asked_until_s(connection, row.tenant, row.device)
    return _Known(
        *(row.tenant, row.device, desired, renew_at_s, is_noted, asked_until_s, row.boot_id)
    )


def _desired_of(connection: Connection, caller: Caller) -> bytes | None:
    found = registry.get(connection, caller.tenant, caller.device).desired
    return None if found is None else bytes(found)


def _stands(connection: Connection, certificate: Certificate) -> State | None:
    """Return how a device stands whose certificate is known: most calls need no writing."""
    same = (
        DEVICES.c.device == certificate.device,
        DEVICES.c.fingerprint == certificate.fingerprint.hex(),
    )
    found = connection.scalar(select(DEVICES.c.state).where(*same))
    return None if found is None else State(found)


def _store_seen(connection: Connection, seen: dict[tuple[str, str], tuple[int, Via]]) -> None:
    same = (SIGHTINGS.c.tenant == bindparam("of_tenant"), SIGHTINGS.c.device == bindparam("of"))
    rows = [
        {"of_tenant": tenant, "of": device, "last_seen_s": at_s, "via": via}
        for (tenant, device), (at_s, via) in seen.items()
    ]
    connection.execute(update(SIGHTINGS).where(*same), rows)
    first = (*same, SIGHTINGS.c.first_seen_s == 0)
    new = [
        {"of_tenant": row["of_tenant"], "of": row["of"], "first_seen_s": row["last_seen_s"]}
        for row in rows
    ]
    connection.execute(update(SIGHTINGS).where(*first), new)
