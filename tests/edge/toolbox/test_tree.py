"""Installing the tool tree, from a repository on loopback with a loader that is a script."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import process
from edge.debian.archive import Package
from edge.errors import InputError, LinkError, ToolError, UntrustedError
from edge.progress import SILENT
from edge.toolbox import catalogue, doctor, tools, tree, wrappers
from edge.toolbox.catalogue import Group
from tests.fakes.debian_repository import DebianRepository, served

LOADER = b'#!/bin/sh\necho "loaded from ${0%/usr/lib/*}"\nshift 2\nexec "$@"\n'
MAIN = b'#!/bin/sh\necho "main $*"\nsecond\n'
SECOND = b"#!/bin/sh\necho second\n"
GROUPS = (
    Group("first", "the first things", ("main", "alias"), ("target",)),
    Group("second", "the second things", ("second",)),
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DebianRepository]:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "my cache"))
    monkeypatch.setattr(tree, "architecture", lambda: "arm64")
    monkeypatch.setattr(catalogue, "GROUPS", GROUPS)
    monkeypatch.setattr(catalogue, "LIBRARIES", {"arm64": ()})
    monkeypatch.setattr(wrappers, "COMPILER_PARTS", ())
    with served(tmp_path / "repository") as repository:
        repository.add("libc6", files={"usr/lib/ld-linux-aarch64.so.1": LOADER})
        repository.add(
            "first",
            depends="libc6",
            files={
                "usr/bin/main": MAIN,
                "usr/bin/stranger": MAIN,
                "usr/bin/target": SECOND,
                "usr/share/doc/first/copyright": b"long",
                "usr/share/first/data": b"data",
                "etc/first.conf": b"conf",
            },
            links={"usr/bin/alias": "target", "usr/share/first/conf": "/etc/first.conf"},
        )
        repository.add("second", files={"usr/sbin/second": SECOND})
        yield repository


def install(repository: DebianRepository, *, force: bool = False) -> Path:
    return tree.install(force=force, source=repository.mirror())


def test_a_tool_runs_from_the_tree_with_its_loader_and_finds_the_others(
    repository: DebianRepository,
) -> None:
    folder = install(repository)

    printed = process.run([*tools.tool("main"), "a b"]).stdout.decode().splitlines()

    assert printed == [f"loaded from {folder}/root", "main a b", *_loaded(folder), "second"]
    assert process.run(tools.tool("alias")).stdout.decode().splitlines()[-1] == "second"


def _loaded(folder: Path) -> list[str]:
    return [f"loaded from {folder}/root"]


def test_the_tree_has_what_tools_need_and_nothing_else(repository: DebianRepository) -> None:
    root = install(repository) / "root"

    found = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}

    assert found == {
        "etc/first.conf",
        "usr/bin/alias",
        "usr/bin/main",
        "usr/bin/target",
        "usr/lib/ld-linux-aarch64.so.1",
        "usr/sbin/second",
        "usr/share/first/conf",
        "usr/share/first/data",
    }
    assert (root / "usr/share/first/conf").read_bytes() == b"conf"


def test_an_installed_tree_asks_for_nothing(repository: DebianRepository) -> None:
    first = install(repository)
    repository.requests.clear()

    again = install(repository)

    assert (again, repository.requests) == (first, [])


def test_a_changed_catalogue_makes_a_new_tree_and_leaves_the_last_one(
    repository: DebianRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest = install(repository)
    os.utime(oldest, (0, 0))
    monkeypatch.setattr(tree, "LAYOUT", tree.LAYOUT + 1)
    was_installed = tree.installed()
    old = install(repository)
    monkeypatch.setattr(tree, "LAYOUT", tree.LAYOUT + 1)

    new = install(repository)

    assert not was_installed
    assert {path for path in new.parent.iterdir() if path.is_dir()} == {old, new}


def test_the_stamp_changes_with_the_packages(repository: DebianRepository) -> None:
    install(repository)
    before = tree.stamp()
    repository.add("second", "1.0-2", files={"usr/sbin/second": SECOND})

    install(repository, force=True)

    assert tree.stamp() != before


def test_a_mirror_that_goes_away_leaves_no_tree_and_the_next_try_goes_on(
    repository: DebianRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.debian.fetching.BATCH_ITEMS", 1)
    monkeypatch.setattr(tree, "RETRIES", 0)
    repository.cut_after_bytes["second_1.0-1_arm64.deb"] = 10
    with pytest.raises(LinkError):
        install(repository)
    left_over = tree.installed()
    repository.cut_after_bytes.clear()
    repository.down = False

    install(repository)

    assert not left_over
    assert tree.installed()
    assert repository.asked_for().count("first_1.0-1_arm64.deb") == 1


def test_a_program_that_its_package_lacks_is_named_and_leaves_no_tree(
    repository: DebianRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "GROUPS", (Group("second", "things", ("second", "third")),))
    repository.add("second", "2", depends="libc6", files={"usr/sbin/second": SECOND})

    with pytest.raises(InputError, match="programs not in their packages: third"):
        install(repository)

    assert not tree.installed()


def test_a_package_with_a_path_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    debs = tree._Debs(tmp_path / "debs")
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("./../evil"))
    body = plain.getvalue()
    header = f"{'data.tar':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(body):<10}`\n".encode()
    (tmp_path / "evil.deb").write_bytes(b"!<arch>\n" + header + body)
    digest = debs.add_file(tmp_path / "evil.deb")
    package = Package("evil", "1", "arm64", digest[7:], len(body), "pool/evil.deb", "main")

    with pytest.raises(UntrustedError, match="leaves the tree"):
        tree._unpack([package], debs, tmp_path / "root", SILENT)

    assert not (tmp_path / "evil").exists()


def test_a_missing_tool_is_named_with_its_package_and_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path))

    with pytest.raises(ToolError, match=r"mkfs\.erofs \(erofs-utils\) is missing") as caught:
        tools.tool("mkfs.erofs")

    assert "tools/setup" in (caught.value.hint or "")


def test_a_tool_of_the_catalogue_is_never_taken_from_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("zstd", "other"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)

    with pytest.raises(ToolError):
        tools.tool("zstd")

    assert tools.tool("other") == [str(tmp_path / "other")]
    with pytest.raises(ToolError, match="nowhere: program not found"):
        tools.tool("nowhere")


def test_the_report_names_the_command_for_all_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    findings = {finding.tool: finding for finding in doctor.report()}

    assert not findings["apt-get"].found
    assert findings["gpgv"].bring == "apt-get install gpgv"
    assert not findings["veritysetup"].found
    assert findings["veritysetup"].bring == "tools/setup"
    assert findings["veritysetup"].what_for
    assert {"apt-helper", "keyring", "python venv"} < findings.keys()


def test_the_report_says_where_a_tool_is(repository: DebianRepository) -> None:
    folder = install(repository)

    findings = {finding.tool: finding for finding in doctor.report()}

    assert findings["main"].found
    assert findings["main"].where == str(folder / "bin" / "main")


def test_no_program_is_in_two_groups() -> None:
    programs = [name for group in catalogue.GROUPS for name in group.programs]

    assert len(programs) == len(set(programs))
