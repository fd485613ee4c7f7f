"""What `--to` means."""

import pytest

from edge.errors import InputError
from edge.flash import targets
from edge.flash.targets import (
    BoardTarget,
    DiskTarget,
    FileTarget,
    NetworkTarget,
    PortTarget,
    SerialTarget,
    Target,
)
from edge.flash.way import Way


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/dev/sdb", DiskTarget("/dev/sdb")),
        (
            "/dev/disk/by-id/usb-SanDisk_Ultra-0:0",
            DiskTarget("/dev/disk/by-id/usb-SanDisk_Ultra-0:0"),
        ),
        ("usb:1-1.2", PortTarget("1-1.2")),
        ("file:card.img", FileTarget("card.img")),
        ("file:/dev/shm/card.img", FileTarget("/dev/shm/card.img")),
        ("serial:/dev/ttyUSB0", SerialTarget("/dev/ttyUSB0")),
        ("serial:socket:127.0.0.1:4000", SerialTarget("socket:127.0.0.1:4000")),
        ("usb", BoardTarget(Way.RPIBOOT)),
        ("fastboot", BoardTarget(Way.FASTBOOT)),
        ("dfu", BoardTarget(Way.DFU)),
        ("sdp", BoardTarget(Way.SDP)),
        ("fastboot:1-1.2", BoardTarget(Way.FASTBOOT, port="1-1.2")),
        ("sdp:3-1", BoardTarget(Way.SDP, port="3-1")),
        ("fastboot:0123ABCD", BoardTarget(Way.FASTBOOT, serial="0123ABCD")),
        ("dfu:DFU 1", BoardTarget(Way.DFU, serial="DFU 1")),
        ("fastboot:tcp:10.0.0.7", NetworkTarget("tcp", "10.0.0.7")),
        ("fastboot:udp:board.example:99", NetworkTarget("udp", "board.example", 99)),
        ("fastboot:tcp:[::1]:99", NetworkTarget("tcp", "::1", 99)),
    ],
)
def test_a_target_is_understood(text: str, meant: Target) -> None:
    assert targets.parse(text) == meant


NO_TARGETS = [
    *("", "card.img", "usb:", "usb:hub", "file:", "serial:", "tape:1"),
    *("fastboot:", "dfu: ", "sdp:SERIAL", "fastboot:tcp:", "fastboot:udp:host:0"),
    *("fastboot:tcp:host:65536", "fastboot:tcp:a:b:c"),
]


@pytest.mark.parametrize("text", NO_TARGETS)
def test_what_is_no_target_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InputError) as caught:
        targets.parse(text)
    assert caught.value.hint
