"""Run all tests in two rows: the fast ones and then some slow ones, beside the other slow ones.

The slow ones wait for virtual machines most of the time, and have the processors first. They are
shown as they go; what the other row said follows at the end. The results are one file, as of one
run. Words are given to pytest in all runs.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FAST: Final = "not slow and not hardware"
SLOW: Final = "slow and not hardware"
# Slow tests of these come after the fast ones, so that both rows take about as long.
LATER: Final = (
    "tests/agent",
    "tests/edge",
    "tests/signing",
    "tests/tools",
    "tests/e2e/test_bad_releases.py",
)
_MACHINES: Final = "tests/e2e"
_NICE: Final = 4
_NO_TESTS: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """One run of pytest.

    Attributes:
        left_out: Files and folders whose tests it does not run.
        niceness: How far it stands back behind other programs.
    """

    name: str
    marks: str
    left_out: Sequence[str] = ()
    niceness: int = 0


def parts(root: Path, *, niceness: int = _NICE) -> tuple[Part, tuple[Part, ...]]:
    """Return the run that is shown, and those that follow one another beside it."""
    machines = sorted(str(path.relative_to(root)) for path in (root / _MACHINES).glob("test_*.py"))
    shown = [str(root / one) for one in machines if one not in LATER]
    beside = (Part("fast", FAST, niceness=niceness), Part("later", SLOW, shown))
    return Part("slow", SLOW, [str(root / one) for one in LATER]), beside


def run(results: Path, words: list[str], *, root: Path | None = None, niceness: int = _NICE) -> int:
    """Run all tests of a tree, write their results as one, and return the worst exit status."""
    results.parent.mkdir(parents=True, exist_ok=True)
    first, beside = parts(root or Path.cwd(), niceness=niceness)
    with ThreadPoolExecutor(max_workers=1) as other:
        others = other.submit(lambda: [_logged(one, results, words) for one in beside])
        status = subprocess.run(  # noqa: TID251
            _pytest(first, results, words), stdin=subprocess.DEVNULL, check=False
        ).returncode
        statuses = [status, *others.result()]
    for one in beside:
        sys.stdout.write(_log(one, results).read_text(errors="replace"))
    sys.stdout.flush()
    join([_results(one, results) for one in (*beside, first)], results)
    return worse(*statuses)


def join(parts: list[Path], whole: Path) -> None:
    """Write the results of several runs as one file; what a run did not write is left out."""
    root = ElementTree.Element("testsuites")
    for part in parts:
        if part.is_file():
            root.extend(ElementTree.parse(part).getroot())
    ElementTree.ElementTree(root).write(whole, encoding="utf-8", xml_declaration=True)


def worse(*statuses: int) -> int:
    """Return the status of a run of which these are the parts; one without tests is no mistake."""
    bad = [one for one in statuses if one not in (0, _NO_TESTS)]
    if bad:
        return max(bad, key=abs)
    return 0 if 0 in statuses else _NO_TESTS


def _logged(one: Part, results: Path, words: list[str]) -> int:
    with _log(one, results).open("wb") as stream:
        return subprocess.run(  # noqa: TID251
            _pytest(one, results, words),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.nice(one.niceness),
            check=False,
        ).returncode


def _log(one: Part, results: Path) -> Path:
    return results.with_suffix(f".{one.name}.log")


def _results(one: Part, results: Path) -> Path:
    return results.with_suffix(f".{one.name}.xml")


def _pytest(one: Part, results: Path, words: list[str]) -> list[str]:
    # All would write what failed last into the same folder.
    own = ["-p", "no:cacheprovider", f"--junit-xml={_results(one, results)}"]
    own += ["-o", "junit_family=xunit2", *(f"--ignore={path}" for path in one.left_out)]
    return [sys.executable, "-m", "pytest", "-m", one.marks, *own, *words]


if __name__ == "__main__":
    sys.exit(abs(run(Path(sys.argv[1]), sys.argv[2:])))
