"""What can go wrong on the device, each with a reason that is stored and reported later.

AgentError
├── BootStateError   the boot state cannot be read or written
├── SlotError        a partition of a slot cannot be read or written, or must not be
├── StoreError       the agent's own files cannot be read or written
├── CountersError    the counters outside the slots cannot be read or written
└── MachineError     an event came in a state that knows none
"""


class AgentError(Exception):
    """The root of all errors that the agent raises on purpose.

    Args:
        reason: What was wrong, with the value and the place; it is what the console is told.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BootStateError(AgentError):
    """The boot state, or the slot that runs, cannot be read or written."""


class SlotError(AgentError):
    """A partition of a slot cannot be read or written, or must not be."""


class StoreError(AgentError):
    """The agent's own files cannot be read or written."""


class CountersError(AgentError):
    """The counters outside the slots cannot be read or written."""


class MachineError(AgentError):
    """An event came in a state that knows none: a fault of the agent itself."""
