"""`edge keys` and `edge sign`: what they print, ask and end with."""

import json
import os
import pty
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.keys import ring
from edge.repository.repository import Repository
from tests.edge.conftest import Edge

NOW_S = 1793534400
NOW = datetime.fromtimestamp(NOW_S, UTC)


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(NOW_S))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def staged(edge: Edge) -> Repository:
    """A production ring in `keys`, and a repository in `repo` with a release to be signed."""
    assert edge("keys", "init", "--production", "--product", "gateway").status == 0
    keys = ring.read(Path("keys"))
    repository = Repository.create(Path("repo"), keys, now=NOW)
    repository.stage(keys, "gateway", {"gateway/1.2/release.json": (b"{}", {})}, now=NOW)
    return repository


def test_a_demo_is_made_with_one_command(edge: Edge) -> None:
    ended = edge("keys", "init", "--dir", "k", "--json")

    assert ended.status == 0
    told = json.loads(ended.out)
    assert (told["in_force"], told["missing"], told["folder"]) == (True, {}, "k")
    assert len(ring.read(Path("k")).keys) == 6


def test_keys_are_listed_for_people(edge: Edge) -> None:
    edge("keys", "init")

    lines = edge("keys", "list").out.splitlines()

    assert lines[0].split() == ["role", "signs", "expires", "keys"]
    assert lines[1].split() == ["root", "1", "of", "1", "2027-11-01", "root"]
    assert lines[8].split() == ["key", "scheme", "id", "where", "roles"]
    assert not [line for line in lines if line.startswith("warning")]


def test_keys_are_listed_for_machines_with_warnings(edge: Edge) -> None:
    edge("keys", "init", "--production")

    told = json.loads(edge("keys", "list", "--json").out)

    assert told["roles"][0]["threshold"] == 3
    assert told["keys"][0]["reach"] == "here"
    assert (
        len([text for text in told["warnings"] if "root key and lies on this machine" in text]) == 5
    )


def test_what_is_to_be_signed_is_shown_and_signed(edge: Edge, staged: Repository) -> None:
    ended = edge("sign", "repo/pending", "--key", "file:keys/gateway-1.pem", "--yes")

    assert ended.status == 0
    assert "gateway.json: role gateway, version 1, expires 2027-11-01 12:00 UTC" in ended.err
    assert "+ gateway/1.2/release.json  2 B  sha256 44136fa355b3678a" in ended.err
    assert ended.out == "gateway.json: 1 more signatures are needed\n"
    ended = edge("sign", "repo/pending", "--key", "keys/gateway-3.pem", "--yes", "--json")
    assert json.loads(ended.out)["signed"][0]["missing"] == 0
    staged.publish(ring.read(Path("keys")), now=NOW)
    assert set(staged.targets("gateway")) == {"gateway/1.2/release.json"}


def test_the_keys_of_a_ring_sign_together(edge: Edge, staged: Repository) -> None:
    ended = edge("sign", "repo/pending", "--dir", "keys", "--yes")

    assert ended.out == "gateway.json: signed by enough keys\n"
    staged.publish(ring.read(Path("keys")), now=NOW)


def test_only_changes_against_what_is_signed_are_shown(edge: Edge, staged: Repository) -> None:
    edge("sign", "repo/pending", "--dir", "keys", "--yes")
    keys = ring.read(Path("keys"))
    staged.publish(keys, now=NOW)
    staged.stage(keys, "gateway", {"gateway/1.3/release.json": (b"3", {})}, now=NOW)

    shown = edge("sign", "repo/pending", "--dir", "keys", "--yes").err

    assert "version 2 (after 1)" in shown
    assert "1.3/release.json" in shown
    assert "1.2/release.json" not in shown


def test_without_a_terminal_nobody_is_asked_and_nothing_signed(
    edge: Edge, staged: Repository
) -> None:
    before = (staged.pending / "request.json").read_bytes()

    ended = edge("sign", "repo/pending", "--key", "keys/gateway-1.pem")

    assert ended.status == 5
    assert "add --yes" in ended.err
    assert (staged.pending / "request.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["sign", "repo/pending"], 2, "which key is to sign?"),
        (["sign", "nothing", "--key", "keys/root-1.pem"], 3, "no signing request"),
        (["sign", "repo/pending", "--key", "none.pem", "--yes"], 3, "none.pem: no such file"),
        (["sign", "repo/pending", "--key", "keys/root-1.pem", "--yes"], 5, "it waits for gateway"),
        (["sign", "keys/keys.json", "--key", "keys/root-1.pem", "--yes"], 2, "canonical"),
        (["keys", "rotate", "nothing", "--yes"], 3, "no role is called 'nothing'"),
        (["keys", "rotate", "root"], 5, "nobody to ask: replace all keys of root?"),
        (["keys", "complete"], 3, "no signing request is here"),
        (["keys", "list", "--dir", "none"], 3, "edge keys init --dir none"),
        (["keys", "init"], 5, "never written over"),
        (["keys", "init", "--dir", "new", "--product", "root"], 2, "'root' can not be that"),
        (["keys", "new", "--role", "root"], 2, "say where the key is to be"),
        (["keys", "new", "--role", "root", "--uri", "file:x"], 2, "for a file say --out"),
        (["keys", "init", "--dir", "new", "--passphrase"], 5, "nobody to ask"),
    ],
)
def test_wrong_words_end_with_their_status(
    edge: Edge, staged: Repository, words: list[str], status: int, said: str
) -> None:
    ended = edge(*words)

    assert (ended.status, said in ended.err) == (status, True), ended.err


