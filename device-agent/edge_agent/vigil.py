"""The watch over what runs: asks the probe, remembers since when all is well."""

from edge_agent.conversation import Conversation
from edge_agent.health import Facts, Verdict, Watch
from edge_agent.parts import Parts


class Vigil:
    """One watch after the other.

    Args:
        parts: Whose probe is asked, and by what terms.
        conversation: Whether the server was reached.
    """

    def __init__(self, parts: Parts, conversation: Conversation) -> None:
        self._parts = parts
        self._conversation = conversation
        self._watch: Watch | None = None

    def begin(self) -> None:
        """Begin a new watch: something else runs now."""
        self._watch = None

    def look(self, *, is_known: bool = False) -> tuple[Verdict, str]:
        """Look at the health once more.

        Args:
            is_known: The system was committed before: it is enough that all services are ready.
        """
        parts = self._parts
        facts = Facts(
            parts.clock.monotonic_s(),
            parts.probe.is_ready(),
            parts.probe.restarts(),
            self._conversation.is_reached,
        )
        self._watch = (self._watch or Watch(facts.at_s)).seen(facts)
        if is_known and facts.is_ready:
            return Verdict.HEALTHY, ""
        verdict, reason = self._watch.verdict(facts, parts.options.health)
        if verdict is not Verdict.HEALTHY:
            parts.probe.withdraw()
            return verdict, reason
        complaint = parts.probe.complaint()
        if complaint is None:
            return Verdict.PENDING, "the programs of health.d are asked"
        late = facts.at_s - self._watch.since_s >= parts.options.health.timeout_s
        if complaint:
            return Verdict.UNHEALTHY if late else Verdict.PENDING, complaint
        return Verdict.HEALTHY, ""
