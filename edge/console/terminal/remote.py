"""A terminal of a device through the API of a console: what is typed goes, what is shown comes.

Two connections are kept, so that a key costs no handshake: one waits for what comes, one brings
what is said.
"""

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509

from edge.console.client import Client, KeptClient, part
from edge.console.terminal.person import Person
from edge.errors import LinkError, RefusedError, ThingNotFoundError
from edge_signing.terminal.frames import Frame, Size
from edge_signing.terminal.parcels import Kind

WAIT_S: Final = 20
_AWAY_S: Final = 15.0
_AGAIN_S: Final = 0.3


@dataclass(slots=True)
class Remote:
    """One session.

    Attributes:
        person: Has the keys.
        ended: Why the console says that it is over; empty while it is not.
    """

    client: Client
    person: Person
    authority: x509.Certificate | None = None
    ended: str = ""
    _next: int = 0
    _after: int = -1
    _hearing: KeptClient = field(init=False)
    _speaking: KeptClient = field(init=False)

    def __post_init__(self) -> None:
        self._hearing, self._speaking = KeptClient(self.client), KeptClient(self.client)

    @property
    def path(self) -> str:
        """Where it is, below the API."""
        grant = self.person.signed.grant
        return f"/devices/{part(grant.device)}/terminals/{part(grant.session)}"

    def open(self, timeout_s: float) -> None:
        """Ask for the session, and wait until the device has answered.

        Raises:
            RefusedError: The device does not want to.
            LinkError: It has not answered in time.
            UntrustedError: Somebody else has answered.
            EdgeError: The console says no, or can not be reached.
        """
        body = {
            "grant": self.person.signed.pack().decode(),
            "checked_by": "console" if self.authority is None else "factory",
        }
        self._speaking.send("POST", self.path.rpartition("/")[0], body)
        end_s = time.monotonic() + timeout_s
        try:
            while time.monotonic() < end_s:
                for kind, content in self._heard(min(WAIT_S, end_s - time.monotonic())):
                    if kind is Kind.ANSWER:
                        self.person.take_answer(content, self.authority)
                        return
                if self.ended:
                    raise RefusedError(
                        f"{self.person.signed.grant.device}: {self.ended}",
                        hint="`reach.terminal` in its agent.json says who may open one",
                    )
            raise LinkError(
                f"{self.person.signed.grant.device}: no answer within {timeout_s:g} s",
                hint="a device that polls needs more than its poll_s",
            )
        except BaseException:
            self.hang_up()
            raise

    def start(self, size: Size) -> None:
        """Begin: nothing runs before."""
        self._say(self.person.start(size))

    def type(self, data: bytes) -> None:
        """Bring what was typed."""
        self._say(self.person.type(data))

    def resize(self, size: Size) -> None:
        """Tell another size of the window."""
        self._say(self.person.resize(size))

    def leave(self) -> None:
        """End the session from here."""
        self._say(self.person.leave())

    def frames(self) -> Iterator[Frame]:
        """Yield what the device shows, until the session is over.

        Raises:
            UntrustedError: Something came that the device has not made: nothing after it counts.
            LinkError: The console is away.
        """
        while not self.ended:
            for kind, content in self._heard(WAIT_S):
                if kind is Kind.FRAME:
                    yield self.person.open(content)

    def hang_up(self) -> None:
        """Have the console end the session, if it still can."""
        try:
            self._speaking.send("DELETE", self.path)
        except (LinkError, RefusedError, ThingNotFoundError):
            return

    def close(self) -> None:
        """Close the connections."""
        self._hearing.close()
        self._speaking.close()

    def _say(self, sealed: bytes) -> None:
        body = {"n": self._next, "frames": [base64.b64encode(sealed).decode()]}
        _again(lambda: self._speaking.send("POST", f"{self.path}/frames", body))
        self._next += 1

    def _heard(self, wait_s: float) -> list[tuple[Kind, bytes]]:
        words = {"after": self._after, "wait_s": max(0, int(wait_s))}
        found = _again(lambda: self._hearing.get(f"{self.path}/frames", **words))
        heard = []
        for one in found["parcels"]:
            self._after = int(one["n"])
            heard.append((Kind(one["kind"]), base64.b64decode(one["content"])))
        for kind, content in heard:
            if kind is Kind.CLOSED:
                said = content.decode(errors="replace")
                self.ended = "".join(one if one.isprintable() else "\ufffd" for one in said) or "?"
        return heard


def _again(act: Callable[[], Any]) -> Any:
    """Return what a request comes to; while the console is away it is tried again for a while.

    What was done already is not done twice: all is numbered.
    """
    end_s = time.monotonic() + _AWAY_S
    while True:
        try:
            return act()
        except LinkError:
            if time.monotonic() >= end_s:
                raise
            time.sleep(_AGAIN_S)
