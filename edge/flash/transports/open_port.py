"""Open the port that an address names."""

from typing import Final, assert_never

from edge.flash.transports.address import PortAddress, SocketAddress, TtyAddress, UnixAddress
from edge.flash.transports.port import Port
from edge.flash.transports.serial_port import SerialPort
from edge.flash.transports.socket_port import SocketPort

BAUD: Final = 115200


def open_port(address: PortAddress, *, baud: int = BAUD) -> Port:
    """Return the open port; the caller closes it.

    Args:
        address: Its own rate counts more than `baud`.
        baud: The rate if the address has none.

    Raises:
        ThingNotFoundError: It is not there.
        RefusedError: Another program has it.
        EdgeError: It cannot be opened.
    """
    match address:
        case TtyAddress(path, own):
            return SerialPort(path, own or baud)
        case SocketAddress(host, port):
            return SocketPort.tcp(host, port)
        case UnixAddress(path):
            return SocketPort.unix(path)
        case _:
            assert_never(address)
