"""The child that is measured: what `edge-agent run` does on a device of files.

tools/bench/device_run.py DEVICE
"""

import sys
from pathlib import Path

import edge_agent.device
from edge_agent.run import run_agent
from tools.bench.device_install import places_in

if __name__ == "__main__":
    places = places_in(Path(sys.argv[1]))
    edge_agent.device.Places = lambda: places  # type: ignore[assignment,misc]
    sys.exit(run_agent())
