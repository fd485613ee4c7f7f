"""What `--to` means."""

import pytest

from edge.errors import InputError
from edge.flash import targets
from edge.flash.targets import DiskTarget, FileTarget, PortTarget, SerialTarget, Target


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
    ],
)
def test_a_target_is_understood(text: str, meant: Target) -> None:
    assert targets.parse(text) == meant


@pytest.mark.parametrize("text", ["", "card.img", "usb:", "usb:hub", "file:", "serial:", "tape:1"])
def test_what_is_no_target_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InputError) as caught:
        targets.parse(text)
    assert caught.value.hint
