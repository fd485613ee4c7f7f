"""`edge boards`: profiles are shown, begun and checked."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.board.search import boards, read_board
from tests.edge.conftest import Edge
from tests.fakes.tiny_project import TinyProject


def answer(edge: Edge, *words: object) -> dict[str, Any]:
    ended = edge(*words, "--json")
    assert ended.status == 0, ended.out
    found: dict[str, Any] = json.loads(ended.out)
    return found


def test_a_board_is_shown_with_what_lies_where(edge: Edge) -> None:
    told = answer(edge, "boards", "show", "rock-pi-e")

    assert told["boot"]["driver"] == "uboot"
    lying = {(one["name"], one["offset_bytes"]) for one in told["disk"]}
    assert {("(table)", 0), ("(raw)", 0x8000), ("(raw)", 0x800000), ("firmware", 16 << 20)} <= lying
    offsets = [one["offset_bytes"] for one in told["disk"]]
    assert offsets == sorted(offsets)
    assert "idbloader.img" in edge("boards", "show", "rock-pi-e").out


@pytest.mark.parametrize("like", [None, *sorted(boards(environment={}))])
def test_what_is_begun_passes_the_check_of_the_file(
    edge: Edge, tmp_path: Path, like: str | None
) -> None:
    words = ["--like", like] if like else []
    words += ["--description", 'Mine: 100 % "new"']

    told = answer(edge, "boards", "new", "mine", "-o", tmp_path, *words)

    file = Path(told["file"])
    assert file == tmp_path / "mine" / "board.yml"
    board = read_board(file)
    assert (board.name, board.description) == ("mine", 'Mine: 100 % "new"')
    assert edge("boards", "check", tmp_path / "mine", "--offline").status == 0


def test_the_explained_profile_has_a_comment_for_every_part_of_a_board(
    edge: Edge, tmp_path: Path
) -> None:
    file = Path(answer(edge, "boards", "new", "mine", "-o", tmp_path)["file"])

    lines = file.read_text().splitlines()
    keys = [index for index, line in enumerate(lines) if line and line[0] not in " #"]
    explained = [
        lines[index].partition(":")[0]
        for index in keys
        if any("#" in line for line in lines[max(index - 1, 0) : index + 2])
    ]
    assert {"kernel", "packages", "modules", "watchdog", "slots", "firmware", "emulator"} <= set(
        explained
    )


def test_a_board_that_is_there_is_not_written_over(edge: Edge, tmp_path: Path) -> None:
    answer(edge, "boards", "new", "mine", "-o", tmp_path)
    before = (tmp_path / "mine" / "board.yml").read_bytes()

    ended = edge("boards", "new", "mine", "--like", "rpi4", "-o", tmp_path)

    assert ended.status == 5
    assert (tmp_path / "mine" / "board.yml").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["../up"], id="a path"),
        pytest.param(["Mine"], id="capitals"),
        pytest.param(["mine", "--like", "rpi9"], id="like no board"),
        pytest.param(["mine", "--description", "two\nlines"], id="two lines"),
    ],
)
def test_a_wrong_name_writes_nothing(edge: Edge, tmp_path: Path, words: list[str]) -> None:
    assert edge("boards", "new", *words, "-o", tmp_path / "new").status == 2

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("board", "status"), [("nobody", 2), ("./nobody", 3), ("nobody/board.yml", 3)]
)
def test_a_board_that_is_not_there_is_told(edge: Edge, board: str, status: int) -> None:
    assert edge("boards", "check", board).status == status


def test_a_wrong_key_is_told_with_its_line_without_any_network(edge: Edge, tmp_path: Path) -> None:
    file = Path(answer(edge, "boards", "new", "mine", "-o", tmp_path)["file"])
    file.write_text(file.read_text().replace("data_mib:", "data_mb:"))

    ended = edge("boards", "check", tmp_path / "mine", "--json")

    assert ended.status == 2
    said = {one["message"]: one["line"] for one in json.loads(ended.out)["problems"]}
    assert said.keys() == {"unknown key 'data_mb'", "the key 'data_mib' is missing"}
    assert file.read_text().splitlines()[said["unknown key 'data_mb'"] - 1] == "data_mb: 64"


def test_packages_are_fetched_and_looked_into(project: TinyProject, edge: Edge) -> None:
    del project

    told = answer(edge, "boards", "check", "tiny")

    assert not told["offline"]
    assert {one["name"] for one in told["disk"]} >= {"(table)", "firmware", "data"}


def test_packages_that_are_nowhere_are_told_with_their_lines(
    project: TinyProject, edge: Edge
) -> None:
    project.board("odd", kernel="linux-image-odd", packages="packages: [u-boot-odd]")

    ended = edge("boards", "check", "odd", "--json")

    assert ended.status == 2
    found = [(one["line"], one["path"]) for one in json.loads(ended.out)["problems"]]
    assert found == [(4, "kernel.package"), (5, "packages")]


def test_files_and_modules_that_are_nowhere_are_told(project: TinyProject, edge: Edge) -> None:
    modules = "modules: {initramfs: [dm_verity, nosuch], system: [net]}"
    file = project.board("odd", modules=modules)
    file.write_text(file.read_text().replace("tiny/u-boot.bin, to", "tiny/u-boat.bin, to"))

    ended = edge("boards", "check", file, "--json")

    assert ended.status == 2
    paths = [one["path"] for one in json.loads(ended.out)["problems"]]
    assert paths == ["modules.initramfs[1]", "firmware.files[0].package_file"]
