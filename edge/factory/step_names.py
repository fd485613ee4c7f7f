"""The steps that every line knows by name, and what happens when one fails. Pure."""

from enum import StrEnum
from typing import Final

# As they are done where line.yml does not say otherwise.
ORDER: Final = (
    "detect",
    "identity",
    "customise",
    "flash",
    "verify",
    "register",
    "label",
)
BUILT_IN: Final = (*ORDER, "test")
# No device is good that has not passed all of these.
REQUIRED: Final = ("flash", "verify", "identity", "register")


class OnFailure(StrEnum):
    """What happens when a step has failed for the last time."""

    STOP = "stop"
    SKIP = "skip"
    ASK = "ask"
