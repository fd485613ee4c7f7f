"""Passwords: which ones are taken, and their slow hashes.

Source: RFC 9106 §4, the second recommended parameters, which are the library's own; NIST SP
800-63B §5.1.1.2 (length counts, composition does not; normalised).
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from edge.errors import InputError

T = TypeVar("T")

LEAST: Final = 12
MOST: Final = 200
_DIFFERENT_LEAST: Final = 5
# Each hash takes 64 MiB while it is made.
_AT_ONCE: Final = 2


class Hasher(Protocol):
    """A slow hash with its parameters and salt in its text: `argon2.PasswordHasher`."""

    def hash(self, password: str) -> str:
        """Return the hash of a password."""

    def verify(self, hash: str, password: str) -> bool:
        """Return True.

        Raises:
            VerificationError: It is another password.
            InvalidHashError: It is no hash.
        """

    def check_needs_rehash(self, hash: str) -> bool:
        """Whether it was made with other parameters."""


class Passwords:
    """Makes and checks hashes in threads, as many at once as memory is meant for.

    Args:
        hasher: The hash.
    """

    def __init__(self, hasher: Hasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="edge-passwords")
        self._nobodys: str | None = None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    async def hashed(self, password: str) -> str:
        """Return the hash of a password that was checked."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def is_right(self, stored: str, password: str) -> bool:
        """Whether a password is the one that was stored.

        Takes as long when nothing was stored: who asks does not learn whether there is somebody.
        """
        return await self._run(lambda: self._is_right(stored, password))

    def is_old(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    def _is_right(self, stored: str, password: str) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash("the password of nobody")
        try:
            is_same = self._hasher.verify(stored or self._nobodys, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return is_same and bool(stored)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def check(password: str, *names: str) -> None:
    """Refuse a password that is too easy.

    Args:
        password: What somebody chose.
        names: Those of the person.

    Raises:
        InputError: It is.
    """
    text = _normal(password)
    if not LEAST <= len(text) <= MOST:
        raise InputError(f"password: not {LEAST} to {MOST} characters")
    if len(set(text)) < _DIFFERENT_LEAST:
        raise InputError(f"password: fewer than {_DIFFERENT_LEAST} different characters")
    if text.casefold() in {_normal(name).casefold() for name in names}:
        raise InputError("password: it is the name")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
