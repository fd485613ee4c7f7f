"""`edge bundle` and `edge release`: what they print, and how they end on bad input."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from edge_agent.payload.bundle import Bundle
from tests.edge.conftest import Edge
from tests.fakes.small_bundle import noise
from tests.fakes.tiny_project import TinyProject, digests

pytestmark = pytest.mark.tools


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edge: Edge) -> Path:
    """A folder with keys, two images, and bundles of them; it is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "old.img").write_bytes(noise(1, 40_960))
    old = (tmp_path / "old.img").read_bytes()
    (tmp_path / "new.img").write_bytes(old[:20_480] + noise(2, 4096) + old[20_480:])
    assert edge("keys", "init", "--dir", "keys").status == 0
    assert edge(*create("new.img", "new.edge")).status == 0
    return tmp_path


def create(image: str, output: str, *more: str) -> list[str]:
    words = "bundle create --product gateway --version 1.0.0 --board rpi4"
    return [*words.split(), "--image", f"rootfs={image}", "-o", output, *more]


def test_a_bundle_tells_of_itself_and_that_nobody_checked(bench: Path, edge: Edge) -> None:
    told, facts = edge("bundle", "info", "new.edge"), edge("bundle", "info", "--json", "new.edge")

    assert "new.edge: gateway 1.0.0 for rpi4, counter 0" in told.out
    assert "not verified" in told.out
    found = json.loads(facts.out)
    assert (found["product"], found["version"], found["boards"]) == ("gateway", "1.0.0", ["rpi4"])
    assert [(one["partition"], one["kind"]) for one in found["payloads"]] == [("rootfs", "full")]


def test_a_verified_bundle_says_by_whom_and_until_when(bench: Path, edge: Edge) -> None:
    ended = edge("bundle", "verify", "new.edge", "--deep", "--board", "rpi4")

    assert ended.status == 0
    assert re.search(r"verified: signed by release, until \d{4}-\d\d-\d\d", ended.out)


def test_what_is_no_bundle_is_told_by_its_name(bench: Path, edge: Edge) -> None:
    (bench / "out").mkdir()
    (bench / "new.edge").rename(bench / "out/update.edge")

    other, folder = edge("bundle", "info", "new.img"), edge("bundle", "info", "out")

    assert (other.status, folder.status) == (2, 2)
    assert "edge: new.img: no bundle" in other.err
    assert "the bundle of this build is out/update.edge" in folder.err


def test_images_come_out_as_they_went_in(bench: Path, edge: Edge) -> None:
    ended = edge("bundle", "extract", "new.edge", "-o", "images")

    assert ended.status == 0
    assert (bench / "images/rootfs.img").read_bytes() == (bench / "new.img").read_bytes()


def test_the_same_images_and_keys_give_the_same_bundle(bench: Path, edge: Edge) -> None:
    edge(*create("new.img", "again.edge"))

    assert (bench / "again.edge").read_bytes() == (bench / "new.edge").read_bytes()


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_signatures_of_each_kind_of_key_are_reproducible(
    bench: Path, edge: Edge, algorithm: str
) -> None:
    edge("keys", "init", "--dir", "other", "--algorithm", algorithm)
    for name in ("1.edge", "2.edge"):
        assert edge(*create("new.img", name, "--keys", "other")).status == 0

    assert (bench / "1.edge").read_bytes() == (bench / "2.edge").read_bytes()
    assert edge("bundle", "verify", "1.edge", "--keys", "other").status == 0


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        pytest.param("info no.edge", 3, "no.edge: no such file", id="no file"),
        pytest.param("info old.img", 2, "old.img: no bundle", id="no bundle"),
        pytest.param("verify new.edge --board rpi3", 4, "not for rpi3", id="board"),
        pytest.param("verify new.edge --counter 1", 4, "below 1", id="counter"),
        pytest.param("verify new.edge --root no.json", 3, "no such file", id="no root"),
        pytest.param("verify new.edge --root old.img", 1, "trusted root", id="root that is none"),
        pytest.param("verify new.edge --keys no", 3, "no key ring", id="no keys"),
        pytest.param("extract new.edge --base x", 2, "neither a folder nor", id="base"),
        pytest.param("extract new.edge --base rootfs=x", 3, "x: no such file", id="no base"),
        pytest.param("patch old.img", 2, "neither two files nor", id="one image"),
        pytest.param("patch old.img new.img", 2, "where shall the patch go", id="no output"),
        pytest.param("patch old.img no.img -o P", 3, "no.img: no such file", id="no new image"),
        pytest.param("patch --from 1 --to 2 --repo none", 3, "no repository", id="no repository"),
        pytest.param("apply old.img new.img -o x", 1, "PatchFileHead", id="patch that is none"),
        pytest.param("apply old.img no -o x", 3, "no: no such file", id="no patch"),
    ],
)
def test_bad_input_ends_with_its_status_and_a_reason(
    bench: Path, edge: Edge, words: str, status: int, reason: str
) -> None:
    before = digests(bench)

    ended = edge("bundle", *words.split())

    assert ended.status == status, ended.err
    assert reason in ended.err
    assert digests(bench) == before


