"""What is read in the log of the broker."""

import logging

import pytest

from edge.console.broker import lines
from edge.console.broker.lines import Connected, Reloading, Running


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("mosquitto version 2.0.21 running", Running(), id="running"),
        pytest.param("Reloading config.", Reloading(), id="reloading"),
        pytest.param(
            "New client connected from 192.0.2.1:4711 as gw-1 (p5, c1, k60, u'gw-1').",
            Connected("gw-1", "gw-1"),
            id="device",
        ),
        pytest.param(
            "New client connected from 127.0.0.1:1 as a as b (p2, c0, k0, u'x' y').",
            Connected("a as b", "x' y"),
            id="strange names",
        ),
        pytest.param("Client gw-1 disconnected.", None, id="other"),
        pytest.param("x Reloading config.", None, id="within a line"),
    ],
)
def test_lines_are_understood(line: str, found: lines.Line | None) -> None:
    assert lines.read(line) == found


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("Error: Address already in use", logging.WARNING),
        ("Warning: Mosquitto should not be run as root/administrator.", logging.INFO),
        ("Warning: ACL pattern 'edge/v1/all/c/#' does not contain '%c' or '%u'.", logging.INFO),
        ("Warning: Unable to drop privileges", logging.WARNING),
        ("OpenSSL Error[0]: error:0A000126:SSL routines::unexpected eof", logging.DEBUG),
        ("Client gw-1 disconnected.", logging.DEBUG),
    ],
)
def test_trouble_is_told_louder(line: str, level: int) -> None:
    assert lines.level(line) == level
