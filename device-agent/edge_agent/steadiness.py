"""Whether services stay up after their system was committed: told for who watches a release.

A trial ends when nothing has ended for a while. What ends again and again after that is no reason
to leave the slot, as nobody knows whether the other one is better; but it is told, once.
"""

import logging
from typing import Final

from edge_agent.conversation import Conversation
from edge_agent.parts import Parts
from edge_agent.record import Record

logger = logging.getLogger(__name__)

KIND: Final = "unsteady"
# That services ended so often is no accident any more, and neither is it anybody who tries things.
ENDS_LEAST: Final = 4
WATCHED_S: Final = 3600


class Steadiness:
    """What is seen of the services in the first hour after an update, or after a start."""

    def __init__(self, parts: Parts, conversation: Conversation) -> None:
        self._parts = parts
        self._conversation = conversation
        self._action = ""
        self._since_s = 0.0
        self._restarts = 0
        self._is_over = True

    def look(self, record: Record) -> None:
        """Look at the services of an agent that is idle, and tell what is wrong."""
        now_s, restarts = self._parts.clock.monotonic_s(), self._parts.probe.restarts()
        if record.last != self._action:
            self._action, self._since_s, self._restarts = record.last, now_s, restarts
            self._is_over = record.last_result != "succeeded"
            return
        ends = restarts - self._restarts
        if self._is_over or (ends < ENDS_LEAST and now_s - self._since_s < WATCHED_S):
            return
        self._is_over = True
        if ends >= ENDS_LEAST:
            reason = f"services ended {ends} times after the update"
            logger.warning("%s", reason)
            version = self._parts.standing.version
            self._conversation.note(KIND, version=version, reason=reason, action=self._action)
