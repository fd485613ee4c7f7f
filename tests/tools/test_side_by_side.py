"""Several runs of the tests at once: one result, and nothing hidden."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tools.count_tests import summary
from tools.side_by_side import join, parts, run, worse

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((2, 1), 2), ((5, 0), 0), ((5, 5), 5), ((0, -9), -9)],
)
def test_the_worse_status_is_that_of_both(statuses: tuple[int, int], status: int) -> None:
    assert worse(*statuses) == status


def test_results_are_put_together(tmp_path: Path) -> None:
    for name, failures in (("fast", 1), ("slow", 0)):
        (tmp_path / name).write_text(
            f'<testsuites><testsuite tests="3" failures="{failures}" errors="0" skipped="0"/>'
            "</testsuites>"
        )

    join([tmp_path / "fast", tmp_path / "slow", tmp_path / "none"], tmp_path / "all.xml")

    assert summary(tmp_path / "all.xml", 1) == "test: FAILED (status 1): 1 of 6 tests failed"


MARKS = "[pytest]\nmarkers =\n  slow\n  hardware\n"
SLOW_TEST = "import pytest\n@pytest.mark.slow\ndef test_{name}(): assert {holds}\n"


def test_a_test_that_fails_in_any_row_is_seen_and_each_runs_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").write_text(MARKS)
    for folder in ("tests/e2e", "tests/edge"):
        (tmp_path / folder).mkdir(parents=True)
    vm, later = tmp_path / "tests/e2e/test_vm.py", tmp_path / "tests/edge/test_long.py"
    vm.write_text(SLOW_TEST.format(name="vm", holds=True))
    later.write_text(SLOW_TEST.format(name="later", holds=False) + "def test_fast(): pass\n")
    words = ["--rootdir", str(tmp_path), str(tmp_path / "tests")]

    status = run(tmp_path / "results.xml", words, root=tmp_path, niceness=0)

    assert status == 1
    assert "FAILED" in capfd.readouterr().out
    cases = ElementTree.parse(tmp_path / "results.xml").getroot().iter("testcase")
    assert sorted(str(one.get("name")) for one in cases) == ["test_fast", "test_later", "test_vm"]


def test_no_slow_test_is_in_both_rows_or_in_none() -> None:
    shown, (_fast, later) = parts(ROOT)
    left_out = [[Path(path) for path in one.left_out] for one in (shown, later)]

    for file in (ROOT / "tests").rglob("test_*.py"):
        if "slow" in file.read_text():
            runs = [not any(file.is_relative_to(path) for path in paths) for paths in left_out]
            assert sum(runs) == 1, file
    assert all(path.exists() for paths in left_out for path in paths)
