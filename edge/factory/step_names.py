"""The steps that every line knows by name."""

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
