"""The power fails in a publication, at every write: devices see the old state or the new one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.keys import change
from edge_signing.errors import SigningError
from edge_signing.trust.client import RepositoryClient
from tests.fakes.folder_fetcher import FolderFetcher
from tests.fakes.forge import NOW, PATH, PRODUCT, Yard

NEXT = "gateway/1.1/release.json"


class PowerCutError(BaseException):
    """The machine is off."""


@contextmanager
def power_for(writes: int, *, after: bool) -> Iterator[list[Path]]:
    """Let so many renames happen, then cut the power: before the next, or right after the last."""
    real = Path.replace
    done: list[Path] = []

    def replace(self: Path, target: Path) -> Path:
        if len(done) == writes:
            raise PowerCutError
        found = real(self, target)
        done.append(target)
        if after and len(done) == writes:
            raise PowerCutError
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        yield done


def seen(yard: Yard, device: str) -> set[str] | None:
    """Return the paths that a device finds, None when it refuses."""
    client = RepositoryClient(
        yard.folder / device,
        FolderFetcher(yard.folder / "repo"),
        trusted_root=yard.trusted_root,
        now=yard.now,
    )
    try:
        found = client.targets(PRODUCT)
        for path in found:
            client.read(path)
    except SigningError:
        return None
    return set(found)


def _publishes_with_power_for(yard: Yard, writes: int) -> bool:
    with power_for(writes, after=False) as done:
        try:
            yard.repository.publish(yard.ring, now=NOW)
        except PowerCutError:
            assert len(done) == writes
            return False
        return True


def _cases(yard: Yard, rotated: str | None) -> list[set[str] | None]:
    """Cut the power at each write, from the same start; return what a device saw each time."""
    yard.release()
    if rotated:
        change.rotate(yard.ring, rotated, now=NOW)
    yard.repository.stage(yard.ring, PRODUCT, {NEXT: (b"new", {})}, now=NOW)
    yard.sign_pending()
    shutil.copytree(yard.folder / "repo", yard.folder / "start")
    states: list[set[str] | None] = []
    while True:
        shutil.rmtree(yard.folder / "repo")
        shutil.copytree(yard.folder / "start", yard.folder / "repo")
        assert seen(yard, f"old-{len(states)}") == {PATH}
        if _publishes_with_power_for(yard, len(states)):
            assert seen(yard, "new") == {PATH, NEXT}
            return states
        states.append(seen(yard, f"new-{len(states)}"))
        yard.repository.publish(yard.ring, now=NOW)
        for device in (f"old-{len(states) - 1}", f"new-{len(states) - 1}"):
            assert seen(yard, device) == {PATH, NEXT}


@pytest.mark.parametrize("rotated", [None, "root", "director"])
def test_a_cut_leaves_the_old_state_or_the_new(yard: Yard, rotated: str | None) -> None:
    states = _cases(yard, rotated)

    assert len(states) == {None: 5, "root": 6, "director": 6}[rotated]
    assert all(state == {PATH} for state in states)


@pytest.mark.parametrize("rotated", ["timestamp", "snapshot", "targets"])
def test_a_cut_in_a_rotation_of_online_keys_is_never_wrong(yard: Yard, rotated: str) -> None:
    """Between the new root and its timestamp devices refuse; run again, all is well."""
    *before, last = _cases(yard, rotated)

    assert last is None
    assert all(state == {PATH} for state in before)


def test_a_cut_right_after_the_last_write_is_completed(yard: Yard) -> None:
    yard.release()
    yard.repository.stage(yard.ring, PRODUCT, {NEXT: (b"new", {})}, now=NOW)
    yard.sign_pending()
    with power_for(5, after=True) as done, pytest.raises(PowerCutError):
        yard.repository.publish(yard.ring, now=NOW)
    assert done[-1].name == "timestamp.json"
    assert yard.repository.waiting() is not None
    assert seen(yard, "known") == {PATH, NEXT}

    yard.repository.publish(yard.ring, now=NOW)

    assert yard.repository.waiting() is None
    assert yard.load(PRODUCT).signed.version == 2
    assert seen(yard, "known") == seen(yard, "new") == {PATH, NEXT}


def test_nothing_is_left_lying_about(yard: Yard) -> None:
    _cases(yard, None)

    names = [path.name for path in (yard.folder / "repo").rglob("*") if path.is_file()]
    assert [name for name in names if name.startswith(".")] == [".lock"]
