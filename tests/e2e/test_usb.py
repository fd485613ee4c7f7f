"""Boards on USB, by the kernel's own drivers, libusb and udev: in a virtual machine.

What is plugged in there are boards on protocol level; who drives them are our commands, and those
of others: Debian's fastboot and dfu-util, NXP's uuu.
"""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fakes.usb import rig

pytestmark = pytest.mark.slow

CASES = Path(__file__).with_name("rig_boards.py")
WITHIN_S = 500
NAMES = [
    one.name
    for one in ast.parse(CASES.read_text()).body
    if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
]
_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) \S+?::(\w+)(\[.*\])?")


@pytest.fixture(scope="module")
def outcomes() -> Mapping[str, list[str]]:
    """What came of each, in one run of the machine; and all that was said, as `said`."""
    place = CASES.relative_to(rig.ROOT)
    command = (
        f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 .venv/bin/python -m pytest {place} --noconftest -m ''"
        " -p pytest_timeout -p no:cacheprovider -q -rA --tb=short --color=no --timeout=120"
    )
    found: dict[str, list[str]] = {}
    lines = []
    with rig.running(command) as machine:
        for line in machine.lines(WITHIN_S):
            lines.append(line)
            if seen := _OUTCOME.match(line):
                found.setdefault(seen[2], []).append(seen[1])
    return {**found, "said": lines}


@pytest.mark.parametrize("name", NAMES)
def test_in_the_machine(outcomes: Mapping[str, list[str]], name: str) -> None:
    got = outcomes.get(name, [])

    assert got, "\n".join(outcomes["said"][-60:])
    assert set(got) == {"PASSED"}, "\n".join(outcomes["said"])