def test_what_is_not_trusted_ends_with_status_4(edge: Edge, staged: Repository) -> None:
    forged = Path("repo/pending/request.json")
    forged.write_text(forged.read_text().replace('"threshold":2', '"threshold":1'))
    shutil.copy("keys/1.root.json", "keys/2.root.json")

    assert edge("keys", "list").status == 4


def test_keys_made_elsewhere_make_a_ring(edge: Edge) -> None:
    for number in range(1, 4):
        made = edge("keys", "new", "--role", "root", "--out", f"usb{number}/root-{number}.pem")
        assert made.status == 0
    publics = [word for n in range(1, 4) for word in ("--public", f"usb{n}/root-{n}.pub")]
    ended = edge("keys", "init", "--production", *publics)
    assert "keys/pending.json needs" in ended.out
    assert "3 more for 1.root.json" in ended.out
    for number in range(1, 4):
        shutil.copy("keys/pending.json", f"usb{number}")
        key = f"usb{number}/root-{number}.pem"
        assert edge("sign", f"usb{number}/pending.json", "--key", key, "--yes").status == 0

    ended = edge("keys", "complete", *(f"usb{number}/pending.json" for number in range(1, 4)))

    assert ended.out == "keys: in force\n"
    assert "elsewhere" in edge("keys", "list").out


def test_rotation_and_renewal_take_effect_at_once_where_the_keys_are(edge: Edge) -> None:
    edge("keys", "init")

    rotated = edge("keys", "rotate", "root", "--yes", "--algorithm", "p256")
    renewed = edge("keys", "renew", "targets")

    assert rotated.out == "root: new keys root-2\n"
    assert renewed.out == "targets: signed anew\n"
    keys = ring.read(Path("keys"))
    assert (keys.root().signed.version, keys.targets().signed.version) == (2, 2)
    assert keys.keys["root-2"].key.scheme == "ecdsa-sha2-nistp256"


def test_a_rotation_of_releases_says_what_is_left_to_do(edge: Edge) -> None:
    edge("keys", "init")

    ended = edge("keys", "rotate", "release", "--yes")

    assert "sign the releases of release anew" in ended.out


def test_locked_keys_are_unlocked_by_a_file(edge: Edge) -> None:
    secret = Path("secret")
    secret.touch(0o600)
    secret.write_text("sesame\n")

    assert edge("keys", "init", "--passphrase-file", "secret").status == 0
    assert "ENCRYPTED" in Path("keys/root.pem").read_text()
    refused = edge("keys", "renew", "root")
    assert (refused.status, "passphrase of root.pem" in refused.err) == (5, True)
    assert edge("keys", "renew", "root", "--passphrase-file", "secret").status == 0


def test_a_clock_that_is_no_time_is_refused(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")

    assert edge("keys", "init").status == 2


def test_every_command_about_keys_has_help() -> None:
    for words in (["keys"], ["keys", "init"], ["keys", "new"], ["keys", "rotate"], ["sign"]):
        assert main([*words, "--help"]) == 0


def _on_a_terminal(folder: Path, words: list[str], typed: list[tuple[str, str]]) -> tuple[int, str]:
    """Run `edge` on a terminal, answer each question when it comes, and return how it ended."""
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "edge.cli.main", *words])
    shown = ""
    try:
        for question, answer in typed:
            while question not in shown:
                shown += os.read(handle, 4096).decode()
            shown = shown.partition(question)[2]
            os.write(handle, f"{answer}\n".encode())
        while read := os.read(handle, 4096).decode():
            shown += read
    except OSError:  # the terminal of a process that ended
        pass
    os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_person_at_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    again = "Repeat for confirmation"
    made = ["keys", "init", "--passphrase"]
    words = ["keys", "rotate", "root"]

    status, shown = _on_a_terminal(tmp_path, made, [("new keys", "sesame"), (again, "sesame")])
    assert (status, "sesame" in shown) == (0, False), shown
    assert _on_a_terminal(tmp_path, words, [("replace all keys of root?", "n")])[0] == 130
    yes = [("replace all keys of root?", "y"), ("passphrase of root.pem", "sesame")]
    status, shown = _on_a_terminal(tmp_path, words, yes)

    assert (status, "root: new keys root-2" in shown, "sesame" in shown) == (0, True, False), shown
