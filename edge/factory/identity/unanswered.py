"""Why no device answers its station on a serial line, by what was said there."""

import re
from typing import Final

from edge.errors import LinkError
from edge.flash.protocols.steps import shown

LOGIN: Final = re.compile(rb"(?:^|[\r\n ])(?:login|[Pp]assword): *\Z")
_SILENCE: Final = re.compile(rb"\A\s*\Z")
_SHELL: Final = re.compile(rb"(?:^|[\r\n])[^\r\n]{0,60}[#$] *\Z")
_ANYTHING: Final = re.compile(rb"\Z")

# By the end of what is said: what is there, and what to do about it.
_FOUND: Final = (
    (
        _SILENCE,
        "nothing is said there at all",
        "look at power, cable and baud rate, and whether it is the console that its kernel uses",
    ),
    (
        LOGIN,
        "a login waits there, and a station knows no password",
        "with the service `factory` in the place of `getty` the image answers by itself",
    ),
    (
        _SHELL,
        "a shell is there, in which `edge-ctl identity serve` does not run",
        "does the image have the service `agent`?",
    ),
    (
        _ANYTHING,
        "neither the service `factory` nor a shell is there",
        "does the image have the service `factory`, or `console`? Is it that image which runs?",
    ),
)


def error(timeout_s: float, said: bytes) -> LinkError:
    """Return the error for a line on which no device answered.

    Args:
        timeout_s: How long it was waited for.
        said: The end of what was said on it, without what we said.
    """
    found, hint = next((found, hint) for end, found, hint in _FOUND if end.search(said))
    text = f"the device did not answer in {timeout_s:.0f} s: {found}"
    return LinkError(f"{text}; it said {shown(said)}" if said.strip() else text, hint=hint)
