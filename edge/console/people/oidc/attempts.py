"""Attempts to log in at a provider: bound to one browser, for a while, once.

All that an attempt needs is made of one secret, which stands in a cookie of the browser: the
server keeps nothing that others could fill. State, nonce and the verifier of PKCE are digests of
it, so that who sees one of them knows neither the others nor the secret.

Sources: OpenID Connect Core 1.0 §3.1, RFC 7636 §4, RFC 9700 §2.1.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge.console.people.oidc.provider import OidcError

HOLDS_S: Final = 600
_SECRET_BYTES: Final = 32
_USED_MOST: Final = 10_000
_PATH_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt of one browser.

    Attributes:
        path: Where it wants to go, on this server.
    """

    secret: str = field(repr=False)
    path: str

    @property
    def state(self) -> str:
        """What comes back with the answer of the provider."""
        return _digest(self.secret, "state")

    @property
    def nonce(self) -> str:
        """What the provider puts into its token."""
        return _digest(self.secret, "nonce")

    @property
    def verifier(self) -> str:
        """What shows that who asks for the token is who began."""
        return _digest(self.secret, "verifier")

    @property
    def challenge(self) -> str:
        """The digest of the verifier (RFC 7636 §4.2, S256)."""
        made = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


class Attempts:
    """The attempts of one console, for the thread of its event loop.

    Args:
        now_s: The time, seconds since 1970.
        noise: Returns so many random bytes in hex.
    """

    def __init__(self, now_s: Callable[[], int], noise: Callable[[int], str]) -> None:
        self._now_s = now_s
        self._noise = noise
        self._key = noise(_SECRET_BYTES)
        self._used: OrderedDict[str, None] = OrderedDict()

    def begin(self, path: str) -> tuple[Attempt, str]:
        """Return a new attempt, and its cookie.

        Args:
            path: Where somebody wants to go; anything else than a path of this server is none.
        """
        made = Attempt(self._noise(_SECRET_BYTES), local(path))
        said = base64.urlsafe_b64encode(made.path.encode()).decode().rstrip("=")
        text = f"{made.secret}.{self._now_s()}.{said}"
        return made, f"{text}.{_digest(self._key, text)}"

    def end(self, cookie: str, state: str) -> Attempt:
        """Return the attempt of a cookie, which can not be used again.

        Raises:
            OidcError: It is none of this console, too old, was used, or another one's state.
        """
        text, _dot, seal = cookie.rpartition(".")
        if not _is_same(seal, _digest(self._key, text)):
            raise OidcError("state", "this browser has not begun to log in here")
        secret, at_s, said = text.split(".")
        found = Attempt(secret, base64.urlsafe_b64decode(f"{said}===").decode())
        if not _is_same(state, found.state):
            raise OidcError("state", "that is the answer to another attempt")
        if self._now_s() - int(at_s) > HOLDS_S:
            raise OidcError("late", "it took too long")
        if found.state in self._used:
            raise OidcError("state", "the attempt was used")
        self._used[found.state] = None
        while len(self._used) > _USED_MOST:
            self._used.popitem(last=False)
        return found


def local(path: str) -> str:
    """Return a path of this server, `/` for anything that a browser could take for another's."""
    is_local = path.startswith("/") and not path.startswith("//") and len(path) <= _PATH_MOST
    is_plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if is_local and is_plain else "/"


def _is_same(said: str, wanted: str) -> bool:
    return hmac.compare_digest(said.encode(errors="surrogateescape"), wanted.encode())


def _digest(secret: str, text: str) -> str:
    return hmac.new(
        secret.encode(), text.encode(errors="surrogateescape"), hashlib.sha256
    ).hexdigest()
