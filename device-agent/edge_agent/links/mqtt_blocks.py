"""The files of a repository in blocks over MQTT, where nothing else passes.

A few blocks are on the way at once, each asked for under a word of its own; answers to other words,
late ones and doubles among them, are dropped. A wrong block finds its end where its hash is
checked.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from edge_agent.link import LinkError, RefusedByServerError, WrongAnswerError
from edge_agent.links.mqtt_session import Heard
from edge_agent.links.parts import Parts
from edge_signing.messages import BLOCK_MOST_BYTES, Want
from edge_signing.repository_file import check_file

WINDOW: Final = 4
ANSWER_S: Final = 10.0
ATTEMPTS: Final = 3
_WORD_BYTES: Final = 8

Ask = Callable[[bytes, bytes], None]


class MqttBlocks:
    """A repository behind a broker.

    Args:
        ask: Publishes a want under a word; `LinkError` if that can not be.
        answer_s: How long to wait for a block before it is asked for again.
    """

    def __init__(self, ask: Ask, *, answer_s: float = ANSWER_S) -> None:
        self._ask = ask
        self._answer_s = answer_s
        self._parts = Parts(self._attempt)
        self._came = threading.Condition()
        self._answers: dict[bytes, Heard | None] = {}

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return bytes of a file; see `edge_agent.link.RepositoryFiles`."""
        return self._parts.read(check_file(name), offset_bytes, length_bytes)

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a file; see `edge_agent.link.RepositoryFiles`."""
        return self._attempt(check_file(name), 0, None)

    def hear(self, heard: Heard) -> None:
        """Take a block from the session's thread."""
        with self._came:
            if heard.correlation in self._answers and self._answers[heard.correlation] is None:
                self._answers[heard.correlation] = heard
                self._came.notify_all()

    def _attempt(self, name: str, offset: int, length: int | None) -> Iterator[bytes]:
        end = None if length is None else offset + length
        asked: deque[tuple[bytes, Want]] = deque()
        try:
            while True:
                while len(asked) < WINDOW and (end is None or offset < end):
                    left = BLOCK_MOST_BYTES if end is None else end - offset
                    want = Want(name, offset, min(BLOCK_MOST_BYTES, left))
                    asked.append((self._asked(want), want))
                    offset += want.length_bytes
                if not asked:
                    return
                block = self._block(*asked[0])
                yield block
                if len(block) < asked[0][1].length_bytes:
                    return
                self._forget(asked.popleft()[0])
        finally:
            for word, _want in asked:
                self._forget(word)

    def _asked(self, want: Want, word: bytes = b"") -> bytes:
        word = word or os.urandom(_WORD_BYTES)
        with self._came:
            self._answers.setdefault(word, None)
        try:
            self._ask(want.pack(), word)
        except LinkError:
            self._forget(word)
            raise
        return word

    def _block(self, word: bytes, want: Want) -> bytes:
        for attempt in range(ATTEMPTS):
            if attempt:
                self._asked(want, word)
            with self._came:
                self._came.wait_for(lambda: self._answers.get(word) is not None, self._answer_s)
                heard = self._answers.get(word)
            if heard is not None:
                return _checked(heard, want)
        raise LinkError(f"{want.name}: no block at byte {want.offset_bytes} over MQTT")

    def _forget(self, word: bytes) -> None:
        with self._came:
            self._answers.pop(word, None)


def _checked(heard: Heard, want: Want) -> bytes:
    if heard.status:
        status = int(heard.status) if heard.status.isdecimal() and len(heard.status) == 3 else 500
        reason = f"{want.name}: the server says {status} over MQTT"
        if status >= 500:
            raise LinkError(reason)
        raise RefusedByServerError(reason, status=status)
    if len(heard.payload) > want.length_bytes:
        raise WrongAnswerError(
            f"{want.name}: {len(heard.payload)} bytes where {want.length_bytes} were asked for"
        )
    return heard.payload
