"""What the user may wish of the method `serial`."""

from dataclasses import dataclass
from enum import StrEnum


class Via(StrEnum):
    """The way of the pieces to the board."""

    AUTO = "auto"
    SERIAL = "serial"
    NETWORK = "network"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialOptions:
    """What the user may wish.

    Attributes:
        via: The way of the pieces; `auto` takes the network when the board gets an address.
        transfer_baud: The rate for transfers, if it is not that of the console.
        try_rates: Try other rates when what comes in is no text.
        power_command: A shell command that switches the board off and on.
        wait_s: How long to wait for a board that has to be switched on.
        restart: Start the board when all is written.
        verify: Read back and compare.
        host: This machine's address as the board reaches it; found out when None.
        bind: The address to serve at, if it is not `host` (QEMU: host 10.0.2.2, bind 127.0.0.1).
    """

    via: Via = Via.AUTO
    transfer_baud: int | None = None
    try_rates: bool = False
    power_command: str | None = None
    wait_s: float = 120.0
    restart: bool = False
    verify: bool = True
    host: str | None = None
    bind: str | None = None
