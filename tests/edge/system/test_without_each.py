"""Each built-in service can be left out by leaving out its line: nothing else needs it."""

from collections.abc import Callable

import pytest

from edge import paths
from edge.system.load import LoadedSystem, load
from edge.system.parts import Section
from edge.system.service import INIT
from tests.edge.system.builtin import BUILTIN, SECTIONS

Loaded = Callable[[str], LoadedSystem]
RUNNING = (Section.SERVICES,)


def system(names: list[str]) -> str:
    """Return a system file with these services, each in its section."""
    lines = []
    for section in (Section.ONBOOT, Section.SERVICES, Section.ONSHUTDOWN):
        found = [name for name in names if section in SECTIONS.get(name, RUNNING)]
        lines += [f"{section}:"] if found else []
        lines += [f"  - service: {name}" for name in found]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", BUILTIN)
def test_a_system_without_one_service_is_whole(name: str, loaded: Loaded) -> None:
    others = [other for other in BUILTIN if other != name]

    found = loaded(system(others))

    assert sorted({part.name for part in found.parts} - {INIT}) == others
    assert sorted(found.order) == [other for other in others if other not in SECTIONS]


@pytest.mark.parametrize("name", BUILTIN)
def test_a_service_is_whole_by_itself(name: str, loaded: Loaded) -> None:
    found = loaded(system([name]))

    assert {part.name for part in found.parts} == {INIT, name}


def test_only_ways_in_and_what_opens_the_data_are_not_held_by_landlock(loaded: Loaded) -> None:
    found = loaded(system(BUILTIN))

    free = {part.name for part in found.parts if part.settings.confined is None}

    assert free - {INIT} == {"sshd", "console", "getty", "crypt"}


def test_a_service_comes_after_the_network_where_there_is_one(loaded: Loaded) -> None:
    found = loaded(system(["wireguard", "time", "network"]))

    assert found.order[0] == "network"


def test_the_example_of_a_gateway_is_appended_to_the_least_system() -> None:
    files = [paths.PROJECT / "examples" / name for name in ("minimal.yml", "gateway.yml")]

    found = load(files)

    assert [part.name for part in found.onboot] == ["seed", "firewall", "swap"]
    assert found.order[-1] == "metrics"
    assert next(p for p in found.services if p.name == "metrics").settings.listens == ("tcp/9100",)
