"""Why no device answers its station on a serial line, by what was said there."""

import re
from typing import Final

from edge.errors import LinkError
from edge.flash.protocols.steps import shown

LOGIN: Final = re.compile(rb"(?:^|[\r\n ])(?:login|[Pp]assword): *\Z")
_SHELL: Final = re.compile(rb"(?:^|[\r\n])[^\r\n]{0,60}[#$] *\Z")

_LOGIN_HINT: Final = (
    "a login waits there, and a station knows no password: an image with the service `factory`"
    " in its place answers by itself"
)
_SHELL_HINT: Final = (
    "a shell is there, but `edge-ctl identity serve` does not run in it: does the image have the"
    " service `agent`?"
)
_SILENT_HINT: Final = (
    "nothing is said at all: look at power, cable and baud rate, and whether this is the console"
    " that the kernel of the board uses"
)
_OTHER_HINT: Final = (
    "neither the service `factory` nor a shell at which `edge-agent identity serve` could be"
    " started is at this console: does the image have one of them?"
)


def error(timeout_s: float, said: bytes) -> LinkError:
    """Return the error for a line on which no device answered.

    Args:
        timeout_s: How long it was waited for.
        said: The end of what was said on it, without what we said.
    """
    return LinkError(
        f"the device did not answer in {timeout_s:.0f} s; it said {shown(said)}", hint=_hint(said)
    )


def _hint(said: bytes) -> str:
    if not said.strip():
        return _SILENT_HINT
    if LOGIN.search(said):
        return _LOGIN_HINT
    if _SHELL.search(said):
        return _SHELL_HINT
    return _OTHER_HINT