def test_damage_is_found_with_its_status_and_forgery_with_4(bench: Path, edge: Edge) -> None:
    whole = bytearray((bench / "new.edge").read_bytes())
    for at, status in ((100, 1), (len(whole) - 1, 4), (0, 2)):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        (bench / "damaged.edge").write_bytes(damaged)

        assert edge("bundle", "verify", "damaged.edge").status == status


def test_a_bundle_of_other_keys_is_not_trusted(bench: Path, edge: Edge) -> None:
    edge("keys", "init", "--dir", "other")

    ended = edge("bundle", "verify", "new.edge", "--keys", "other", "--json")

    assert ended.status == 4
    assert json.loads(ended.out)["status"] == 4


def test_a_patch_between_files_and_back(bench: Path, edge: Edge) -> None:
    made = edge("bundle", "patch", "old.img", "new.img", "-o", "P", "--json")
    applied = edge("bundle", "apply", "old.img", "P", "-o", "again.img")

    assert (made.status, applied.status) == (0, 0)
    assert json.loads(made.out)["bytes"] == (bench / "P").stat().st_size < 5000
    assert (bench / "again.img").read_bytes() == (bench / "new.img").read_bytes()


def test_a_patch_on_another_image_is_refused_and_writes_nothing(bench: Path, edge: Edge) -> None:
    edge("bundle", "patch", "old.img", "new.img", "-o", "P")

    ended = edge("bundle", "apply", "new.img", "P", "-o", "again.img")

    assert ended.status == 4
    assert "another" in ended.err
    assert not (bench / "again.img").exists()


