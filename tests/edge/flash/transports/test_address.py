"""The words after `serial:`."""

import pytest

from edge.errors import InputError
from edge.flash.transports.address import (
    PortAddress,
    SocketAddress,
    TtyAddress,
    UnixAddress,
    parse,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("serial:/dev/ttyUSB0", TtyAddress("/dev/ttyUSB0")),
        ("/dev/ttyUSB0,1500000", TtyAddress("/dev/ttyUSB0", 1500000)),
        ("serial:socket:example.org:4001", SocketAddress("example.org", 4001)),
        ("serial:socket:[::1]:4001", SocketAddress("::1", 4001)),
        ("serial:unix:/run/a,b", UnixAddress("/run/a,b")),
        ("serial:rfc2217://example.org:2217", TtyAddress("rfc2217://example.org:2217")),
    ],
)
def test_an_address_is_read(text: str, address: PortAddress) -> None:
    assert parse(text) == address
    assert parse(str(address).replace("::1:", "[::1]:")) == address


@pytest.mark.parametrize(
    "text",
    [
        *("serial:", "serial:unix:", "serial:socket:host", "serial:socket:host:0"),
        *("serial:socket:host:70000", "serial:/dev/ttyS0,", "serial:/dev/ttyS0,fast"),
        *("serial:/dev/ttyS0,49", "serial:,115200", "serial:/dev/ttyS0,٣٠٠"),
    ],
)
def test_a_wrong_address_says_how_a_right_one_looks(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text)
    assert "serial:/dev/ttyUSB0,115200" in str(error.value.hint)
