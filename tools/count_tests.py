"""Say in one line how a run of the tests ended: its results file, and pytest's exit status."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

NO_TESTS = 5


def summary(results: Path, status: int) -> str:
    """Return the line."""
    counted = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    if results.is_file():
        for suite in ElementTree.parse(results).getroot().iter("testsuite"):
            for name in counted:
                counted[name] += int(suite.get(name, "0"))
    passed = counted["tests"] - counted["failures"] - counted["errors"] - counted["skipped"]
    skipped = f", {counted['skipped']} skipped" if counted["skipped"] else ""
    if status == 0:
        return f"test: all {passed} tests passed{skipped}"
    if status == NO_TESTS:
        return "test: FAILED: no test was chosen"
    bad = counted["failures"] + counted["errors"]
    told = (
        f"{bad} of {counted['tests']} tests failed{skipped}" if bad else "pytest did not end well"
    )
    return f"test: FAILED (status {status}): {told}"


if __name__ == "__main__":
    pytest_status = int(sys.argv[2])
    print(summary(Path(sys.argv[1]), pytest_status))
    sys.exit(pytest_status)
