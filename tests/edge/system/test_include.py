"""`include:` of system files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import ProblemsError
from edge.system.load import load

Write = Callable[[str, str], Path]


def test_what_is_included_comes_first_with_paths_of_its_own(
    write: Write, service: Callable[..., str]
) -> None:
    service("parts/one")
    write("parts/text", "x")
    write(
        "parts/base.yml",
        "kernel: {cmdline: base}\nservices: [{service: ./one}]\nfiles: [{path: a, source: text}]\n",
    )
    file = write(
        "s.yml",
        "include: [parts/base.yml]\nkernel: {cmdline: own}\nservices: [{service: network}]\n",
    )

    system = load([file])

    assert system.system.kernel.cmdline == "own"
    assert [part.name for part in system.services] == ["one", "network"]
    assert system.system.files[0].source == str(Path("parts/text").absolute())


def test_a_file_that_is_included_twice_counts_once(write: Write) -> None:
    write("base.yml", "services: [{service: network}]")
    write("a.yml", "include: [base.yml]")
    write("b.yml", "include: [base.yml]")
    file = write("s.yml", "include: [a.yml, b.yml, ./base.yml]")

    assert [part.name for part in load([file, Path("base.yml")][:1]).services] == ["network"]


def test_what_was_given_already_is_not_included_again(write: Write) -> None:
    first = write("base.yml", "services: [{service: network}]")
    second = write("s.yml", "include: [base.yml]")

    assert [part.name for part in load([first, second]).services] == ["network"]


@pytest.mark.parametrize(
    ("files", "line"),
    [
        pytest.param(
            {"s.yml": "include: [s.yml]"},
            "s.yml:1:11: include[0]: a circle: s.yml includes s.yml",
            id="itself",
        ),
        pytest.param(
            {
                "s.yml": "include: [d/a.yml]",
                "d/a.yml": "include: [b.yml]",
                "d/b.yml": "# nothing\ninclude: [x.yml, ../s.yml]",
                "d/x.yml": "",
            },
            "d/b.yml:2:18: include[1]: a circle: s.yml includes d/a.yml includes d/b.yml "
            "includes s.yml",
            id="a chain",
        ),
        pytest.param(
            {"s.yml": "include: [nope.yml]"},
            "s.yml:1:11: include[0]: there is no file 'nope.yml'",
            id="missing",
        ),
        pytest.param(
            {"s.yml": "include: ['https://example.com/x']"},
            "s.yml:1:11: include[0]: 'https://example.com/x': files are not fetched",
            id="address",
        ),
        pytest.param(
            {"s.yml": "include: x.yml"}, "s.yml:1:10: include: 'x.yml' is not a list", id="text"
        ),
        pytest.param(
            {"s.yml": "include: [5]"}, "s.yml:1:11: include[0]: 5 is not text", id="number"
        ),
        pytest.param(
            {"s.yml": "include: [a.yml]", "a.yml": "servces: []"},
            "a.yml:1:1: servces: unknown key 'servces'",
            id="a mistake in it",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(write: Write, files: dict[str, str], line: str) -> None:
    for name, text in files.items():
        write(name, text)

    with pytest.raises(ProblemsError) as error:
        load([Path("s.yml")])

    assert [str(problem) for problem in error.value.problems] == [line]


def test_files_do_not_include_each_other_without_end(write: Write) -> None:
    for number in range(30):
        write(f"{number}.yml", f"include: [{number + 1}.yml]")
    write("30.yml", "")

    with pytest.raises(ProblemsError, match="more than 20 deep"):
        load([Path("0.yml")])
