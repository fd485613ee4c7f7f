"""The commands against a console: they use its API, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from edge.cli.main import edge as commands
from edge.cli.main import main
from edge_agent.link import RefusedByServerError
from tests.agent.power.system import System
from tests.fakes import console
from tests.fakes.approving import released
from tests.fakes.console import Console, sql
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def edge(
    site: Console,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Run a command of somebody who has logged in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main([str(word) for word in words])
        return status, *capfd.readouterr()

    token, authority = site.site.admin_token, site.site.authority
    assert run("console", "login", site.api_url, "--token-file", token, "--ca", authority)[0] == 0
    return run


def test_a_device_goes_from_waiting_to_revoked(site: Console, edge: Run) -> None:
    link = site.link("unit-7")
    with pytest.raises(RefusedByServerError):
        link.desired()

    assert "pending" in edge("devices", "list")[1]
    status, said, _err = edge("devices", "accept", "unit-7")
    assert (status, site.fingerprint("unit-7") in said) == (0, True)
    assert link.desired() is None
    assert edge("devices", "tag", "unit-7", "--add", "berlin")[1] == "unit-7: berlin\n"
    assert "berlin" in edge("devices", "list", "--tag", "berlin")[1]
    assert edge("devices", "revoke", "unit-7", "--yes")[0] == 0
    with pytest.raises(RefusedByServerError):
        link.desired()
    acts = [one["act"] for one in json.loads(edge("audit", "list", "--json")[1])["entries"]]
    assert acts[-4:] == ["device.ask", "device.accept", "device.tag", "device.revoke"]


def test_a_shell_is_offered_what_the_console_knows(edge: Run) -> None:
    for device in ("unit-7", "unit-8", "other"):
        edge("devices", "register", device)
    assert (
        "hint: edge groups list; edge groups set makes one" in edge("groups", "add", "eu", "o")[2]
    )
    edge("groups", "set", "eu")
    shell = ShellComplete(commands, {}, "edge", "_EDGE_COMPLETE")

    def offered(words: str, begun: str) -> list[str]:
        return [str(one.value) for one in shell.get_completions(words.split(), begun)]

    assert offered("devices show", "unit") == ["unit-7", "unit-8"]
    assert offered("deploy 1 --to", "o") == ["other"]
    assert offered("groups remove", "") == ["eu"]
    for words in ("campaign show", "hooks test", "people show", "enrolment revoke", "deploy"):
        assert offered(words, "none") == []


def test_attributes_and_notes_are_written_and_taken_away(edge: Run, tmp_path: Path) -> None:
    edge("devices", "register", "unit-7")
    text = tmp_path / "visit.txt"
    text.write_text("behind the boiler\n")

    def said(*words: object) -> str:
        status, out, err = edge("devices", *words)
        assert status == 0, err
        return out

    assert said("set", "unit-7", "site=Hall 3", "rack=a=b") == "unit-7: rack=a=b site=Hall 3\n"
    assert "unit-7" in said("list", 'attr.site="Hall 3"')
    assert json.loads(said("set", "unit-7", "--remove", "rack", "--json")) == {
        "device": "unit-7",
        "attributes": {"site": "Hall 3"},
    }
    assert said("set", "unit-7", "--remove", "site") == "unit-7: no attributes\n"
    assert said("note", "unit-7") == "unit-7: no notes\n"
    assert said("note", "unit-7", "--file", text) == "behind the boiler\n\n"
    assert said("note", "unit-7", "key at the desk") == "key at the desk\n"
    assert json.loads(said("note", "unit-7", "--json"))["notes"] == "key at the desk"
    assert said("note", "unit-7", "--clear") == "unit-7: no notes\n"


def test_the_history_of_a_device_is_told_newest_first(edge: Run) -> None:
    edge("devices", "register", "unit-7")
    edge("devices", "tag", "unit-7", "--add", "berlin")

    status, said, _err = edge("devices", "history", "unit-7")
    whole = json.loads(edge("devices", "history", "unit-7", "--all", "--json")[1])["items"]
    one = json.loads(edge("devices", "history", "unit-7", "--limit", "1", "--json")[1])["items"]

    assert status == 0
    assert said.index("device.tag") < said.index("device.register")
    assert [item["what"] for item in whole] == ["device.tag", "device.register"]
    assert one == whole[:1]
    assert edge("devices", "history", "none")[0] == 3


def test_a_release_of_a_repository_is_brought_and_ordered(edge: Run, operator: Operator) -> None:
    old = System.make("1", 1)
    operator.release(old)
    operator.release(System.update("2", 2, old, "patch"))
    operator.release(System.update("3", 3, old, "chunks"))
    edge("devices", "register", "unit-7")

    status, said, err = edge("releases", "add", "3", "--repo", operator.repository.folder)
    assert (status, "published" in said) == (0, True), err
    listed = json.loads(edge("releases", "list", "--json")[1])["releases"]
    ordered = edge("deploy", "2", "--to", "unit-7")
    of_filter = edge("deploy", "2", "--to", "version<2")
    shown = json.loads(edge("devices", "show", "unit-7", "--json")[1])

    assert (of_filter[0], "campaign create --target 'version<2'" in of_filter[2]) == (3, True)
    assert [(one["version"], one["is_published"]) for one in listed] == [
        ("1", True),
        ("2", True),
        ("3", True),
    ]
    assert [len(one["patches"]) for one in listed] == [0, 1, 0]
    assert ordered[0] == 0
    assert [(one["version"], one["state"]) for one in shown["orders"]] == [("2", "open")]


def test_what_people_signed_is_given_by_file(edge: Run, operator: Operator, tmp_path: Path) -> None:
    operator.release(System.make("1", 1))
    operator.release(System.make("2", 2))
    board = released(operator, "2")
    edge("releases", "add", "2", "--repo", operator.repository.folder)
    edge("devices", "register", "unit-7")
    file, words = tmp_path / "approval.json", ("deploy", "2", "--to", "unit-7", "--approval")
    file.write_text(json.dumps(json.loads(board.packed("anna")), indent=2))
    good = edge(*words, file)
    file.write_bytes(released(operator, "1").packed("anna"))
    others = edge(*words, file)
    file.write_text("{")
    broken = edge(*words, file)

    assert good[0] == 0, good
    assert "approval is of other releases" in others[2]
    assert (broken[0], "approval.json" in broken[2]) == (2, True)


def test_a_bundle_whose_metadata_names_more_waits_for_it(edge: Run, operator: Operator) -> None:
    operator.release(System.make("1", 1))
    operator.release(System.make("2", 2))
    operator.bundle("2")
    bundle = operator.folder / "update.edge"

    status, said, err = edge("releases", "add", bundle)
    before = json.loads(edge("releases", "show", "2", "--json")[1])["is_published"]
    operator.bundle("1")
    second = edge("releases", "add", bundle)[0]
    after = json.loads(edge("releases", "show", "2", "--json")[1])["is_published"]

    assert (status, before) == (2, False)
    assert "missing: targets/gateway/1/" in said
    assert "files are missing" in err
    assert (second, after) == (0, True)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        pytest.param(["devices", "show", "none"], 3, "no device 'none'", id="no device"),
        pytest.param(["devices", "register", "a/b"], 2, "the device id 'a/b'", id="bad id"),
        pytest.param(
            ["deploy", "9", "--to", "none", "--window", "02:00-04:00"],
            2,
            "--window is for --reboot window",
            id="window of no restart",
        ),
        pytest.param(
            ["deploy", "9", "--to", "none", "--reboot", "window", "--window", "2-4"],
            2,
            "from '2' is not one",
            id="no window",
        ),
        pytest.param(["deploy", "9", "--to", "none"], 3, "no release '9'", id="no release"),
        pytest.param(
            ["console", "token", "ci", "--scope", "nix"], 2, "'factory:write'", id="no scope"
        ),
        pytest.param(["devices", "list", "x=1"], 2, "x", id="filter"),
        pytest.param(["devices", "tag", "none"], 2, "--add TAG", id="nothing to do"),
        pytest.param(["devices", "set", "none"], 2, "--remove NAME", id="nothing to set"),
        pytest.param(["devices", "set", "none", "site"], 2, "NAME=VALUE", id="no value"),
        pytest.param(["devices", "set", "none", "a=1", "--remove", "a"], 2, "twice", id="twice"),
        pytest.param(["devices", "set", "none", "a=1"], 3, "no device 'none'", id="no device"),
        pytest.param(["devices", "note", "none", "x", "--clear"], 2, "one of them", id="two"),
        pytest.param(["devices", "note", "none", "x"], 3, "no device 'none'", id="nobody's note"),
    ],
)
def test_what_the_console_refuses_has_its_exit_code(
    edge: Run, words: list[str], status: int, text: str
) -> None:
    found, _out, err = edge(*words)

    assert (found, text in err) == (status, True), err


def test_the_newest_acts_are_listed_last_and_what_is_left_out_is_told(
    site: Console, edge: Run
) -> None:
    for number in range(3):
        edge("devices", "register", f"unit-{number}")
    words = ("audit", "list", "--subject", "device:*")

    two, all_ = edge(*words, "--last", 2)[1], edge(*words)[1]
    found = json.loads(edge(*words, "--last", 2, "--json")[1])

    assert "unit-0" not in two
    assert two.index("unit-1") < two.index("unit-2") < two.index("these are the newest 2: --last N")
    assert "unit-0" in all_
    assert "these are" not in all_
    assert [one["subject"] for one in found["entries"]] == ["device:unit-1", "device:unit-2"]
    assert found["more"]


def test_acts_are_listed_since_a_day(site: Console, edge: Run) -> None:
    for number in range(3):
        edge("devices", "register", f"unit-{number}")
    moved = "UPDATE audit SET at_s=86400 * number WHERE subject LIKE 'device:unit-%'"
    sql(site.running.office.database, moved)
    words = ("audit", "list", "--subject", "device:*", "--json")
    days = {one["subject"]: one["number"] for one in json.loads(edge(*words)[1])["entries"]}
    day = f"1970-01-{days['device:unit-1'] + 1:02}"

    since = json.loads(edge(*words, "--since", day)[1])

    assert [one["subject"] for one in since["entries"]] == ["device:unit-1", "device:unit-2"]
    assert not since["more"]
    status, _out, err = edge("audit", "list", "--since", "yesterday")
    assert (status, "is not a date" in err) == (2, True)
    assert edge(*words, "--all", "--last", 1)[0] == 2


def test_the_audit_log_is_verified_here(site: Console, edge: Run) -> None:
    edge("devices", "register", "unit-7")
    status, said, _err = edge("audit", "verify")
    tip = said.rpartition("tip ")[2].strip()
    edge("devices", "register", "unit-8")
    again = edge("audit", "verify", "--tip", tip)[0]
    sql(site.running.office.database, "UPDATE audit SET actor='token:x' WHERE number=3")

    broken, _out, err = edge("audit", "verify")

    assert (status, again) == (0, 0)
    assert (broken, "entry 3 is not the one that was written" in err) == (4, True)


def test_a_token_does_what_it_is_for(edge: Run, site: Console) -> None:
    _status, text, _err = edge("console", "token", "ci", "--scope", "releases:read", "--days", 1)

    assert site.ask("GET", "/api/v1/releases", token=text.strip()).status == 200
    assert site.ask("GET", "/api/v1/devices", token=text.strip()).status == 403


def test_nobody_is_asked_without_a_console(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert main(["devices", "list"]) == 2
    assert "edge console login" in capfd.readouterr().err


def test_another_tenant_is_made_beside_the_first_and_sees_nothing_of_it(
    tmp_path: Path, pki: Pki, stranger: Pki, keys: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "console"
    with console.running(folder, pki, keys) as site:
        site.good("POST", "/devices", {"device": "unit-1"})
    words = ["console", "tenant", "add", "acme", "--dir", str(folder), "--keys", str(keys)]
    theirs = [*words, "--factory-ca", str(stranger.factory.file)]

    assert (
        main(["console", "tenant", "add", "../x", "--dir", str(folder), "--keys", str(keys)]) == 2
    )
    assert main([*words, "--factory-ca", str(pki.factory.file)]) == 5
    assert main(theirs) == 0
    assert main(theirs) == 5
    capfd.readouterr()
    assert main(["console", "tenant", "list", "--dir", str(folder)]) == 0

    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == ["acme", "default"]
    token = folder / "tenants/acme/admin.token"
    assert token.stat().st_mode & 0o777 == 0o600
    with console.running(folder, pki, keys) as site:
        text = token.read_text().strip()
        assert site.good("GET", "/devices", token=text)["devices"] == []
        with pytest.raises(RefusedByServerError):
            site.link("unit-9", stranger).desired()
        waiting = site.good("GET", "/devices", token=text)["devices"]
        assert [(one["device"], one["state"]) for one in waiting] == [("unit-9", "pending")]
