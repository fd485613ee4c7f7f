"""Service folders: finding, reading, and the key of their content."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import InputError, ProblemsError
from edge.system.service import builtin_folders, content_key, find

Write = Callable[[str, str], Path]
SERVICE = """\
description: A service
packages: [busybox-static]
files:
  - {path: usr/bin/a, source: files/a, mode: "0755"}
  - {path: usr/lib/b, source: files/b}
build:
  c: [{sources: [src/main.c], output: usr/bin/main}]
python: {packages: [edge_signing]}
command: [/usr/bin/a]
"""


@pytest.fixture
def folder(write: Write) -> Path:
    write("x/service.yml", SERVICE)
    write("x/files/a", "a")
    write("x/files/b/one", "1")
    write("x/src/main.c", '#include <stdio.h>\n# include "main.h"\n')
    write("x/src/main.h", '#include "../other.h"\n')
    write("x/other.h", "")
    write("x/README.md", "")
    return Path("x").absolute()


@pytest.mark.parametrize("name", sorted(builtin_folders()))
def test_each_built_in_service_is_read(name: str) -> None:
    service = find(name, Path())

    assert service.name == name
    assert content_key(service) == content_key(find(name, Path("/")))


def test_packaging_and_settings_are_apart(folder: Path) -> None:
    service = find("./x", folder.parent)

    assert service.packaging.files[0].permissions == 0o755
    assert service.packaging.without == ()
    assert service.settings.model_fields_set == {"command"}


@pytest.mark.parametrize(
    ("file", "moves"),
    [
        ("service.yml", True),
        ("files/a", True),
        ("files/b/one", True),
        ("files/b/two", True),
        ("src/main.c", True),
        ("src/main.h", True),
        ("other.h", True),
        ("README.md", False),
        ("src/unused.h", False),
    ],
)
def test_the_content_key_moves_with_each_input_and_with_no_other_file(
    folder: Path, file: str, moves: bool
) -> None:
    before = content_key(find("./x", folder.parent))

    path = folder / file
    path.write_text((path.read_text() if path.exists() else "") + "\n# more\n")

    assert (content_key(find("./x", folder.parent)) != before) is moves


def test_the_content_key_does_not_know_where_the_folder_is(folder: Path, tmp_path: Path) -> None:
    before = content_key(find("./x", folder.parent))

    folder.rename(tmp_path / "y")

    assert content_key(find("./y", tmp_path)) == before


def test_the_content_key_moves_when_a_file_of_a_folder_becomes_a_program(folder: Path) -> None:
    before = content_key(find("./x", folder.parent))

    (folder / "files/b/one").chmod(0o755)

    assert content_key(find("./x", folder.parent)) != before


def test_a_folder_beside_the_system_file_is_hinted_at(write: Write) -> None:
    write("mine/service.yml", "description: x\n")

    with pytest.raises(InputError) as error:
        find("mine", Path.cwd())

    assert error.value.hint == "write './mine' for the folder beside the system file"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("packages: []", "1:1: the key 'description' is missing", id="description"),
        pytest.param(
            "description: x\nservice: y", "2:1: service: unknown key 'service'", id="unknown"
        ),
        pytest.param(
            "description: x\npackages: [Busybox]",
            "2:12: packages[0]: 'Busybox' is not the name of a Debian package",
            id="package",
        ),
        pytest.param(
            "description: x\nfiles: [{path: a, source: files/a}]",
            "2:27: files[0].source: 'files/a' is not there",
            id="source",
        ),
        pytest.param(
            "description: x\nbuild: {c: [{sources: [a.c], output: b}]}",
            "2:24: build.c[0].sources[0]: 'a.c' is not there",
            id="C source",
        ),
        pytest.param(
            "description: x\npython: {packages: [edge]}",
            "2:21: python.packages[0]: 'edge' is not one of edge_agent, edge_signing",
            id="Python package",
        ),
    ],
)
def test_a_bad_service_file_is_refused_with_its_place(write: Write, text: str, line: str) -> None:
    file = write("x/service.yml", text).absolute()

    with pytest.raises(ProblemsError) as error:
        find("./x", Path.cwd())

    assert [str(problem) for problem in error.value.problems] == [f"{file}:{line}"]


@pytest.mark.parametrize("section", ["services", "onshutdown"])
def test_only_what_runs_at_the_start_can_come_before_the_data(
    refused: Callable[[str], list[str]], section: str
) -> None:
    (said,) = refused(f"{section}: [{{service: network, before_data: true}}]")

    assert said.endswith(f"'before_data' has no meaning in {section}")


def test_a_service_that_opens_the_data_is_for_the_start_only(
    refused: Callable[[str], list[str]],
) -> None:
    (said,) = refused("services: [{service: crypt}]")

    assert "this runs to its end" in said
