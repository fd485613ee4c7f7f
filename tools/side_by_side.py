"""Run the fast tests beside the slow ones, which wait for virtual machines most of the time.

The slow ones have the processors first, and are shown as they go; what the fast ones said follows
at the end. The results of both are one file, as of one run. Words are given to pytest in both.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Final

FAST: Final = "not slow and not hardware"
SLOW: Final = "slow and not hardware"
_NICE: Final = 10
_NO_TESTS: Final = 5


def run(results: Path, words: list[str], *, niceness: int = _NICE) -> int:
    """Run both, write their results as one, and return the worse of the two exit statuses."""
    fast_results, slow_results = (results.with_suffix(f".{name}.xml") for name in ("fast", "slow"))
    log = results.with_suffix(".fast.log")
    results.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        fast = subprocess.Popen(  # noqa: TID251
            _pytest(FAST, fast_results, words),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.nice(niceness),
        )
        try:
            slow_status = subprocess.run(  # noqa: TID251
                _pytest(SLOW, slow_results, words), stdin=subprocess.DEVNULL, check=False
            ).returncode
        finally:
            fast_status = fast.wait()
    sys.stdout.write(log.read_text(errors="replace"))
    sys.stdout.flush()
    join([fast_results, slow_results], results)
    return worse(fast_status, slow_status)


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


def _pytest(marks: str, results: Path, words: list[str]) -> list[str]:
    # Both would write what failed last into the same folder.
    own = ["-p", "no:cacheprovider", f"--junit-xml={results}", "-o", "junit_family=xunit2"]
    return [sys.executable, "-m", "pytest", "-m", marks, *own, *words]


if __name__ == "__main__":
    sys.exit(abs(run(Path(sys.argv[1]), sys.argv[2:])))