def test_a_build_without_keys_here_says_how_to_sign(
    project: TinyProject, ready: object, edge: Edge, build: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    edge("keys", "new", "--role", "system", "--out", "elsewhere/1.pem")
    edge("keys", "new", "--role", "system", "--out", "elsewhere/2.pem")
    public = [word for n in "12" for word in ("--public", f"elsewhere/{n}.pub")]
    made = edge("keys", "init", "--production", "--product", "system", *public)
    assert made.status == 0

    ended = build()

    assert ended.status == 0
    assert "no update.edge and no disk.edge: not enough keys of system are here" in ended.err
    assert "hint: use a repository" in ended.err
    assert not (project.folder / "out" / "update.edge").exists()


def test_a_build_whose_key_is_locked_and_nobody_to_ask_is_refused(
    project: TinyProject, ready: object, edge: Edge, build: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    secret = project.folder / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    assert edge("keys", "init", "--dir", "keys", "--passphrase-file", secret).status == 0
    before = digests(project.folder / "out")

    ended = build()

    assert ended.status == 5
    assert "nobody to ask for the passphrase of release.pem" in ended.err
    assert digests(project.folder / "out") == before


def test_a_build_writes_a_bundle_of_its_slot(
    built: TinyProject, edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(built.folder.parent / "user"))
    out = built.folder / "out"

    ended = edge("bundle", "extract", out / "update.edge", "-o", tmp_path)

    assert ended.status == 0, ended.err
    assert (tmp_path / "rootfs.img").read_bytes() == (out / "slot/rootfs.img").read_bytes()
    with (out / "update.edge").open("rb") as stream:
        release = Bundle.open(stream).contents().release
    assert (release.product, release.boards) == ("system", ("tiny",))


def test_a_changed_build_is_not_released(
    project: TinyProject, ready: object, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    with (project.folder / "out/slot/rootfs.img").open("r+b") as image:
        image.seek(-1, os.SEEK_END)
        image.write(b"x")

    ended = edge("release", "add", "out")

    assert ended.status == 4
    assert "not the file that the build made" in ended.err


@pytest.fixture
def repository(
    project: TinyProject, ready: object, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A repository with the release 1.0.0, in `repo` of the current folder."""
    monkeypatch.chdir(project.folder)
    assert edge("release", "add", "out", "--version", "1.0.0", "--no-chunks").status == 0
    return project.folder / "repo"


def test_a_version_is_released_once(repository: Path, edge: Edge) -> None:
    ended = edge("release", "add", "out", "--version", "1.0.0", "--no-chunks")

    assert ended.status == 2
    assert "system 1.0.0 is a release already" in ended.err


def test_the_rollback_counter_never_goes_down(repository: Path, edge: Edge) -> None:
    edge("release", "add", "out", "--version", "1.1.0", "--counter", "3", "--no-chunks")

    lower = edge("release", "add", "out", "--version", "1.2.0", "--counter", "2", "--no-chunks")
    same = edge("release", "add", "out", "--version", "1.2.0", "--no-chunks", "--json")

    assert lower.status == 2
    assert "counter 2 is below 3" in lower.err
    assert json.loads(same.out)["counter"] == 3


def test_the_disk_of_a_published_release_has_a_signature(repository: Path, edge: Edge) -> None:
    ended = edge("release", "disk", "1.0.0", "-o", "other.edge", "--json")

    assert ended.status == 0
    assert json.loads(ended.out)["board"] == "tiny"
    assert (repository.parent / "other.edge").stat().st_size > 0
    assert edge("release", "disk", "1.0.0", "--board", "rpi4").status == 3


def test_a_removed_release_is_offered_no_longer(repository: Path, edge: Edge) -> None:
    edge("release", "add", "out", "--version", "1.1.0", "--no-chunks", "--patches-from", "last:1")

    ended = edge("release", "remove", "1.0.0", "--json")

    assert ended.status == 0
    assert json.loads(ended.out)["removed"] == [
        "system/1.0.0/release.json",
        "system/1.0.0/disk-tiny.json",
        "system/1.0.0/sbom.spdx.json",
        "system/1.1.0/from-1.0.0.json",
    ]
    listed = json.loads(edge("release", "list", "--json").out)["releases"]
    assert [(one["version"], one["patches"]) for one in listed] == [("1.1.0", {})]


def test_a_damaged_repository_gives_no_bundle(repository: Path, edge: Edge) -> None:
    for blob in (repository / "blobs").iterdir():
        blob.write_bytes(blob.read_bytes()[:-1] + b"\0\0")

    ended = edge("release", "bundle", "1.0.0", "-o", "x.edge")

    assert ended.status == 4
    assert "not the bytes that were signed" in ended.err
    assert not Path("x.edge").exists()


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        pytest.param("bundle 9.9", 3, "no release 9.9", id="no release"),
        pytest.param("bundle 1.0.0 --from 0.9", 3, "no patch from 0.9", id="no patch"),
        pytest.param("add nowhere", 3, "no build is here", id="no build"),
        pytest.param("add out --patches-from all", 2, "is not last:NUMBER", id="patches from"),
        pytest.param("add out --repo services", 5, "neither empty nor a repository", id="folder"),
        pytest.param("list --repo nowhere", 3, "no repository", id="no repository"),
        pytest.param("fetch 1.0.0 --base nowhere", 2, "neither a folder nor", id="base"),
    ],
)
def test_wrong_words_about_releases_are_told(
    repository: Path, edge: Edge, words: str, status: int, reason: str
) -> None:
    ended = edge("release", *words.split())

    assert ended.status == status, ended.err
    assert reason in ended.err


def test_the_sbom_of_the_build_is_signed_with_its_release(repository: Path, edge: Edge) -> None:
    made = Path("out/sbom.spdx.json").read_bytes()
    sha256 = hashlib.sha256(made).hexdigest()

    assert edge("release", "bundle", "1.0.0", "-o", "lean.edge").status == 0
    assert edge("release", "bundle", "1.0.0", "--sbom", "-o", "whole.edge").status == 0

    told = edge("bundle", "verify", "whole.edge")
    facts = json.loads(edge("bundle", "verify", "whole.edge", "--json").out)
    lean = json.loads(edge("bundle", "info", "lean.edge", "--json").out)
    (listed,) = json.loads(edge("release", "list", "--json").out)["releases"]
    assert "  SBOM: " in told.out
    assert facts["sbom"] == {"bytes": len(made), "sha256": sha256}
    assert (lean["sbom"], listed["sbom"]) == (None, sha256)
    (stored,) = repository.glob(f"targets/system/1.0.0/{sha256}.*")
    assert stored.read_bytes() == made
    added = Path("whole.edge").stat().st_size - Path("lean.edge").stat().st_size
    assert len(made) < added < len(made) + 100


def test_a_build_without_its_sbom_is_released_without_one(repository: Path, edge: Edge) -> None:
    Path("out/sbom.spdx.json").unlink()

    ended = edge("release", "add", "out", "--version", "1.1.0", "--no-chunks")
    refused = edge("release", "bundle", "1.1.0", "--sbom", "-o", "x.edge")

    assert (ended.status, refused.status) == (0, 3)
    assert "system 1.1.0: it has no SBOM" in refused.err
    assert edge("release", "bundle", "1.1.0", "-o", "x.edge").status == 0


def test_an_sbom_that_the_build_did_not_write_is_not_released(repository: Path, edge: Edge) -> None:
    with Path("out/sbom.spdx.json").open("a") as stream:
        stream.write(" ")

    ended = edge("release", "add", "out", "--version", "1.1.0", "--no-chunks")

    assert ended.status == 4
    assert "sbom.spdx.json: not the file that the build made" in ended.err


def test_builds_are_compared_by_their_sboms(repository: Path, edge: Edge) -> None:
    shutil.copytree("out", "older")
    document = json.loads(Path("older/sbom.spdx.json").read_text())
    changed = next(one for one in document["packages"] if one["name"] == "app-one")
    changed["versionInfo"] = "0.9-1"
    Path("older/sbom.spdx.json").write_text(json.dumps(document))

    same = edge("report", "out", "--diff", "out")
    told = edge("report", "out", "--diff", "older")
    facts = json.loads(edge("report", "out", "--diff", "older", "--json").out)
    Path("older/sbom.spdx.json").unlink()

    assert same.out == "the same services and packages\n"
    assert re.search(r"~ +app-one +0\.9-1 +1\.0-1 +one", told.out)
    assert [(one["name"], one["kind"]) for one in facts["packages"]] == [("app-one", "changed")]
    assert edge("report", "out", "--diff", "older").status == 3


def test_the_sbom_of_a_build_is_printed_as_either_kind(repository: Path, edge: Edge) -> None:
    spdx = json.loads(edge("report", "out", "--sbom", "spdx").out)
    cyclonedx = json.loads(edge("report", "out", "--sbom", "cyclonedx").out)

    assert spdx == json.loads(Path("out/sbom.spdx.json").read_text())
    assert cyclonedx["specVersion"] == "1.6"
    assert "app-one" in [one["name"] for one in cyclonedx["components"]]
    assert edge("report", "out", "--sbom", "spdx", "--diff", "out").status == 2


def test_a_build_that_may_do_more_fails_where_that_is_asked_for(
    repository: Path, edge: Edge
) -> None:
    shutil.copytree("out", "older")
    manifest = json.loads(Path("out/manifest.json").read_text())
    manifest["privileges"] = [
        row | {"capabilities": [*row["capabilities"], "CAP_BPF"]} for row in manifest["privileges"]
    ]
    Path("out/manifest.json").write_text(json.dumps(manifest))

    less = edge("report", "--diff", "out", "older", "--fail-on-gain")
    more = edge("report", "--diff", "older", "out", "--fail-on-gain")

    assert (less.status, more.status) == (0, 5)
    assert "GAINS: BPF" in more.out
    assert edge("report", "out", "--fail-on-gain").status == 2
