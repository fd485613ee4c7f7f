"""A hash that is none, and tells how often it was asked."""

from collections.abc import Callable

from argon2.exceptions import VerifyMismatchError


class Counted:
    """A hash that counts what it is asked.

    Attributes:
        verified: The hashes that passwords were compared with.
        meanwhile: Done while it works.
    """

    def __init__(self) -> None:
        self.verified: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify(self, hash: str, password: str) -> bool:
        self.verified.append(hash)
        self.meanwhile()
        if hash != f"hash of {password}":
            raise VerifyMismatchError
        return True

    def check_needs_rehash(self, hash: str) -> bool:
        del hash
        return False
