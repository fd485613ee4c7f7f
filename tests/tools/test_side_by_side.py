"""Two runs of the tests at once: one result, and nothing hidden."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tools.count_tests import summary
from tools.side_by_side import join, run, worse


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


def test_a_test_that_fails_in_one_of_them_is_seen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  slow\n  hardware\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_fast(): assert False, 'not well'\n"
        "@pytest.mark.slow\n"
        "def test_slow(): pass\n"
    )

    status = run(tmp_path / "results.xml", ["--rootdir", str(tmp_path), str(tmp_path)], niceness=0)

    assert status == 1
    assert "FAILED" in capfd.readouterr().out
    cases = ElementTree.parse(tmp_path / "results.xml").getroot().iter("testcase")
    assert sorted(str(one.get("name")) for one in cases) == ["test_fast", "test_slow"]
