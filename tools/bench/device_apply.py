"""The child whose memory and time are measured: what a device imports to apply a patch, no more.

tools/bench/device_apply.py imports              what the interpreter with the imports takes
tools/bench/device_apply.py OLD PATCH NEW        apply, and print the seconds that it took
"""

import sys
import time
from pathlib import Path

from edge_agent.payload.patch_file import apply_file


def main(words: list[str]) -> None:
    if words == ["imports"]:
        return
    old, patch, new = (Path(word) for word in words)
    started_s = time.monotonic()
    with new.open("wb", buffering=0) as stream:
        apply_file(old, patch, stream)
    print(time.monotonic() - started_s)


if __name__ == "__main__":
    main(sys.argv[1:])
