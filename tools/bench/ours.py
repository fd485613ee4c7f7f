"""Our own payloads in the benchmark: `edge bundle patch` and `apply`, and the chunks."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from edge.paths import PROJECT
from tools.bench.peers import Pair, Peer, Result, same
from tools.bench.usage import MIB, measured

OWN_CHUNKS = Path(__file__).with_name("own_chunks.py")
DEVICE_APPLY = Path(__file__).with_name("device_apply.py")
EDGE = (sys.executable, "-m", "edge.cli.main")
# The checkout's own packages, without what an installation of another checkout may bring.
ENV = {
    "PYTHONPATH": os.pathsep.join(str(PROJECT / part) for part in ("", "device-agent", "signing"))
}


def patch(pair: Pair, folder: Path) -> Result:
    """Make and apply by the command line, then measure the device's part alone in a child."""
    patch_file, output = folder / "patch", folder / "out"
    words = ("bundle", "patch", pair.old, pair.new, "-o", patch_file)
    # With a cache of its own: a patch that was made before is not made again.
    make = measured((*EDGE, *words), env={**ENV, "EDGE_CACHE": str(folder / "cache")})
    measured((*EDGE, "bundle", "apply", pair.old, patch_file, "-o", output), env=ENV)
    equal = same(output, pair.new)
    output.unlink()
    device = (sys.executable, DEVICE_APPLY)
    alone = measured((*device, "imports"), env=ENV)
    apply = measured((*device, pair.old, patch_file, output), env=ENV)
    return Result(
        patch_file.stat().st_size,
        make.usage,
        apply.usage,
        equal and same(output, pair.new),
        apply_mb_per_s=pair.new.stat().st_size / 1e6 / float(apply.stdout),
        apply_above_mib=(apply.usage.rss_bytes - alone.usage.rss_bytes) / MIB,
    )


def chunks(pair: Pair, folder: Path) -> Result:
    """Make the chunks of the new image, and the image from them and an old one nobody told of."""
    table, blob, output = folder / "table", folder / "blob", folder / "out"
    child = (sys.executable, OWN_CHUNKS)
    make = measured((*child, "make", pair.new, table, blob), env=ENV)
    apply = measured((*child, "apply", pair.old, table, blob, output), env=ENV)
    fetched = json.loads(apply.stdout)
    equal = same(output, pair.new)
    note = f"{fetched['requests']} ranges"
    return Result(fetched["bytes"], make.usage, apply.usage, equal, note)


METHODS: Mapping[str, Peer] = {
    "patch": Peer("Edge, patch", {}, patch),
    "chunks": Peer("Edge, chunks (old version unknown)", {}, chunks),
}
