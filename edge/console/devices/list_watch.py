"""Lists of revoked certificates, and who signs them: looked at again and again as they change.

Some are files of an operator, one is the console's own.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from edge.console.devices import revocation
from edge.console.devices.revocation import Lists, RevocationList
from edge.errors import InputError

# The broker is without a list that ends before it would refuse all devices for it.
MARGIN: Final = timedelta(minutes=2)
_AHEAD: Final = timedelta(days=7)
_AGAIN: Final = timedelta(hours=1)
_SHARE: Final = 4

logger = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _File:
    path: Path
    stamp: _Stamp | None = None
    found: RevocationList | None = None


Authorities = Sequence[x509.Certificate]


async def _nothing() -> RevocationList | None:
    return None


class ListWatch:
    """The files that an operator named, and what they say.

    Args:
        paths: The files.
        authorities: Returns those that sign the certificates of devices now.
        take: Takes what the lists say together, and the authorities, when that is something else.
        own: Returns the list that the console makes itself, if it makes one.
        now: Returns the time.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        authorities: Callable[[], Awaitable[Authorities]],
        take: Callable[[Lists, Authorities], Awaitable[None]],
        *,
        own: Callable[[], Awaitable[RevocationList | None]] = _nothing,
        now: Callable[[], datetime],
    ) -> None:
        self._files = [_File(one) for one in paths]
        self._read_authorities, self._own = authorities, own
        self._authorities: Authorities = ()
        self._take, self._now = take, now
        self._taken: tuple[Lists, Authorities] | None = None
        self._told: datetime | None = None

    @property
    def ends(self) -> datetime | None:
        """When the first of the lists ends."""
        return min((one.ends for one in self._lists() if one.ends is not None), default=None)

    async def begin(self) -> None:
        """Read all files for the first time.

        Raises:
            InputError: One can not be read, or is no list of an authority that is known.
        """
        self._authorities = await self._read_authorities()
        for one in self._files:
            one.stamp = _stamp(one.path)
            one.found = self._read(one.path)
        await self.look()

    async def look(self) -> None:
        """Read what has changed, hand it on, and warn of what ends.

        A file that is gone, wrong or older than what was read of it changes nothing.
        """
        self._authorities = await self._read_authorities()
        for one in self._files:
            self._look_at(one)
        own = await self._own()
        lists = self._newest() if own is None else [*self._newest(), own]
        said = revocation.together(lists, self._authorities, self._now() + MARGIN)
        if self._taken != (said, self._authorities):
            # Not taken before it is done: what fails is tried again.
            await self._take(said, self._authorities)
            self._taken = said, self._authorities
        self._warn()

    def _look_at(self, one: _File) -> None:
        try:
            stamp = _stamp(one.path)
            if stamp == one.stamp:
                return
            one.stamp = stamp
            found = self._read(one.path)
        except InputError as error:
            self._keep(one, str(error))
            return
        if one.found is not None and found.begins < one.found.begins:
            self._keep(one, f"{one.path}: older than the list before it")
            return
        one.found = found
        logger.info("%s: %s revoked certificates", one.path, len(found.numbers))

    def _keep(self, one: _File, reason: str) -> None:
        if one.stamp is not None:
            logger.error("%s; the list of before holds", reason)
        if not one.path.is_file():
            one.stamp = None

    def _read(self, path: Path) -> RevocationList:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        return revocation.read(data, str(path), self._authorities)

    def _lists(self) -> list[RevocationList]:
        return [one.found for one in self._files if one.found is not None]

    def _newest(self) -> list[RevocationList]:
        """Return one list of each authority."""
        newest = {one.issuer: one for one in sorted(self._lists(), key=lambda one: one.begins)}
        return list(newest.values())

    def _warn(self) -> None:
        now = self._now()
        if self._told is not None and now < self._told + _AGAIN:
            return
        for one in self._newest():
            if one.ends is None or now < one.ends - _ahead(one.begins, one.ends):
                continue
            self._told = now
            if now + MARGIN >= one.ends:
                logger.error(
                    "%s has ended at %s: devices with a retired certificate are served by HTTP"
                    " alone until there is a new one",
                    one.place,
                    one.ends,
                )
            else:
                logger.warning("%s ends at %s: put a new list there before", one.place, one.ends)
        if self._files and self._taken and not self._taken[0].pem and self._told is None:
            self._told = now
            logger.warning(
                "the broker is given no list: not each authority has one that is current"
            )


def _ahead(begins: datetime, ends: datetime) -> timedelta:
    return min(_AHEAD, (ends - begins) / _SHARE)


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return found.st_mtime_ns, found.st_size, found.st_ino
