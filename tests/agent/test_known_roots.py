"""Later roots are kept whatever the data partition does, and only what the image leads to."""

from pathlib import Path

import pytest

from edge.keys import change
from edge_agent.errors import AgentError
from edge_agent.known_roots import FILE, KnownRoots
from edge_agent.store import AtomicFiles, Files, files_in
from edge_signing import canonical
from edge_signing.errors import SigningError
from tests.agent.power.machine_room import Medium, MediumCalls
from tests.agent.power.medium import KINDS, Contents, Heard, after_cut
from tests.fakes.forge import Yard
from tests.fakes.memory_files import MemoryFiles


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Five roots, each with other keys."""
    yard = Yard(tmp_path_factory.mktemp("yard"))
    for role in ("root", "targets", "root", "timestamp"):
        assert not change.rotate(yard.ring, role, now=yard.now).missing
    return yard.ring.chain()


def numbered(chain: dict[str, bytes], *numbers: int) -> dict[str, bytes]:
    return {f"{number}.root.json": chain[f"{number}.root.json"] for number in numbers}


def known(folder: Path, chain: dict[str, bytes], image: int, files: Files) -> KnownRoots:
    file = folder / f"image-{image}.json"
    file.write_bytes(chain[f"{image}.root.json"])
    return KnownRoots(file, files)


def version(roots: KnownRoots) -> int:
    return int(canonical.decode(roots.newest())["signed"]["version"])


def test_a_new_device_trusts_the_root_of_its_image(chain: dict[str, bytes], tmp_path: Path) -> None:
    assert version(known(tmp_path, chain, 2, MemoryFiles())) == 2


def test_what_was_kept_is_trusted_after_a_restart(chain: dict[str, bytes], tmp_path: Path) -> None:
    known(tmp_path, chain, 1, files_in(tmp_path / "trust")).keep(numbered(chain, 1, 2, 3))

    again = known(tmp_path, chain, 1, files_in(tmp_path / "trust"))

    assert again.newest() == chain["3.root.json"]


def test_the_image_that_comes_later_or_earlier_trusts_it_too(
    chain: dict[str, bytes], tmp_path: Path
) -> None:
    files = MemoryFiles()
    known(tmp_path, chain, 1, files).keep(numbered(chain, 2))
    known(tmp_path, chain, 3, files).keep(numbered(chain, 4))

    assert version(known(tmp_path, chain, 3, files)) == 4
    assert version(known(tmp_path, chain, 2, files)) == 4
    assert version(known(tmp_path, chain, 1, files)) == 4  # after a fall-back
    assert version(known(tmp_path, chain, 5, files)) == 5


@pytest.mark.parametrize("numbers", [(), (1,), (1, 2), (1, 2, 3), (5,), (1, 5)], ids=str)
def test_what_leads_no_further_changes_nothing(
    chain: dict[str, bytes], tmp_path: Path, numbers: tuple[int, ...]
) -> None:
    files = MemoryFiles()
    roots = known(tmp_path, chain, 1, files)
    roots.keep(numbered(chain, 2, 3))
    files.left = 0  # a write would be an error, and be told

    roots.keep(numbered(chain, *numbers))

    assert version(roots) == 3


def test_a_root_of_a_stranger_is_not_kept(
    chain: dict[str, bytes], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Yard(tmp_path_factory.mktemp("stranger"))
    assert not change.rotate(stranger.ring, "root", now=stranger.now).missing
    files = MemoryFiles()
    roots = known(tmp_path, chain, 1, files)

    roots.keep(stranger.ring.chain())

    assert (version(roots), files.files) == (1, {})


def test_a_root_that_was_put_onto_the_partition_is_not_trusted(
    chain: dict[str, bytes], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It signed itself, as all roots do; what counts is whether the image leads to it."""
    stranger = Yard(tmp_path_factory.mktemp("stranger"))
    assert not change.rotate(stranger.ring, "root", now=stranger.now).missing
    planted = [canonical.decode(data) for data in stranger.ring.chain().values()]
    files = MemoryFiles()
    files.files[FILE] = canonical.encode(planted)
    (tmp_path / "trust").mkdir()

    roots = known(tmp_path, chain, 1, files)
    assert version(roots) == 1

    roots.keep(numbered(chain, 2))
    assert roots.newest() == chain["2.root.json"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"{}", b"[]", b"[1]", b"[{}]", b'[{"signed":{"version":"x"}}]', b"\xff" * 99, b"1"],
)
def test_a_damaged_file_is_as_none(chain: dict[str, bytes], tmp_path: Path, data: bytes) -> None:
    files = MemoryFiles()
    files.files[FILE] = data
    roots = known(tmp_path, chain, 1, files)
    assert version(roots) == 1

    roots.keep(numbered(chain, 2))

    assert version(roots) == 2


def test_a_file_damaged_at_any_byte_leads_only_to_roots_of_ours(
    chain: dict[str, bytes], tmp_path: Path
) -> None:
    files = MemoryFiles()
    roots = known(tmp_path, chain, 1, files)
    roots.keep(numbered(chain, 2, 3))
    whole = files.files[FILE]

    for at in range(0, len(whole), 7):
        files.files[FILE] = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

        assert roots.newest() in chain.values()


def test_a_partition_that_takes_nothing_is_no_error(
    chain: dict[str, bytes], tmp_path: Path
) -> None:
    files = MemoryFiles()
    roots = known(tmp_path, chain, 1, files)
    roots.keep(numbered(chain, 2))
    files.left = 0

    roots.keep(numbered(chain, 3))

    assert version(roots) == 2


def test_a_power_cut_leaves_what_was_kept_before_or_what_is_kept_now(
    chain: dict[str, bytes], tmp_path: Path
) -> None:
    medium = Medium(Contents())
    known(tmp_path, chain, 1, AtomicFiles(MediumCalls(medium, "trust"))).keep(numbered(chain, 2))
    start = after_cut(medium.start, [*medium.log, Heard(None)], "dropped")
    after = Medium(start)
    known(tmp_path, chain, 1, AtomicFiles(MediumCalls(after, "trust"))).keep(numbered(chain, 3))
    assert len(after.log) == 5

    found = set()
    for at in range(len(after.log) + 1):
        for kind in KINDS:
            ops = [*after.log[:at], after.log[at] if at < len(after.log) else Heard(None)]
            left = Medium(after_cut(start, ops, kind))
            files = AtomicFiles(MediumCalls(left, "trust"))
            found.add(version(known(tmp_path, chain, 1, files)))
            known(tmp_path, chain, 1, files).keep(numbered(chain, 3))
            assert version(known(tmp_path, chain, 1, files)) == 3

    assert found == {2, 3}


def test_an_image_without_a_root_trusts_nobody(tmp_path: Path, chain: dict[str, bytes]) -> None:
    roots = KnownRoots(tmp_path / "none.json", MemoryFiles())

    with pytest.raises(AgentError, match="this device trusts nobody"):
        roots.newest()
    with pytest.raises(AgentError, match="this device trusts nobody"):
        roots.keep(chain)


def test_an_image_with_a_root_that_is_none_trusts_nobody(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_bytes(b"{}")

    with pytest.raises(SigningError):
        KnownRoots(tmp_path / "root.json", MemoryFiles()).newest()
