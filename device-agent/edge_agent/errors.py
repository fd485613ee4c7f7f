"""What can go wrong on the device, each with a reason that is stored and reported later.

AgentError
└── BootStateError   the boot state cannot be read or written
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
