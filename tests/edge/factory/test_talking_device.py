"""The step identity with a device that makes its key: the agent's own code at the other end."""

from pathlib import Path

import pytest

from edge.errors import EdgeError, LinkError
from edge.factory.ports import Seen
from edge.factory.steps.identifying import BY_DEVICE, DeviceIdentifier
from edge.factory.steps.step import Job
from edge_agent.identity import Identity
from tests.edge.factory.identity.conftest import NOW, Line
from tests.edge.factory.identity.conftest import line as line  # a fixture
from tests.fakes.factory_console import Damage, FactoryConsole


def _identifier(line: Line, console: FactoryConsole) -> DeviceIdentifier:
    return DeviceIdentifier(
        line.station(),
        line.root.read_bytes(),
        lambda _port: console,
        lambda: NOW,
        lambda: console.now_s,
    )


def _job(device: str = "gw-1") -> Job:
    return Job("u1", device, "serial:x", Seen("serial:x", "0"))


def test_a_device_makes_its_key_and_the_step_can_be_done_again(line: Line, tmp_path: Path) -> None:
    identifier = _identifier(line, FactoryConsole(tmp_path / "device"))

    given = identifier.give(_job())
    again = identifier.give(_job())

    assert given == again
    assert (given.proved, given.files, given.retired) == (BY_DEVICE, (), ())
    assert line.station().left == 2
    assert Identity.read(tmp_path / "device/identity").device == "gw-1"


def test_a_step_that_broke_off_anywhere_is_done_again(line: Line, tmp_path: Path) -> None:
    whole = FactoryConsole(tmp_path / "whole")
    _identifier(line, whole).give(_job("gw-0"))

    for place in range(1, len(whole.heard), 5):
        console = FactoryConsole(tmp_path / "device", coming=_until(place))
        with pytest.raises(LinkError):
            _identifier(line, console).give(_job())
        console.coming = _until(1 << 20)

        _identifier(line, console).give(_job())

    assert line.station().left == 1


def test_a_device_that_is_another_one_is_refused(line: Line, tmp_path: Path) -> None:
    identifier = _identifier(line, FactoryConsole(tmp_path / "device"))
    identifier.give(_job("gw-1"))

    with pytest.raises(EdgeError, match="this device is gw-1 already"):
        identifier.give(_job("gw-2"))


def _until(place: int) -> Damage:
    return lambda number, said: said if number < place else b""
