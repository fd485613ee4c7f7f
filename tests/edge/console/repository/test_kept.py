"""What is read once, and again as soon as anything of it was changed."""

from pathlib import Path

from edge.console.repository.kept import Kept


def test_a_folder_is_read_again_when_a_file_of_it_has_changed(tmp_path: Path) -> None:
    reads: list[dict[str, str]] = []

    def read() -> dict[str, str]:
        reads.append({one.name: one.read_text() for one in tmp_path.iterdir()})
        return reads[-1]

    kept = Kept(tmp_path, read)
    (tmp_path / "keys.json").write_text("one")
    assert kept.get() == kept.get() == {"keys.json": "one"}
    assert len(reads) == 1

    other = tmp_path / "other"
    other.write_text("two")
    other.rename(tmp_path / "keys.json")
    assert kept.get() == {"keys.json": "two"}
    (tmp_path / "root.json").write_text("root")
    assert set(kept.get()) == {"keys.json", "root.json"}
    (tmp_path / "root.json").unlink()
    assert set(kept.get()) == {"keys.json"}

    assert len(reads) == 4


def test_a_folder_that_is_not_there_yet_is_read_when_it_is(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "later", lambda: (tmp_path / "later").exists())

    assert not kept.get()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "file").touch()

    assert kept.get()
