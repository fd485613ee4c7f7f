"""What an image says of its terminal, and which grants were used."""

from pathlib import Path

import pytest

from edge_agent.errors import StoreError
from edge_agent.reach.policy import Policy
from edge_agent.settings import Settings
from edge_agent.store import files_in
from edge_agent.terminal.terms import SHELL, Terms
from edge_agent.terminal.used import FILE, MOST, Used
from edge_signing.errors import FormatError
from edge_signing.fields import Fields
from tests.agent.reach.bench import MemoryFiles
from tests.fakes.support import Ends, Support


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> Support:
    return Support.make(tmp_path_factory.mktemp("support"))


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends.make(tmp_path_factory.mktemp("ends"))


def test_there_is_no_terminal_unless_the_image_says_so() -> None:
    assert Settings.unpack(b"{}").reach.terminal is None
    assert Settings.unpack(b'{"reach": {"logs": true}}').reach.terminal is None


def test_an_image_names_keys_as_their_files_do(support: Support) -> None:
    policy = Policy.read(Fields({"terminal": support.settings()}, "reach"))

    assert policy.terminal == Terms(support.keys)
    assert policy.terminal.command == SHELL


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"keys": []}, id="no key"),
        pytest.param({"keys": {}}, id="no list"),
        pytest.param({"threshold": 2}, id="more than there are"),
        pytest.param({"threshold": 0}, id="none"),
        pytest.param({"command": []}, id="no command"),
        pytest.param({"command": ["sh"]}, id="a command that is searched for"),
        pytest.param({"command": ["/bin/sh", 1]}, id="no word"),
        pytest.param({"idle_s": 0}, id="no time"),
        pytest.param({"longest_s": 86_401}, id="too long"),
        pytest.param({"user": "root"}, id="not known"),
    ],
)
def test_a_wrong_setting_is_refused(support: Support, more: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        Policy.read(Fields({"terminal": {**support.settings(), **more}}, "reach"))


def test_a_key_twice_is_refused(support: Support) -> None:
    twice = support.named() * 2
    with pytest.raises(FormatError, match="twice"):
        Policy.read(Fields({"terminal": {"keys": twice}}, "reach"))


@pytest.mark.parametrize(
    "key",
    [
        {"algorithm": "ed25519", "public": "zz"},
        {"algorithm": "p256", "public": "no PEM"},
        {"algorithm": "rsa", "public": "00" * 32},
        {"algorithm": "ed25519", "public": "00" * 32, "more": 1},
    ],
)
def test_what_is_no_key_is_refused(key: dict[str, object]) -> None:
    whole = {"format": 1, "name": "support-1", "role": "support", **key}
    with pytest.raises(FormatError):
        Policy.read(Fields({"terminal": {"keys": [whole]}}, "reach"))


def session(number: int) -> str:
    return f"{number:032x}"


def test_a_grant_stays_used_after_a_restart(ends: Ends, tmp_path: Path) -> None:
    Used(files_in(tmp_path)).add(ends.signed(session(1)).grant)

    again = Used(files_in(tmp_path))

    assert (again.has(session(1)), again.has(session(2))) == (True, False)


def test_what_is_let_go_is_refused_by_its_time(ends: Ends) -> None:
    files = MemoryFiles()
    used = Used(files)
    for number in range(MOST + 2):
        used.add(ends.signed(session(number), now_s=1000 + number).grant)

    again = Used(files)

    assert not again.has(session(0))
    assert again.forgotten_s == 1000 + 1 + 900
    assert again.has(session(2))


def test_a_grant_that_can_not_be_noted_is_not_used(ends: Ends) -> None:
    files = MemoryFiles(is_full=True)

    with pytest.raises(StoreError):
        Used(files).add(ends.signed().grant)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"forgotten_s":0,"format":2,"grants":[]}'])
def test_a_worn_note_refuses(data: bytes) -> None:
    with pytest.raises(StoreError):
        Used(MemoryFiles({FILE: data}))
