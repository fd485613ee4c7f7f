"""SBOMs of releases: brought with them, later, or never; told, given and compared."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.console.repository import sboms, vault
from edge.keys import create
from edge.release import catalogue
from edge_signing.sbom import sbom_path
from tests.agent.power.system import System
from tests.edge.console.test_console_commands import Run
from tests.edge.console.test_console_commands import edge as edge
from tests.fakes.bill import sbom
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

OLD = sbom({"web": ["libc6=2.40", "nginx=1.26"], "log": ["libc6=2.40"]}, ["linux=6.12"])
NEW = sbom({"web": ["libc6=2.41", "nginx=1.26"], "sshd": ["libc6=2.41"]}, ["linux=6.12"])
HOSTILE = {
    b"\x7fELF": "not JSON",
    b"[" * 400_000: "nested too deeply",
    b"[],[" * 300_000: "made of more than",
    b'{"spdxVersion": "SPDX-3.0"}': "spdxVersion: 'S",
}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def bring(site: Console, operator: Operator, version: str, data: bytes) -> None:
    operator.release(System.make(version, int(version)), data)
    site.good("POST", "/releases", operator.bundle(version, with_sbom=True))


@pytest.fixture(scope="module")
def told(shared: Console, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    """The shared console with releases 1, without an SBOM, and 2 and 3 with one each."""
    operator = Operator(tmp_path_factory.mktemp("told") / "operator", keys)
    operator.release(System.make("1", 1))
    bring(shared, operator, "2", OLD)
    bring(shared, operator, "3", NEW)
    return shared


def test_a_release_is_published_before_its_sbom_comes(site: Console, operator: Operator) -> None:
    operator.release(System.make("1", 1), OLD)

    uploaded = site.good("POST", "/releases", operator.bundle("1"))

    assert [one["is_published"] for one in uploaded["changed"]] == [True]
    (missing,) = uploaded["missing"]
    assert missing == {
        "name": f"targets/gateway/1/{digest(OLD)}.sbom.spdx.json",
        "sha256": digest(OLD),
        "length_bytes": len(OLD),
        "is_optional": True,
    }
    absent = site.ask("GET", "/api/v1/releases/1/sbom")
    assert (absent.status, "was not brought" in absent.body["error"]) == (404, True)
    assert "edge releases add 1 --repo" in absent.body["hint"]
    site.good("POST", "/devices", {"device": "unit-1"})
    assert site.good("POST", "/deployments", {"device": "unit-1", "version": "1"})["action"]

    brought = site.good("PUT", f"/objects/{digest(OLD)}", OLD)

    assert brought == {"changed": [], "missing": []}
    last = site.good("GET", "/audit?newest=true&act=release.sbom")["entries"]
    assert [(one["subject"], one["details"]) for one in last] == [
        ("release:gateway/1/release.json", {"sbom": "gateway/1/sbom.spdx.json"})
    ]
    assert site.good("GET", "/releases/1/sbom")["total"] == 3
    assert site.ask("PUT", f"/api/v1/objects/{digest(OLD)}", OLD).status == 404


def test_the_newest_metadata_is_published_though_older_sboms_are_missing(
    site: Console, operator: Operator
) -> None:
    for version, data in (("1", OLD), ("2", NEW)):
        operator.release(System.make(version, int(version)), data)
    for version in ("1", "2"):
        site.good("POST", "/releases", operator.bundle(version))

    missing = site.good("GET", "/objects")["missing"]
    assert [one["sha256"] for one in missing] == [digest(OLD), digest(NEW)]
    published = {
        one["version"]: one["is_published"] for one in site.good("GET", "/releases")["releases"]
    }
    assert published == {"1": True, "2": True}


def test_services_and_packages_are_told_page_by_page(told: Console) -> None:
    found = told.good("GET", "/releases/2/sbom?limit=2")
    rest = told.good("GET", f"/releases/2/sbom?limit=2&after={found['next']}")

    assert (found["path"], found["sha256"]) == ("gateway/2/sbom.spdx.json", digest(OLD))
    assert (found["length_bytes"], found["total"]) == (len(OLD), 3)
    assert [(one["name"], one["packages"]) for one in found["services"]] == [("log", 1), ("web", 2)]
    rows = [*found["packages"], *rest["packages"]]
    assert [(one["name"], one["version"], one["places"]) for one in rows] == [
        ("libc6", "2.40", ["log", "web"]),
        ("linux", "6.12", [""]),
        ("nginx", "1.26", ["web"]),
    ]
    assert rest["next"] == ""
    acts = told.good("GET", "/audit?act=release.sbom")["entries"]
    assert [one["subject"] for one in acts] == [
        "release:gateway/2/release.json",
        "release:gateway/3/release.json",
    ]
    assert told.good("GET", "/releases/2/sbom?after=99")["packages"] == []


def test_packages_are_chosen(told: Console) -> None:
    def names(query: str) -> list[str]:
        found = told.good("GET", f"/releases/2/sbom?{query}")
        assert found["total"] == len(found["packages"])
        return [one["name"] for one in found["packages"]]

    assert names("match=LIBC%20mit") == ["libc6"]
    assert names("service=log") == ["libc6"]
    assert names("service=web&match=1.26") == ["nginx"]
    assert names("match=nothing") == []
    assert told.ask("GET", "/api/v1/releases/2/sbom?after=-1").status == 400
    assert told.ask("GET", "/api/v1/releases/2/sbom?limit=501").status == 400


def test_the_document_is_given_as_it_was_signed(told: Console) -> None:
    found = told.ask("GET", "/api/v1/releases/2/sbom/document")
    etag = found.headers["ETag"]
    again = told.ask("GET", "/api/v1/releases/2/sbom/document", headers={"If-None-Match": etag})

    assert (found.status, found.body.encode()) == (200, OLD)
    assert etag == f'"{digest(OLD)}"'
    assert (again.status, again.body) == (304, "")
    assert found.headers["Content-Disposition"] == (
        'attachment; filename="gateway-2.sbom.spdx.json"'
    )
    assert found.headers["Cache-Control"] == "private, no-cache"


def test_what_differs_is_told(told: Console) -> None:
    found = told.good("GET", "/releases/3/sbom/difference?from=2")

    assert (found["before"], found["version"]) == ("2", "3")
    assert [(one["name"], one["kind"], one["packages"]) for one in found["services"]] == [
        ("log", "removed", 1),
        ("sshd", "added", 1),
    ]
    (change,) = found["packages"]
    assert (change["kind"], change["before"], change["after"]) == ("changed", ["2.40"], ["2.41"])
    assert (change["places"], change["joined"]) == (["sshd", "web"], ["sshd"])
    assert (change["left"], found["counts"]["changed"]) == (["log"], 1)
    back = told.good("GET", "/releases/2/sbom/difference?from=3")
    assert [one["kind"] for one in back["services"]] == ["added", "removed"]


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        pytest.param("3/sbom/difference", 400, "query.from", id="from nothing"),
        pytest.param("3/sbom/difference?from=9", 404, "no release '9'", id="from nowhere"),
        pytest.param("3/sbom/difference?from=1", 404, "released without an SBOM", id="from none"),
        pytest.param("1/sbom", 404, "gateway 1 was released without an SBOM", id="none"),
        pytest.param("1/sbom/document", 404, "released without an SBOM", id="no document"),
        pytest.param("9/sbom/document", 404, "no release '9'", id="no release"),
        pytest.param("2/sbom?product=other", 404, "no release '2'", id="other product"),
    ],
)
def test_what_is_not_there_is_told(told: Console, path: str, status: int, reason: str) -> None:
    found = told.ask("GET", f"/api/v1/releases/{path}")

    assert (found.status, reason in found.body["error"]) == (status, True)


def test_another_tenant_sees_none_of_it(told: Console, stranger: Pki, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    create.init(keys, now=datetime.now(UTC), products=("gateway",))
    theirs = told.other_tenant("them", stranger, keys)

    for path in ("sbom", "sbom/document", "sbom/difference?from=2"):
        found = told.ask("GET", f"/api/v1/releases/3/{path}", token=theirs)
        assert (found.status, found.body["error"]) == (404, "no release '3'")


def test_hostile_sboms_are_refused_and_their_releases_go_on(
    site: Console, operator: Operator
) -> None:
    for number, (data, reason) in enumerate(HOSTILE.items(), 1):
        version = str(number)
        operator.release(System.make(version, number), data)

        refused = site.ask("POST", "/api/v1/releases", operator.bundle(version, with_sbom=True))
        before = site.good("GET", "/releases")["releases"]
        site.good("POST", "/releases", operator.bundle(version))
        alone = site.ask("PUT", f"/api/v1/objects/{digest(data)}", data)

        assert len(before) == number - 1
        stored = f"targets/gateway/{version}/{digest(data)}.sbom.spdx.json"
        places = (f"gateway/{version}/sbom.spdx.json", stored)
        for answer, place in zip((refused, alone), places, strict=True):
            assert (answer.status, "SPDX 2.2 or 2.3" in answer.body["hint"]) == (400, True), answer
            assert answer.body["error"].startswith(f"{place}: {reason}")
        assert site.good("GET", f"/releases/{version}")["is_published"]
        assert site.ask("GET", f"/api/v1/releases/{version}/sbom").status == 404


def test_other_bytes_than_the_signed_ones_are_refused(site: Console, operator: Operator) -> None:
    operator.release(System.make("1", 1), OLD)
    site.good("POST", "/releases", operator.bundle("1"))

    for data in (NEW, OLD[:-1], OLD + b" ", b""):
        refused = site.ask("PUT", f"/api/v1/objects/{digest(OLD)}", data)
        assert (refused.status, "are others" in refused.body["error"]) == (422, True)

    site.good("PUT", f"/objects/{digest(OLD)}", OLD)


def test_one_that_is_too_long_is_never_asked_for(
    site: Console, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((vault, "SBOM_MOST_BYTES"), (sboms, "MOST_BYTES")):
        monkeypatch.setattr(module, name, len(OLD) - 1)
    operator.release(System.make("1", 1), OLD)

    uploaded = site.good("POST", "/releases", operator.bundle("1"))

    assert (uploaded["missing"], uploaded["changed"][0]["is_published"]) == ([], True)
    assert site.ask("PUT", f"/api/v1/objects/{digest(OLD)}", OLD).status == 404
    told = site.ask("GET", "/api/v1/releases/1/sbom").body["error"]
    assert told == (
        f"gateway/1/sbom.spdx.json is not kept: its {len(OLD)} bytes are more than {len(OLD) - 1}"
    )


def test_commands_bring_show_compare_and_give_it(
    site: Console, operator: Operator, edge: Run
) -> None:
    for version, data in (("1", OLD), ("2", NEW)):
        operator.release(System.make(version, int(version)), data)
    repository = operator.folder / "repo"

    added = edge("releases", "add", "2", "--repo", repository)
    shown = edge("releases", "sbom", "2")
    chosen = json.loads(edge("releases", "sbom", "2", "--match", "libc", "--json")[1])
    compared = edge("releases", "sbom", "2", "--from", "1")
    given = edge("releases", "sbom", "1", "--raw")

    assert (added[0], "missing" in added[1]) == (0, False)
    assert shown[0] == 0
    assert f"sha256 {digest(NEW)}: 3 packages" in shown[1]
    assert "libc6    2.41     arm64  MIT      sshd, web" in shown[1]
    assert [one["name"] for one in chosen["packages"]] == ["libc6"]
    assert compared[1].splitlines() == [
        "from 1 to 2",
        "",
        "   service  from          to            packages",
        f"-  log      {digest(b'log 1')[:12]}  -                    1",
        f"+  sshd     -             {digest(b'sshd 1')[:12]}         1",
        "",
        "   package  from  to    in",
        "~  libc6    2.40  2.41  sshd, web; new in sshd; no longer in log",
        "",
        "packages: 1 changed",
    ]
    assert given == (0, OLD.decode(), "")
    assert edge("releases", "sbom", "2", "--raw", "--from", "1")[0] == 2
    assert edge("releases", "sbom", "2", "--from", "1", "--match", "x")[0] == 2
    assert edge("releases", "sbom", "3")[0] == 3
    assert edge("releases", "sbom", "3", "--raw")[0] == 3


def test_a_bundle_without_its_sbom_is_no_error_for_the_command(
    site: Console, operator: Operator, edge: Run
) -> None:
    operator.release(System.make("1", 1), OLD)
    bundle = operator.folder / "given.edge"
    bundle.write_bytes(operator.bundle("1"))

    status, said, _err = edge("releases", "add", bundle)

    assert status == 0
    assert "gateway 1: published" in said
    assert "an SBOM: all is published without it" in said


def test_hostile_names_play_no_tricks_on_a_terminal(
    site: Console, operator: Operator, edge: Run
) -> None:
    bring(site, operator, "1", OLD)
    bring(site, operator, "2", sbom({"w\x1b]0;x\x07": ["\x1b[31mred\u202e=1\r"]}))

    for words in ((), ("--from", "1"), ("--json",)):
        _status, said, _err = edge("releases", "sbom", "2", *words)
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(said)
    assert r"\x1b[31mred\u202e" in edge("releases", "sbom", "2")[1]


def test_the_operator_s_catalogue_knows_it(operator: Operator) -> None:
    operator.release(System.make("1", 1), OLD)
    operator.release(System.make("2", 2))

    found = [catalogue.find(operator.repository, version).sbom for version in ("1", "2")]

    assert found[1] is None
    assert found[0] is not None
    assert (found[0].path, found[0].sha256) == (sbom_path("gateway", "1"), digest(OLD))
    assert len(operator.bundle("1", with_sbom=True)) - len(operator.bundle("1")) < len(OLD) + 99
