"""How the action of a state ends."""

from dataclasses import dataclass, replace

from edge_agent.errors import AgentError
from edge_agent.machine import Event
from edge_agent.record import Record


class CancelledError(AgentError):
    """Another order came, or a person wants it so."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended, and the record with what it learned."""

    event: Event
    record: Record


def ended(record: Record, event: Event, reason: str) -> Outcome:
    """Return an outcome with the reason for it."""
    if record.action is None:
        return Outcome(event, record)
    return Outcome(event, replace(record, action=replace(record.action, reason=reason)))
