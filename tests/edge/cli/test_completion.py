"""What a shell is offered for the words of commands."""

from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem, ShellComplete

from edge.cli import completion
from edge.cli.main import edge, main
from edge.cli.sections import LazyGroup
from tests.test_documents import commands

# What people make up, or what a console does not list.
FREE = {"address", "filter_text", "name", "partition", "product", "reference", "repository"}
FREE |= {"service", "settings", "slot", "text", "url", "what", "words"}


def offered(words: str, begun: str = "") -> list[str]:
    """Return what is offered behind words; a kind of path is told by its name in brackets."""
    found = ShellComplete(edge, {}, "edge", "_EDGE_COMPLETE").get_completions(words.split(), begun)
    return [_told(one) for one in found]


def _told(one: CompletionItem) -> str:
    return str(one.value) if one.type == "plain" else f"<{one.type}>"


@pytest.mark.parametrize(
    ("words", "begun", "some"),
    [
        ("build", "sys", ["<file>"]),
        ("build system.yml --board", "rpi", ["rpi-zero2w", "rpi3", "rpi4", "rpi5"]),
        ("build system.yml --format", "disk", ["disk", "disk.zst"]),
        ("boards show", "rpi4", ["<dir>", "rpi4"]),
        ("service build", "ss", ["<dir>", "sshd"]),
        ("flash", "ver", ["<file>", "verify"]),
        ("flash", "--bo", ["--board", "--boot-files"]),
        ("flash --to", "f", ["fastboot", "file:"]),
        ("flash --board rpi4", "o", ["<file>"]),
        ("fastboot getvar all --to", "", ["usb", "fastboot", "dfu", "sdp"]),
        ("", "camp", ["campaign"]),
    ],
)
def test_there_is_an_offer_for_what_is_known_here(words: str, begun: str, some: list[str]) -> None:
    assert offered(words, begun) == some


def test_a_line_offers_its_stations_and_the_devices_of_their_ledgers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, devices in (("S1", ("gw-1", "gw-2", "gw-1")), ("S2", ("gw-9",))):
        folder = tmp_path / "line/stations" / name
        folder.mkdir(parents=True)
        entries = [f'{{"at_ms":1,"device":"{one}","kind":"start"}}\n' for one in devices]
        (folder / "ledger.jsonl").write_text("".join(entries))

    assert offered("factory run line --station") == ["S1", "S2"]
    assert offered("factory rework line") == ["gw-1", "gw-2", "gw-9"]
    assert offered("factory rework line gw-1 --station", "S2") == ["S2"]
    assert offered("factory rework none") == []


def test_roles_of_a_key_folder_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("keys rotate", "t") == []

    assert main(["keys", "init", "--dir", "keys"]) == 0

    assert offered("keys rotate", "t") == ["targets", "timestamp"]


def test_what_can_not_be_had_is_not_offered_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert offered("devices show") == []
    assert offered("release bundle") == []


def test_every_word_that_names_a_thing_has_an_offer() -> None:
    bare = set()
    for words, command in commands():
        completion.offer_words(command)
        arguments = [one for one in command.params if isinstance(one, click.Argument)]
        texts = [one for one in arguments if type(one.type) is click.types.StringParamType]
        bare |= {(words, one.name) for one in texts if one.name not in FREE}

    assert bare == set()
    assert isinstance(edge, LazyGroup)
