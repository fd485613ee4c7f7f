"""Real ports: a board stays itself through its stages, and another one is never taken for it."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.errors import InputError, ThingNotFoundError
from edge.factory.target_ports import GAP_S, TargetPorts
from edge.flash.disks.disk import Disk, Transport
from edge.flash.transports.usb_device import Sighting, UsbDevice

ROM = 0x0A5C


@dataclass
class Device:
    """A device that says its serial number."""

    sighting: Sighting
    serial: str

    def text(self, _index: int) -> str:
        return self.serial

    def close(self) -> None:
        pass


@dataclass
class Hub:
    """USB ports and disks that can be changed, and the time."""

    devices: dict[str, tuple[int, str]] = field(default_factory=dict)
    disks: dict[str, int] = field(default_factory=dict)
    now_s: float = 0.0
    opened: list[str] = field(default_factory=list)
    has_libusb: bool = True

    def sightings(self) -> list[Sighting]:
        return [
            Sighting(port, address, ROM, 0x2711, serial_index=3)
            for port, (address, _serial) in self.devices.items()
        ]

    def open(self, sighting: Sighting) -> UsbDevice:
        self.opened.append(sighting.port)
        return Device(sighting, self.devices[sighting.port][1])  # type: ignore[return-value]

    def clock_s(self) -> float:
        return self.now_s

    def sleep(self, time_s: float) -> None:
        self.now_s += time_s

    def ports(self, *names: str) -> TargetPorts:
        def bus() -> "Hub":
            if not self.has_libusb:
                raise ThingNotFoundError("no libusb")
            return self

        return TargetPorts(names, bus, self.found_disks, self.clock_s)

    def found_disks(self) -> list[Disk]:
        return [
            Disk("sdb", "/dev/sdb", size, Transport.USB, model="card", port=port)
            for port, size in self.disks.items()
        ]


def test_a_board_at_its_port_is_asked_once_for_its_serial_number() -> None:
    hub = Hub({"1-1.1": (5, "AAA"), "1-1.9": (6, "elsewhere")})
    ports = hub.ports("usb:1-1.1", "usb:1-1.2")

    looks = [ports.look() for _ in range(3)]

    assert [list(one) for one in looks] == [["usb:1-1.1"]] * 3
    assert looks[0]["usb:1-1.1"].serial == "AAA"
    assert hub.opened.count("1-1.1") == 1


def test_a_board_that_becomes_a_disk_while_it_is_made_stays_the_same() -> None:
    hub = Hub({"1-1.1": (5, "AAA")})
    ports = hub.ports("usb:1-1.1")
    before = ports.look()["usb:1-1.1"]
    busy = frozenset(("usb:1-1.1",))

    del hub.devices["1-1.1"]
    hub.now_s += 10 * GAP_S
    gone = ports.look(busy).get("usb:1-1.1")
    hub.disks["1-1.1"] = 8 * 10**9
    during = ports.look(busy)["usb:1-1.1"]
    after = ports.look()["usb:1-1.1"]

    assert gone is None
    assert during == after == before


def test_a_board_that_was_taken_out_and_put_in_again_is_plugged_anew() -> None:
    hub = Hub({"1-1.1": (5, "AAA")})
    ports = hub.ports("usb:1-1.1")
    before = ports.look()["usb:1-1.1"]

    del hub.devices["1-1.1"]
    hub.now_s += GAP_S / 2
    still = ports.look()["usb:1-1.1"]
    hub.now_s += GAP_S
    gone = ports.look()
    hub.devices["1-1.1"] = (7, "AAA")
    again = ports.look()["usb:1-1.1"]

    assert still == before
    assert gone == {}
    assert again.session != before.session
    assert not again.is_other(before)


def test_another_board_at_once_is_another_one() -> None:
    hub = Hub({"1-1.1": (5, "AAA")})
    ports = hub.ports("usb:1-1.1")
    before = ports.look()["usb:1-1.1"]

    hub.devices["1-1.1"] = (6, "BBB")

    assert ports.look()["usb:1-1.1"].is_other(before)


def test_a_board_that_is_worked_at_is_not_opened_by_a_look() -> None:
    hub = Hub({"1-1.1": (5, "AAA"), "1-1.2": (6, "BBB")})
    ports = hub.ports("usb:1-1.1", "usb:1-1.2")
    ports.look()
    hub.devices["1-1.1"] = (8, "AAA")
    hub.opened.clear()

    ports.look(frozenset(("usb:1-1.1",)))
    ports.at("usb:1-1.1")

    assert hub.opened == []


def test_one_look_at_a_port_does_not_disturb_what_is_known_of_others() -> None:
    hub = Hub({"1-1.1": (5, "AAA"), "1-1.2": (6, "BBB")})
    ports = hub.ports("usb:1-1.1", "usb:1-1.2")
    before = ports.look()["usb:1-1.2"]
    del hub.devices["1-1.2"]
    hub.now_s += 10 * GAP_S

    ports.at("usb:1-1.1")
    hub.disks["1-1.2"] = 10**9

    assert ports.at("usb:1-1.2") == before


def test_cards_are_seen_without_libusb_and_readers_without_a_card_are_not() -> None:
    hub = Hub(disks={"1-1.1": 8 * 10**9, "1-1.2": 0}, has_libusb=False)

    found = hub.ports("usb:1-1.1", "usb:1-1.2").look()

    assert list(found) == ["usb:1-1.1"]
    assert found["usb:1-1.1"].serial == ""


def test_where_no_board_is_seen_the_operator_says_next(tmp_path: Path) -> None:
    line = tmp_path / "tty"
    ports = Hub().ports(f"serial:{line}", "serial:socket:127.0.0.1:1", "file:a/{device}.img")

    away = ports.look()
    line.touch()
    before = ports.look()
    ports.next(f"serial:{line}")
    after = ports.look()

    assert len(away) == 2
    assert len(before) == 3
    assert [after[one].is_other(before[one]) for one in ports.names] == [True, False, False]
    assert not any(ports.is_watched(one) for one in ports.names)
    assert [ports.is_endless(one) for one in ports.names] == [False, False, True]


@pytest.mark.parametrize("name", ["usb", "dfu", "file:card.img", "fastboot:SERIAL", "nothing"])
def test_what_is_no_one_place_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        Hub().ports(name)
