"""A system without each of the built-in services starts, and all the others get ready in it.

With `CI=true` six systems are started, each with another half of the services: for any two there
is a system that has the one and lacks the other, so that whatever needs a service that it may be
without is found. Else one is started for each service, whole but for it.
"""

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.emulator import machine
from tests.e2e.test_running_system import BOOT_S, READY
from tests.edge.system.builtin import BUILTIN, SECTIONS
from tests.edge.system.test_without_each import system

MISSING_FROM = 3
FEW = 6
# What has no settings of its own that work, as nobody can guess them.
NEEDED = """\
files:
  - {path: etc/edge/shadow, contents: "root:*:::::::\\n"}
  - {path: etc/edge/syslog.conf, mode: "0644", contents: "SERVER=10.0.2.2:9\\nPROTOCOL=udp\\n"}
"""
ROW = r"(?m)^(?P<name>[a-z]+) +(?P<state>[a-z]+) +\S+ +\S+ +(?P<restarts>\d+)\r$"
TROUBLE = r"ended with status|does not load|restarting|not all|cannot|does not count"


def left_out(names: Sequence[str], environment: Mapping[str, str]) -> list[list[str]]:
    """Return for each system to be started the services that it lacks.

    Args:
        names: All services, at most 20 if few systems are wanted.
        environment: `CI=true` asks for few systems.
    """
    if environment.get("CI") != "true":
        return [[name] for name in names]
    codes = itertools.combinations(range(FEW), MISSING_FROM)
    missing = dict(zip(names, codes, strict=False))
    return [[name for name in names if number in missing[name]] for number in range(FEW)]


def test_few_systems_tell_each_service_from_each_other() -> None:
    systems = left_out(BUILTIN, {"CI": "true"})

    assert len(systems) == FEW
    for gone, there in itertools.permutations(BUILTIN, 2):
        assert any(gone in missing and there not in missing for missing in systems), (gone, there)


def test_a_long_run_leaves_out_one_service_at_a_time() -> None:
    assert left_out(BUILTIN, {}) == [[name] for name in BUILTIN]


@pytest.mark.slow
@pytest.mark.parametrize("missing", left_out(BUILTIN, os.environ), ids=" ".join)
def test_a_system_without_some_services_starts(
    missing: list[str], work: Path, tmp_path: Path
) -> None:
    # Both read the same line, and the one that comes later hangs up the other: never together. The
    # service `factory` reads it too, but bears to be hung up.
    missing = missing if "getty" in missing else [*missing, "console"]
    there = [name for name in BUILTIN if name not in missing]
    (work / "without.yml").write_text(system(there) + NEEDED)
    words = ["-q", "build", str(work / "without.yml"), "--board", "qemu-arm64", "--no-update"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0

    with machine.running(tmp_path / "out") as device:
        count = int(device.wait_for(READY, BOOT_S)[2])
        running = [name for name in there if name not in SECTIONS]
        for _name in running:
            device.wait_for(ROW, 30)

        found = re.finditer(ROW, device.text)
        rows = {row["name"]: (row["state"], row["restarts"]) for row in found}
        assert count == len(running)
        assert rows == dict.fromkeys(running, ("ready", "0"))
        assert not re.search(TROUBLE, device.text)
