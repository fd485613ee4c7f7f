"""Where messages are: topics of MQTT and paths of HTTP, by device.

A device reads below `c/` and `all/c/`, writes below `s/`, and nothing else; the broker holds that
by the device's certificate.
"""

from typing import Final

from edge_signing.trust.names import check_device

_ROOT: Final = "edge/v1"
WAKE: Final = f"{_ROOT}/all/c/wake"
_PARTS: Final = 6
# For a server, which hears all devices.
ALL_EVENTS: Final = f"{_ROOT}/d/+/s/ev"
ALL_WANTS: Final = f"{_ROOT}/d/+/s/want"
ALL_STATES: Final = f"{_ROOT}/d/+/s/state"
ALL_ONLINE: Final = f"{_ROOT}/d/+/s/online"
ALL_REPLIES: Final = f"{_ROOT}/d/+/s/reply"
ALL_TERMINALS: Final = f"{_ROOT}/d/+/s/term"
# By HTTP: a header of the answer to `desired` that says that something is asked of the device.
ASKED_HEADER: Final = "Edge-Commands"
# The same, for a terminal that somebody wants to open.
TERMINAL_HEADER: Final = "Edge-Terminal"
# A header of the question for `desired`: the kernel's id of this start, by which two devices with
# one key are told apart.
BOOT_HEADER: Final = "Edge-Boot"


def desired(device: str) -> str:
    """Return where a device finds what it should run; retained."""
    return _of(device, "c/desired")


def command(device: str) -> str:
    """Return where a device gets one-shot commands, which expire."""
    return _of(device, "c/cmd")


def block(device: str) -> str:
    """Return where a device gets the blocks that it wanted."""
    return _of(device, "c/block")


def stored(device: str) -> str:
    """Return where a device hears which of its events the server has stored."""
    return _of(device, "c/stored")


def state(device: str) -> str:
    """Return where a device says how it is; retained."""
    return _of(device, "s/state")


def online(device: str) -> str:
    """Return where a device, or its last will, says whether it is there; retained."""
    return _of(device, "s/online")


def events(device: str) -> str:
    """Return where a device tells events."""
    return _of(device, "s/ev")


def want(device: str) -> str:
    """Return where a device asks for blocks."""
    return _of(device, "s/want")


def reply(device: str) -> str:
    """Return where a device answers commands."""
    return _of(device, "s/reply")


def to_terminal(device: str) -> str:
    """Return where a device gets what is sent to its terminal."""
    return _of(device, "c/term")


def of_terminal(device: str) -> str:
    """Return where a device sends what its terminal says."""
    return _of(device, "s/term")


def device_of(topic: str) -> str:
    """Return the device that a topic belongs to.

    Raises:
        FormatError: It belongs to none.
    """
    parts = topic.split("/")
    is_ours = len(parts) == _PARTS and parts[:3] == [*_ROOT.split("/"), "d"]
    name = parts[3] if is_ours else ""
    check_device(name)
    return name


def path(device: str, what: str) -> str:
    """Return the path below the server's URL: of `desired`, `events`, `state`, and so on."""
    check_device(device)
    return f"v1/devices/{device}/{what}"


def _of(device: str, what: str) -> str:
    check_device(device)
    return f"{_ROOT}/d/{device}/{what}"
