"""The members of a tar that somebody else made, one after the other, with nothing taken on trust.

Python's reader is kept on a short lead: what it may read ahead of the next content is bounded, so
that no chain of long headers fills the memory, and a damaged header is an error, not the end.
An end that is missing (umoci leaves it off) is made up, but never inside a file.
"""

import hashlib
import tarfile
from collections.abc import Iterator
from typing import IO, Self

from edge.errors import RefusedError, UntrustedError
from edge.oci.limits import MIB, SETTING, Limits

Member = tuple[tarfile.TarInfo, IO[bytes] | None]
_READ_BYTES = 1 << 16
_END = bytes(2 * tarfile.BLOCKSIZE)


class Supply:
    """The bytes of a tar on their way to the reader: counted, hashed if asked, bounded.

    Args:
        stream: Where they come from, decompressed.
        most_bytes: All of them together.
        is_hashed: Whether `digest` is wanted.
    """

    def __init__(self, stream: IO[bytes], *, most_bytes: int, is_hashed: bool = False) -> None:
        self._stream = stream
        self._most_bytes = most_bytes
        self._hash = hashlib.sha256() if is_hashed else None
        self._end = _END
        self.allowed_bytes = 0
        self.position_bytes = 0
        self.is_inside = False  # a file: its end can not be made up

    def read(self, size: int) -> bytes:
        """Return the next bytes, the end that was left off included.

        Raises:
            RefusedError: It is more than allowed.
        """
        data = self._next(size)
        if not data and not self.is_inside:
            data, self._end = self._end[:size], self._end[size:]
        return data

    def _next(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.position_bytes += len(data)
        if self.position_bytes > self._most_bytes:
            raise RefusedError(
                f"unpacks to more than {self._most_bytes / MIB:.1f} MiB",
                hint=f"if it is meant to, set {SETTING}",
            )
        if self.position_bytes > self.allowed_bytes:
            raise RefusedError("the names and attributes of one file are out of all measure")
        if self._hash is not None:
            self._hash.update(data)
        return data

    def drain(self) -> None:
        """Read what follows the last member.

        Raises:
            RefusedError: It is more than allowed.
        """
        self.allowed_bytes = self._most_bytes
        while self._next(_READ_BYTES):
            pass

    @property
    def digest(self) -> str:
        """Return the digest of all that was read; empty if it was not asked for."""
        return f"sha256:{self._hash.hexdigest()}" if self._hash else ""


class _EndError(Exception):
    """The end of the archive."""


class _Header(tarfile.TarInfo):
    """A header that holds, or an error: Python's reader takes a damaged one for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        if not any(buf):
            raise _EndError
        return super().frombuf(buf, encoding, errors)

    @classmethod
    def fromtarfile(cls, tarfile: "tarfile.TarFile") -> Self:
        try:
            return super().fromtarfile(tarfile)
        except _HEADER_ERROR as error:
            raise UntrustedError(f"it is damaged at byte {tarfile.offset}: {error}") from error


_HEADER_ERROR = tarfile.HeaderError


def members(supply: Supply, limits: Limits) -> Iterator[Member]:
    """Give each member with its content; the content is to be read before the next one.

    Raises:
        UntrustedError: It is damaged or ends early.
        RefusedError: It is out of all measure.
    """
    try:
        yield from _members(supply, limits)
    except _EndError:
        pass
    except RecursionError as error:
        raise RefusedError("headers of headers without end") from error
    except (tarfile.TarError, UnicodeError, ValueError, OverflowError) as error:
        raise UntrustedError(f"it is damaged: {error}") from error
    supply.drain()


def _members(supply: Supply, limits: Limits) -> Iterator[Member]:
    lead_bytes = _READ_BYTES + limits.header_bytes
    supply.allowed_bytes = lead_bytes
    with tarfile.open(  # type: ignore[call-overload]
        fileobj=supply,
        mode="r|",
        bufsize=_READ_BYTES,
        tarinfo=_Header,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        while True:
            supply.allowed_bytes, supply.is_inside = archive.offset + lead_bytes, False
            header = archive.next()
            if header is None:
                return
            archive.members.clear()  # they are remembered for extraction, which nobody wants here
            supply.allowed_bytes, supply.is_inside = archive.offset + _READ_BYTES, True
            yield header, archive.extractfile(header) if header.isreg() else None
