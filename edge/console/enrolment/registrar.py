"""Gives out certificates for keys of enrolment, under an authority of each tenant's own."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from edge.certificates import issuing
from edge.certificates.requests import Wanted
from edge.console import tenants
from edge.console.audit import CONSOLE, Actor
from edge.console.desk import Via
from edge.console.devices import certificates
from edge.console.enrolment import enrol, keys, renewal
from edge.console.enrolment.authority import FILE, DeviceAuthority
from edge.console.enrolment.enrol import Enrolled, Issue
from edge.console.front_desk import FrontDesk
from edge.console.notices import Topic
from edge.console.store.database import Database
from edge.errors import RefusedError


class Registrar:
    """The registrar of one console, for the thread of its event loop.

    Attributes:
        on_authority: Told of an authority that devices may come with from now on.

    Args:
        database: Where keys and certificates are stored.
        desk: Told of devices that have come.
        folder: With a folder for each tenant.
        now_s: The time, seconds since 1970.
        lifetime: How long the certificates of devices hold.
    """

    def __init__(
        self,
        database: Database,
        desk: FrontDesk,
        folder: Path,
        *,
        now_s: Callable[[], int],
        lifetime: timedelta = issuing.OF_DEVICE,
    ) -> None:
        self.on_authority: list[Callable[[x509.Certificate], None]] = []
        self._database = database
        self._desk = desk
        self._folder = folder
        self._now_s = now_s
        self._lifetime = lifetime
        self._open: dict[str, DeviceAuthority] = {}
        self._opening = asyncio.Lock()

    async def enrol(self, key: str, wanted: Wanted) -> Enrolled:
        """Give a device a certificate for a key of enrolment; see `enrol.enrol`."""
        now_s = self._now_s()
        known = await self._database.read(lambda one: keys.known(one, key, now_s))
        authority = await self._authority(known.tenant)
        issue = _issuer(authority, now_s)
        made = await self._database.write(
            lambda one: enrol.enrol(one, key, wanted, now_s=now_s, issue=issue)
        )
        self._desk.forget(made.tenant, wanted.device)
        self._desk.stands_otherwise(wanted.device)
        self._desk.notices.tell(made.tenant, Topic.DEVICE, wanted.device)
        return made

    async def renew(self, shown: bytes, wanted: Wanted) -> Enrolled:
        """Give a device a certificate in place of its own; see `renewal.renew`.

        Args:
            shown: The one that it has, verified by TLS.
            wanted: Its request.
        """
        certificate = certificates.of_device(shown)
        caller = await self._desk.meet(certificate, Via.HTTP)
        if caller is None:
            raise RefusedError(f"{certificate.device} is not let in")
        if not (self._folder / caller.tenant / FILE).is_file():
            raise RefusedError(f"the certificate of {caller.device} is of another authority")
        authority, now_s = await self._authority(caller.tenant), self._now_s()
        made = await self._database.write(
            lambda one: renewal.renew(
                one,
                caller.tenant,
                certificate,
                wanted,
                now_s=now_s,
                issue=_issuer(authority, now_s),
                authority=authority.certificate,
            )
        )
        self._desk.stands_otherwise(caller.device)
        self._desk.notices.tell(caller.tenant, Topic.DEVICE, caller.device)
        return made

    async def _authority(self, tenant: str) -> DeviceAuthority:
        """Return the authority of a tenant, which links trust then."""
        async with self._opening:
            found = self._open.get(tenant)
            if found is None:
                found = await self._opened(tenant)
                self._open[tenant] = found
            return found

    async def _opened(self, tenant: str) -> DeviceAuthority:
        now_s = self._now_s()
        folder, now = self._folder / tenant, datetime.fromtimestamp(now_s, UTC)
        name = f"Edge devices of {tenant}"
        found = await asyncio.to_thread(
            DeviceAuthority, folder, name, now=now, lifetime=self._lifetime
        )
        actor = Actor(tenant, CONSOLE, now_s)
        is_new = await self._database.write(
            lambda one: tenants.add_authority(one, actor, found.certificate)
        )
        if is_new:
            for listener in self.on_authority:
                listener(found.certificate)
        return found


def _issuer(authority: DeviceAuthority, now_s: int) -> Issue:
    return lambda wanted: authority.issue(wanted, now=datetime.fromtimestamp(now_s, UTC))
