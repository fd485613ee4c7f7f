"""Finding and fetching packages, against a repository on loopback."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge import digest
from edge.debian import apt, fetching
from edge.debian.archive import Archive
from edge.debian.fetching import PackageGoneError
from edge.debian.mirror import Mirror
from edge.errors import EdgeError, InputError, LinkError, UntrustedError
from edge.oci.store import Store
from edge.progress import Task
from tests.fakes.debian_repository import DebianRepository

OpenArchive = Callable[..., Archive]


class Meter:
    """A progress that adds up what it is told."""

    def __init__(self) -> None:
        self.totals: list[tuple[str, int | None, str]] = []
        self.done = 0

    @contextmanager
    def task(self, title: str, *, total: int | None = None, unit: str = "") -> Iterator[Task]:
        self.totals.append((title, total, unit))
        yield self

    def advance(self, amount: int = 1) -> None:
        self.done += amount

    def note(self, text: str) -> None:
        del text


def test_a_package_is_found_with_all_that_it_depends_on(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    library = repository.add("libc++1", "2:1.0~rc1-3")
    repository.add("app", depends="libc++1 (>= 2:1.0~)")
    repository.add("stranger")

    app, found = open_archive().resolve(["app"])

    assert (app.key, app.origin) == ("app=1.0-1", "main")
    assert (found.name, found.version, found.architecture) == ("libc++1", "2:1.0~rc1-3", "arm64")
    assert found.path == "pool/main/l/libc++1/libc++1_1.0~rc1-3_arm64.deb"
    assert found.digest == digest.of_file(library)
    assert found.size_bytes == library.stat().st_size


def test_nothing_of_a_package_names_the_mirror(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("app", "1.0-1", suite="trixie")
    repository.add("app", "1.0-1+deb13u1", suite="trixie-security")

    (app,) = open_archive(security=True).resolve(["app"])

    assert (app.version, app.origin) == ("1.0-1+deb13u1", "security")
    assert "127.0.0.1" not in repr(app)


def test_updates_of_the_suite_are_seen_and_security_only_when_the_mirror_has_it(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    for version, suite in (("1", "trixie"), ("2", "trixie-updates"), ("3", "trixie-security")):
        repository.add("app", version, suite=suite)

    (app,) = open_archive().resolve(["app"])

    assert app.version == "2"


def test_packages_can_be_left_out_by_pattern(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("perl-base")
    repository.add("perl-modules-5.40")
    repository.add("app", depends="perl-base, perl-modules-5.40")

    found = open_archive().resolve(["app"], without=["perl-*"])

    assert [package.name for package in found] == ["app"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("busybox-statik", "did you mean busybox-static?", id="near miss"),
        pytest.param("zzzz", None, id="nothing near"),
        pytest.param("busybox.static", "did you mean busybox-static?", id="looks like a pattern"),
        pytest.param("busybox-static-", "did you mean busybox-static?", id="looks like a removal"),
        pytest.param("busybox-static+", "did you mean busybox-static?", id="looks like an order"),
        pytest.param("Busybox-Static!", "did you mean busybox-static?", id="no name at all"),
    ],
)
def test_an_unknown_package_is_named_with_those_that_are_near(
    name: str, hint: str | None, repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("busybox-static")

    with pytest.raises(InputError) as caught:
        open_archive().resolve([name])

    assert str(caught.value) == f"package '{name}' not found in trixie (arm64)"
    assert caught.value.hint == hint


def test_all_unknown_packages_are_named_at_once(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("app")

    with pytest.raises(InputError, match="packages 'aaa', 'bbb' not found in trixie"):
        open_archive().resolve(["bbb", "app", "aaa"])


def test_packages_that_exclude_each_other_are_refused_with_the_reason(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("app", depends="ghost (>= 2)")
    repository.add("ghost", "1")

    with pytest.raises(InputError, match=r"cannot be installed together: app\n(.*\n)*.*ghost"):
        open_archive().resolve(["app"])


def test_lists_are_fetched_once_and_again_only_by_force(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("app", "1")
    archive = open_archive()
    archive.refresh()
    repository.add("app", "2")

    archive.refresh()
    before = archive.resolve(["app"])
    archive.refresh(force=True)
    after = archive.resolve(["app"])

    assert (before[0].version, after[0].version) == ("1", "2")


def test_another_mirror_in_the_same_folder_is_not_answered_from_old_lists(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("app", "1")
    repository.add("app", "2", suite="trixie-security")
    open_archive().resolve(["app"])

    (app,) = open_archive(security=True).resolve(["app"])

    assert app.version == "2"


def test_unsigned_lists_are_refused(repository: DebianRepository, tmp_path: Path) -> None:
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(b"")
    mirror = replace(repository.mirror(), trusted=False, keyring=keyring)
    archive = Archive(mirror, architecture="arm64", folder=tmp_path / "apt", retries=0)

    with pytest.raises(UntrustedError, match="not signed"):
        archive.refresh()


def test_a_missing_keyring_is_named_with_the_package_that_brings_it(tmp_path: Path) -> None:
    mirror = Mirror("http://127.0.0.1:1/debian", None, tmp_path / "none.gpg")

    with pytest.raises(InputError, match=r"none\.gpg") as caught:
        Archive(mirror, architecture="arm64", folder=tmp_path / "apt")

    assert "debian-archive-keyring" in (caught.value.hint or "")


def test_a_mirror_out_of_reach_is_a_lost_link_and_the_old_lists_stay(
    repository: DebianRepository, open_archive: OpenArchive
) -> None:
    repository.add("app")
    archive = open_archive()
    archive.refresh()
    repository.down = True

    with pytest.raises(LinkError):
        archive.refresh(force=True)

    assert [package.name for package in archive.resolve(["app"])] == ["app"]


def test_packages_come_into_the_store_and_are_told_in_bytes(
    repository: DebianRepository, open_archive: OpenArchive, store: Store
) -> None:
    deb = repository.add("libc++1", "1:1.0~rc1-3")
    archive = open_archive()
    packages = archive.resolve(["libc++1"])
    meter = Meter()

    archive.fetch(packages, store, meter)

    assert store.read(packages[0].digest) == deb.read_bytes()
    assert meter.totals == [("fetch packages", deb.stat().st_size, "B")]
    assert meter.done == deb.stat().st_size


def test_what_the_store_has_is_not_asked_for(
    repository: DebianRepository, open_archive: OpenArchive, store: Store
) -> None:
    store.add_file(repository.add("one"))
    repository.add("two")
    archive = open_archive()

    archive.fetch(archive.resolve(["one", "two"]), store)
    archive.fetch(archive.resolve(["one", "two"]), store)

    assert repository.asked_for() == ["two_1.0-1_arm64.deb"]


def test_security_packages_come_from_the_security_mirror(
    repository: DebianRepository, open_archive: OpenArchive, store: Store
) -> None:
    deb = repository.add("app", suite="trixie-security")
    archive = open_archive(security=True)

    archive.fetch(archive.resolve(["app"]), store)

    assert store.has(digest.of_file(deb))


def test_pinned_packages_that_the_mirror_dropped_are_all_named_and_the_rest_comes(
    repository: DebianRepository, open_archive: OpenArchive, store: Store
) -> None:
    old = [repository.add("aaa", "1"), repository.add("bbb", "1")]
    kept = repository.add("ccc", "1")
    archive = open_archive()
    pinned = archive.resolve(["aaa", "bbb", "ccc"])
    for deb in old:
        repository.drop(deb)

    with pytest.raises(PackageGoneError, match="gone from the mirror: aaa=1, bbb=1") as caught:
        archive.fetch(pinned, store)

    assert "edge lock --update" in (caught.value.hint or "")
    assert store.has(digest.of_file(kept))


def test_a_mirror_gone_mid_way_is_a_lost_link_and_the_next_call_goes_on(
    repository: DebianRepository, open_archive: OpenArchive, store: Store
) -> None:
    first = repository.add("aaa")
    repository.add("bbb", files={"usr/bbb": os.urandom(200_000)})
    archive = open_archive()
    packages = archive.resolve(["aaa", "bbb"])
    repository.cut_after_bytes["bbb_1.0-1_arm64.deb"] = 50_000

    with pytest.raises(LinkError, match=r"bbb=1\.0-1: cannot be fetched"):
        archive.fetch(packages, store)
    came = [package.name for package in packages if store.has(package.digest)]
    repository.cut_after_bytes.clear()
    repository.down = False
    archive.fetch(packages, store)

    assert came == ["aaa"]
    assert all(store.has(package.digest) for package in packages)
    assert repository.asked_for().count(first.name) == 1


def test_many_packages_are_fetched_in_batches(
    repository: DebianRepository,
    open_archive: OpenArchive,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "BATCH_ITEMS", 2)
    names = [f"app{number}" for number in range(5)]
    for name in names:
        repository.add(name)
    archive = open_archive()
    packages = archive.resolve(names)

    archive.fetch(packages, store)

    assert all(store.has(package.digest) for package in packages)


def test_wrong_bytes_are_not_trusted_and_not_stored(
    repository: DebianRepository, open_archive: OpenArchive, store: Store, tmp_path: Path
) -> None:
    deb = repository.add("app")
    archive = open_archive()
    (app,) = archive.resolve(["app"])
    data = bytearray(deb.read_bytes())
    data[-1] ^= 1
    deb.write_bytes(data)

    with pytest.raises(UntrustedError, match=rf"app=1\.0-1: .* other bytes than {app.digest}"):
        archive.fetch([app], store)

    assert not store.has(app.digest)
    assert not list((tmp_path / "apt" / "incoming").iterdir())


def test_a_mirror_in_a_folder_is_copied_from_not_linked_to(
    repository: DebianRepository, store: Store, tmp_path: Path
) -> None:
    deb = repository.add("app")
    mirror = Mirror(f"file://{repository.folder}/www/debian", None, Path("/none"), trusted=True)
    archive = Archive(mirror, architecture="arm64", folder=tmp_path / "apt", retries=0)

    archive.fetch(archive.resolve(["app"]), store)

    assert not store.path(digest.of_file(deb)).is_symlink()
    assert deb.is_file()


def test_nothing_of_the_host_is_asked_or_changed(
    repository: DebianRepository, open_archive: OpenArchive, tmp_path: Path
) -> None:
    repository.add("libc6", "0.1")
    repository.add("app", depends="libc6")
    before = [path.stat().st_mtime_ns for path in map(Path, ("/var/lib/dpkg", "/var/cache/apt"))]

    found = open_archive().resolve(["app"])

    after = [path.stat().st_mtime_ns for path in map(Path, ("/var/lib/dpkg", "/var/cache/apt"))]
    assert [package.key for package in found] == ["app=1.0-1", "libc6=0.1"]
    assert before == after


def test_a_full_disk_is_called_so(
    repository: DebianRepository,
    open_archive: OpenArchive,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helper = tmp_path / "apt-helper"
    helper.write_text(
        "#!/bin/sh\necho 'E: Write error - write (28: No space left on device)'\nexit 1"
    )
    helper.chmod(0o755)
    monkeypatch.setattr(apt, "APT_HELPER", helper)
    repository.add("app")
    archive = open_archive()

    with pytest.raises(EdgeError, match="the disk with the cache is full"):
        archive.fetch(archive.resolve(["app"]), store)
