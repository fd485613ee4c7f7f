"""Run a program and tell what it took, from a process that is itself small.

    python3 -I -S launch.py REPORT OUTPUT WORDS...

A program begins with the peak of memory of the one that starts it, so a large one cannot measure
a small one by itself. REPORT gets seconds and bytes as JSON, OUTPUT what the program prints (`-`
leaves it where it is). Standard library only.
"""

import json
import os
import sys
import time
from pathlib import Path


def main(report: str, output: str, words: list[str]) -> int:
    actions: list[tuple[int, int, str, int, int]] = []
    if output != "-":
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions.append((os.POSIX_SPAWN_OPEN, 1, output, flags, 0o644))
    started_s = time.monotonic()
    child = os.posix_spawnp(words[0], words, os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    wall_s = time.monotonic() - started_s
    told = {
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "rss_bytes": usage.ru_maxrss * 1024,
    }
    Path(report).write_text(json.dumps(told))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
