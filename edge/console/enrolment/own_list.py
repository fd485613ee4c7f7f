"""The list of revoked certificates of the console's own authority, which it makes itself."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from edge.console.devices import papers, revocation
from edge.console.devices.revocation import RevocationList
from edge.console.enrolment.authority import FILE, DeviceAuthority
from edge.console.store.database import Database
from edge.console.store.tables import CERTIFICATES, RETIRED

_RENEW: Final = timedelta(days=1)


class OwnList:
    """The list of a tenant's authority, made anew when it has to say more, and each day.

    Args:
        database: Where retired certificates are stored.
        tenant: Whose authority it is.
        folder: Of that authority, which may come later.
        now: Returns the time.
    """

    def __init__(
        self, database: Database, tenant: str, folder: Path, *, now: Callable[[], datetime]
    ) -> None:
        self._database, self._tenant, self._folder = database, tenant, folder
        self._now = now
        self._authority: DeviceAuthority | None = None
        self._made: RevocationList | None = None

    async def look(self) -> RevocationList | None:
        """Return the list; None while there is no such authority."""
        authority = self._authority
        if authority is None:
            if not (self._folder / FILE).is_file():
                return None
            # It is there, so that its name and its time are not asked for.
            authority = await asyncio.to_thread(DeviceAuthority, self._folder, "", now=self._now())
            self._authority = authority
        issuer = papers.number_of(0, authority.certificate).issuer
        now_s = int(self._now().timestamp())
        serials = await self._database.read(lambda one: _retired(one, self._tenant, issuer, now_s))
        made = self._made
        if made is None or not self._says(made, serials):
            pem = authority.revoked([int(one, 16) for one in serials], now=self._now())
            made = revocation.read(pem, "the console's own list", [authority.certificate])
            self._made = made
        return made

    def _says(self, made: RevocationList, serials: list[str]) -> bool:
        is_same = sorted(one.serial for one in made.numbers) == serials
        return is_same and made.begins <= self._now() < made.begins + _RENEW


def _retired(connection: Connection, tenant: str, issuer: str, now_s: int) -> list[str]:
    """Return the serial numbers that the list has to name: what has expired is taken by nobody."""
    same = (RETIRED.c.tenant == CERTIFICATES.c.tenant) & (
        RETIRED.c.fingerprint == CERTIFICATES.c.fingerprint
    )
    asked = select(CERTIFICATES.c.serial).join(RETIRED, same)
    ours = (
        CERTIFICATES.c.tenant == tenant,
        CERTIFICATES.c.issuer == issuer,
        CERTIFICATES.c.ends_at_s >= now_s,
    )
    return sorted(connection.scalars(asked.where(*ours)))
