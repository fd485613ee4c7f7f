"""What people and programs can do with a fleet: each act stored, audited, and told to the links."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

from cryptography import x509
from sqlalchemy import Connection

from edge.console import audit, foreign, orders, releases
from edge.console.audit import Actor
from edge.console.campaigns.conductor import Conductor
from edge.console.ddi import actions, credentials
from edge.console.devices import commands, labels, registry
from edge.console.foreign import File
from edge.console.front_desk import FrontDesk
from edge.console.hooks.courier import Courier, Route
from edge.console.mqtt.desk import Admissions
from edge.console.mqtt.state import MqttState
from edge.console.notices import Topic
from edge.console.orders import Order
from edge.console.releases import FOREIGN, Release
from edge.console.repository.arrivals import Missing, Taken
from edge.console.repository.leftovers import Leftover
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.console.terminal.switchboard import Switchboard
from edge.errors import EdgeError, InputError, RefusedError
from edge_signing.commands import Command, Word
from edge_signing.errors import FormatError
from edge_signing.messages import Policy

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Office:
    """The acts of one console, for the thread of its event loop.

    Attributes:
        database: Where all is stored.
        vaults: The repositories.
        desk: What links ask.
        notices: Who is told of what changes.
        courier: Delivers webhooks.
        admissions: Whom MQTT lets in.
        campaigns: Brings releases to many devices.
        terminals: Of devices, those that are under way.
        mqtt: How MQTT is; None while there is none.
        lists_end: When the first list of revoked certificates ends; None for never.
        on_authority: Told of an authority that devices may come with from now on.
    """

    def __init__(
        self,
        database: Database,
        vaults: Vaults,
        desk: FrontDesk,
        *,
        route: Route = Route(),  # noqa: B008
        now_s: Callable[[], int] = lambda: int(time.time()),  # noqa: TID251
        word: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self.database = database
        self.vaults = vaults
        self.desk = desk
        self.notices = desk.notices
        self.courier = Courier(database, route, now_s=now_s)
        self.admissions = Admissions(database, now_s)
        self.campaigns = Conductor(
            database, vaults, desk, now_s=now_s, word=word, is_heard=self._is_heard
        )
        self.terminals = Switchboard(database, desk.notices, now_s)
        desk.on_shut_out.append(self.terminals.shut_out)
        self.mqtt: MqttState | None = None
        self.lists_end: Callable[[], datetime | None] = lambda: None
        self.on_authority: list[Callable[[x509.Certificate], None]] = []
        self._now_s = now_s
        self._word = word

    def now_s(self) -> int:
        """Return the time, seconds since 1970."""
        return self._now_s()

    def _is_heard(self) -> bool:
        """Return whether what devices say over MQTT gets here, if it is to."""
        return self.mqtt is None or self.mqtt.is_there

    async def act(
        self, actor: Actor, topic: Topic, subject: str, step: Callable[[Connection], T]
    ) -> T:
        """Do a step that writes and is audited, and tell who listens; return what it returns.

        Args:
            actor: Who acts.
            topic: What kind of thing is changed.
            subject: Its id.
            step: A step of a transaction.
        """
        found = await self.database.write(step)
        self.notices.tell(actor.tenant, topic, subject)
        self.notices.tell(actor.tenant, Topic.AUDIT, "")
        return found

    async def register(self, actor: Actor, device: str, fingerprint: bytes | None) -> None:
        """Let a device in that has not called yet; see `registry.register`."""
        await self._of_device(
            actor, device, lambda one: registry.register(one, actor, device, fingerprint)
        )

    async def accept(self, actor: Actor, device: str) -> None:
        """Let a device in; see `registry.accept`."""
        await self._of_device(actor, device, lambda one: registry.accept(one, actor, device))
        self.desk.forget(actor.tenant, device)
        self.desk.stands_otherwise(device)

    async def reject(self, actor: Actor, device: str) -> None:
        """Forget a device that waits; see `registry.reject`."""
        await self._shut_out(actor, device, registry.reject)

    async def revoke(self, actor: Actor, device: str) -> None:
        """Let a device in no longer, at once; see `registry.revoke`."""
        await self._shut_out(actor, device, registry.revoke)

    async def decommission(self, actor: Actor, device: str) -> None:
        """Put a device out of use for good; see `registry.decommission`."""
        await self._shut_out(actor, device, registry.decommission)

    async def re_enrol(self, actor: Actor, device: str, fingerprint: bytes | None) -> int:
        """Let a device in anew with another certificate; see `registry.re_enrol`."""
        epoch = await self._of_device(
            actor, device, lambda one: registry.re_enrol(one, actor, device, fingerprint)
        )
        self.desk.shut_out(actor.tenant, device)
        return epoch

    async def tag(
        self, actor: Actor, device: str, *, add: Iterable[str], remove: Iterable[str]
    ) -> list[str]:
        """Add and remove tags; see `labels.tag`."""
        return await self._of_device(
            actor, device, lambda one: labels.tag(one, actor, device, add=add, remove=remove)
        )

    async def set_attributes(
        self, actor: Actor, device: str, values: Mapping[str, str | None]
    ) -> dict[str, str]:
        """Set attributes; see `labels.set_attributes`."""
        return await self._of_device(
            actor, device, lambda one: labels.set_attributes(one, actor, device, values)
        )

    async def set_notes(self, actor: Actor, device: str, notes: str) -> None:
        """Set what people wrote of a device; see `labels.set_notes`."""
        await self._of_device(
            actor, device, lambda one: labels.set_notes(one, actor, device, notes)
        )

    async def deploy(
        self,
        actor: Actor,
        device: str,
        version: str,
        *,
        product: str = "",
        policy: Policy,
        approval: bytes = b"",
    ) -> Order:
        """Order a release of a device; see `orders.deploy`."""

        def order(connection: Connection) -> Order:
            release = releases.find(connection, actor.tenant, version, product)
            if release.kind == FOREIGN and approval:
                raise RefusedError(
                    f"{release.product} {release.version} is no Edge release:"
                    " no device checks an approval of it"
                )
            if release.kind == FOREIGN:
                return actions.deploy(
                    connection, actor, device, release, policy=policy, word=self._word
                )
            return orders.deploy(
                connection,
                actor,
                self.vaults,
                device,
                release,
                policy=policy,
                word=self._word,
                approval=approval,
            )

        made = await self._of_device(actor, device, order)
        self.desk.wants_other(actor.tenant, device)
        return made

    async def cancel_order(self, actor: Actor, device: str) -> str:
        """Take the open order of a device back, and return its action.

        A device that runs Edge is ordered to stay as it is (`orders.cancel`), one that speaks DDI
        is asked (`ddi.actions.cancel`).
        """

        def cancel(connection: Connection) -> str:
            if registry.speaks_ddi(connection, actor.tenant, device):
                return actions.cancel(connection, actor, device).action
            return orders.cancel(connection, actor, self.vaults, device, word=self._word)

        found = await self._of_device(actor, device, cancel)
        self.desk.wants_other(actor.tenant, device)
        return found

    async def make_token(self, actor: Actor, device: str) -> str:
        """Give a device a token of its own; see `ddi.credentials.make_token`."""
        made = await self._of_device(
            actor,
            device,
            lambda one: credentials.make_token(one, actor, device, secrets.token_hex),
        )
        # Who has the one of before is out at once.
        self.desk.shut_out(actor.tenant, device)
        return made

    async def remove_token(self, actor: Actor, device: str) -> None:
        """Make the token of a device useless; see `ddi.credentials.remove_token`."""
        await self._of_device(
            actor, device, lambda one: credentials.remove_token(one, actor, device)
        )
        self.desk.shut_out(actor.tenant, device)

    async def take_file(
        self, actor: Actor, product: str, version: str, file: File, place: Path
    ) -> Release:
        """Keep a file of a foreign release and store what is known of it; see `foreign.add`."""
        await self.database.read(
            lambda one: foreign.check(one, actor.tenant, product, version, file)
        )
        # Before it is known: what is known is there.
        await asyncio.to_thread(self.vaults.shelf(actor.tenant).keep, place, file.sha256)
        path = foreign.path_of(product, version)
        return await self.act(
            actor,
            Topic.RELEASE,
            path,
            lambda one: foreign.add(one, actor, product, version, file),
        )

    async def ask(
        self,
        actor: Actor,
        device: str,
        word: Word,
        *,
        service: str = "",
        lines: int = 0,
        expires_s: int,
    ) -> str:
        """Ask something of a device, once; return the id of the command. See `commands.ask`."""
        id_ = f"{word}-{self._word()}{self._word()}"
        try:
            command = Command(id_, word, actor.now_s + expires_s, expires_s, service, lines)
        except FormatError as error:
            raise InputError(str(error)) from error
        await self._of_device(actor, device, lambda one: commands.ask(one, actor, device, command))
        self.desk.asks(actor.tenant, device)
        return id_

    async def expire_commands(self, tenant: str) -> int:
        """Give up commands that were not answered in time; return of how many devices."""
        now_s = self._now_s()
        if not await self.database.read(lambda one: commands.is_any_due(one, tenant, now_s)):
            return 0
        devices = await self.database.write(lambda one: commands.expire(one, tenant, now_s))
        for device in devices:
            self.notices.tell(tenant, Topic.DEVICE, device)
        return len(devices)

    async def take_bundle(self, actor: Actor, bundle: Path) -> list[Release]:
        """Verify a bundle and store what it brings; return the releases that it changed."""
        vault, now = self.vaults.of(actor.tenant), self._now()
        found = await asyncio.to_thread(vault.take, bundle, now=now)
        return await self._take(actor, found)

    async def take_object(self, actor: Actor, sha256: str, stream: BinaryIO) -> list[Release]:
        """Store a file that a release names; return the releases that it changed."""
        vault, now = self.vaults.of(actor.tenant), self._now()
        found = await asyncio.to_thread(vault.put, sha256, stream, now=now)
        return await self._take(actor, found)

    async def missing(self, tenant: str) -> list[Missing]:
        """Return the files that releases name and that are not here."""
        return await asyncio.to_thread(self.vaults.of(tenant).missing)

    async def collect(self, actor: Actor, *, keep_s: int, is_trial: bool) -> list[Leftover]:
        """Remove files of the repository that nothing names any more; see `Vault.collect`."""
        vault, before = self.vaults.of(actor.tenant), self._now() - timedelta(seconds=keep_s)
        found = await asyncio.to_thread(vault.collect, before=before, is_trial=is_trial)
        if found and not is_trial:
            sizes = sum(one.length_bytes for one in found)
            details: dict[str, object] = {"files": len(found), "bytes": sizes}
            await self.database.write(
                lambda one: audit.record(one, actor, "repository.collect", "repository", details)
            )
        return found

    async def renew_orders(self, tenant: str) -> int:
        """Sign open orders anew that would expire before long; return how many."""
        now_s = self._now_s()
        due = await self.database.read(lambda one: orders.due(one, tenant, now_s))
        renewed = 0
        for device in due:
            try:
                await self.desk.renew(tenant, device)
            except EdgeError as error:
                logger.warning("%s: the order is not signed anew: %s", device, error)
                continue
            self.desk.wants_other(tenant, device)
            renewed += 1
        return renewed

    async def refresh(self, tenant: str) -> bool:
        """Sign the repository's snapshot and timestamp anew if it is time."""
        return await asyncio.to_thread(self.vaults.of(tenant).refresh, now=self._now())

    async def _take(self, actor: Actor, found: Taken) -> list[Release]:
        def store(connection: Connection) -> list[Release]:
            changed = releases.take(connection, actor, found.releases)
            releases.record_sboms(connection, actor, found.sboms)
            return changed

        changed = await self.database.write(store)
        for path in {*(one.path for one in changed), *map(releases.path_of_sbom, found.sboms)}:
            self.notices.tell(actor.tenant, Topic.RELEASE, path)
        return changed

    async def _shut_out(
        self, actor: Actor, device: str, act: Callable[[Connection, Actor, str], None]
    ) -> None:
        await self._of_device(actor, device, lambda one: act(one, actor, device))
        self.desk.shut_out(actor.tenant, device)

    async def _of_device(self, actor: Actor, device: str, step: Callable[[Connection], T]) -> T:
        return await self.act(actor, Topic.DEVICE, device, step)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._now_s(), UTC)
