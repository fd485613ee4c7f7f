"""What a device said and nobody has looked at yet: bounded, the newest of what replaces itself.

Pure: the time is an argument.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from edge_signing.commands import REPLY_MOST_BYTES
from edge_signing.messages import MESSAGE_MOST_BYTES
from edge_signing.terminal import parcels

EVENTS_MOST: Final = 8  # messages; a device tells again what was not stored
WANTS_MOST: Final = 16
REPLIES_MOST: Final = 16  # parts; two whole answers
TERMINALS_MOST: Final = 256  # messages; a device waits long before there are so many


class What(StrEnum):
    """What a message is, as the last part of its topic."""

    ONLINE = "online"
    STATE = "state"
    EVENTS = "ev"
    WANT = "want"
    REPLY = "reply"
    TERMINAL = "term"


_LONG: Final = {What.REPLY: REPLY_MOST_BYTES, What.TERMINAL: parcels.MESSAGE_MOST_BYTES}


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a device.

    Attributes:
        word: What the answer has to carry, if one is wanted.
    """

    what: What
    payload: bytes = field(repr=False)
    word: bytes = b""

    @property
    def is_too_long(self) -> bool:
        """Whether it is longer than any message of its kind."""
        return len(self.payload) > _LONG.get(self.what, MESSAGE_MOST_BYTES)


@dataclass(slots=True)
class Bucket:
    """How much a device may be sent: a rate, and a burst on top of it.

    Attributes:
        per_s: What comes back each second.
        most: What there is at most.
        left: What there is; below 0 after more was taken at once.
        at_s: When that was, on a monotonic clock.
    """

    per_s: float
    most: float
    left: float
    at_s: float

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait until something may be sent."""
        self.left = min(self.most, self.left + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        return 0.0 if self.left > 0 else (1 - self.left) / self.per_s

    @property
    def is_full(self) -> bool:
        """Whether a device that comes anew has no more."""
        return self.left >= self.most

    def take(self, amount: int) -> None:
        """Note what was sent."""
        self.left -= amount


@dataclass(slots=True)
class Inbox:
    """The messages of one device.

    Attributes:
        dropped: How many had no room.
        is_ready: Somebody looks at it, or is about to.
        is_paused: Somebody looks at it again when more may be sent.
    """

    bucket: Bucket
    dropped: int = 0
    is_ready: bool = False
    is_paused: bool = False
    _newest: dict[What, Message] = field(default_factory=dict)
    _events: deque[Message] = field(default_factory=deque)
    _replies: deque[Message] = field(default_factory=deque)
    _terminals: deque[Message] = field(default_factory=deque)
    _wants: deque[Message] = field(default_factory=deque)

    def put(self, message: Message) -> None:
        """Keep a message, if there is room."""
        match message.what:
            case What.ONLINE | What.STATE:
                self._newest[message.what] = message
            case What.EVENTS:
                self._append(self._events, message, EVENTS_MOST)
            case What.REPLY:
                self._append(self._replies, message, REPLIES_MOST)
            case What.TERMINAL:
                self._append(self._terminals, message, TERMINALS_MOST)
            case What.WANT:
                if all(one.word != message.word for one in self._wants):
                    self._append(self._wants, message, WANTS_MOST)

    def take(self) -> Iterator[Message]:
        """Yield all but wants, and forget them; what comes meanwhile too."""
        while self._newest or self._events or self._replies or self._terminals:
            if self._newest:
                # A birth comes before what the device says after it.
                what = What.ONLINE if What.ONLINE in self._newest else What.STATE
                yield self._newest.pop(what)
            elif self._terminals:
                yield self._terminals.popleft()
            elif self._events:
                yield self._events.popleft()
            else:
                yield self._replies.popleft()

    def put_back(self, message: Message) -> None:
        """Keep a message that could not be stored, unless a newer one has taken its place.

        Events are let go: the device tells those again that nobody says are stored.
        """
        if message.what in (What.ONLINE, What.STATE):
            self._newest.setdefault(message.what, message)
        elif message.what is What.REPLY:
            self._replies.appendleft(message)
        elif message.what is What.TERMINAL:
            self._terminals.appendleft(message)

    def next_want(self) -> Message | None:
        """Return a want, and forget it."""
        return self._wants.popleft() if self._wants else None

    def clear(self) -> None:
        """Forget all messages."""
        self._newest.clear()
        self._events.clear()
        self._replies.clear()
        self._terminals.clear()
        self._wants.clear()

    @property
    def has_wants_only(self) -> bool:
        """Whether nothing but blocks is left."""
        return bool(self._wants) and not self._others

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at."""
        return not (self._others or self._wants)

    @property
    def _others(self) -> bool:
        return bool(self._newest or self._events or self._replies or self._terminals)

    def _append(self, queue: deque[Message], message: Message, most: int) -> None:
        if len(queue) >= most:
            self.dropped += 1
        else:
            queue.append(message)
