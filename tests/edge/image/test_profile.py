"""The profile that a build leaves for the emulator, and the manifest."""

from pathlib import Path

import pytest

from edge.errors import InputError, ThingNotFoundError
from edge.image import manifest, profile
from edge.image.profile import Profile


def test_a_profile_is_read_as_it_was_written(tmp_path: Path) -> None:
    wanted = Profile("toy", "virt", "sd", memory_mib=64, args=("-s", "-S"), console=1, serials=2)
    (tmp_path / profile.FOLDER).mkdir()

    profile.write(tmp_path / profile.FOLDER, wanted)

    assert profile.read(tmp_path) == wanted


def test_a_folder_without_a_build_says_how_to_make_one(tmp_path: Path) -> None:
    for read in (profile.read, manifest.read):
        with pytest.raises(ThingNotFoundError, match="no build is here") as caught:
            read(tmp_path)
        assert "edge build" in (caught.value.hint or "")


def test_a_build_that_qemu_cannot_play_says_so(tmp_path: Path) -> None:
    (tmp_path / manifest.FILE).write_text("{}")

    with pytest.raises(ThingNotFoundError, match="QEMU cannot play this board"):
        profile.read(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"args": []}', '{"args": [], "x": 1}', "\xff"])
def test_a_damaged_profile_is_told_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / profile.FOLDER).mkdir()
    (tmp_path / profile.FOLDER / profile.FILE).write_bytes(text.encode("latin-1"))

    with pytest.raises(InputError, match=r"profile\.json") as caught:
        profile.read(tmp_path)

    assert caught.value.hint == "build again"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"format": 99}'])
def test_a_damaged_manifest_is_told_with_its_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / manifest.FILE).write_bytes(data)

    with pytest.raises(InputError, match=r"manifest\.json") as caught:
        manifest.read(tmp_path)

    assert caught.value.hint == "build again"
