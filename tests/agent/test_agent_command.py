"""The command `edge-agent`, as a person calls it on a device."""

import json

import pytest

from edge_agent import libraries
from edge_agent.__main__ import main
from edge_agent.consent import Consent
from edge_agent.store import files_in
from edge_signing.formats.boot_state import BootState
from tests.agent.conftest import AgentFiles


@pytest.fixture(autouse=True)
def some_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    # All of them are on a device only; tests/e2e asks there.
    monkeypatch.setattr(libraries, "NAMES", ("construct", "http.client"))


def test_the_status_is_one_json_object(
    files: AgentFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert "agent.sock" in said.pop("agent")["error"]
    assert said == {
        **{"slot": "b", "order": ["b", "a"]},
        **{"tries_left": {"a": 9, "b": 3}, "seq": files.state().seq},
    }


@pytest.mark.usefixtures("files")
def test_the_status_for_people_is_a_line_for_each_fact(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["slot", "b"]
    assert len(lines) == 6


def test_the_inventory_tells_what_the_device_is(
    files: AgentFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inventory"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["libraries"]["http.client"] == ""
    assert (said["slot"], said["order"]) == ("b", ["b", "a"])
    assert said["system"]["product"] == "unknown"
    assert files.state().seq == 3


def test_going_back_without_a_whole_system_in_the_other_slot_is_refused(
    files: AgentFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    files.control().disarm()

    assert main(["revert"]) == 1

    assert capsys.readouterr().err == "edge-agent: slot a holds no whole system\n"


def test_commit_makes_the_running_slot_the_first_choice(files: AgentFiles) -> None:
    assert main(["commit"]) == 0

    assert files.state() == BootState(4, ("b", "a"), {"a": 9, "b": 9})


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("word", ["confirm", "postpone"])
def test_without_an_update_there_is_nothing_to_confirm(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 1

    assert capsys.readouterr().err.endswith(f"edge-agent: {word}: not in state idle\n")


@pytest.mark.parametrize("command", ["status", "commit"])
def test_what_is_wrong_is_one_line(
    files: AgentFiles, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files.boot_state.unlink()

    assert main([command]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"edge-agent: {files.boot_state}: No such file or directory\n"


@pytest.mark.parametrize("words", [[], ["dance"], ["status", "--jsn"], ["commit", "b"]])
def test_a_command_that_is_not_known_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)

    assert caught.value.code == 2
    assert "usage: edge-agent" in capsys.readouterr().err


def test_the_version_of_each_library_is_told() -> None:
    found = libraries.versions()

    assert list(found) == ["construct", "http.client"]
    assert found["construct"].startswith("2.")


def test_a_library_that_the_image_lacks_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "NAMES", ("json", "no_such_library"))

    with pytest.raises(ImportError, match="no_such_library"):
        libraries.versions()


def test_a_user_agrees_to_all_updates_and_takes_that_back(files: AgentFiles) -> None:
    consent = Consent(files_in(files.places.data))

    said = []
    for word in ("auto-confirm", "auto-confirm", "ask-again", "ask-again"):
        assert main([word]) == 0
        said.append(consent.is_given())

    assert said == [True, True, False, False]
