"""What the agent takes: its start, its idle life, a poll, and the install of a patch.

    tools/bench/pairs.py build --only sec
    tools/bench/agent.py [--runs 5] [--idle-s 60]

The agent is the whole process of `edge-agent run` with links over HTTPS and MQTT, on a device of
files, with a real broker; its certificate is asked for by both. Memory and processor time are those
that the kernel tells of the process. Bytes are counted on the way to the server, TLS included.
Needs the tool tree. Targets are told as met or missed and decide nothing.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge import process
from edge.errors import EdgeError, LinkError
from edge_agent import status
from tests.fakes import update_server
from tests.fakes.bad_network import BadNetwork
from tests.fakes.pki import Pki
from tests.fakes.update_server import UpdateServer
from tools.bench import install_device, ours, pairs, proc
from tools.bench.install import require_same
from tools.bench.install_device import Device
from tools.bench.usage import MIB

CHILD: Final = Path(__file__).with_name("device_run.py")
NAME: Final = "dev-1"
MOST_S: Final = 120.0
SETTLE_S: Final = 5.0  # what an agent does once is over then
POLLS: Final = 10
TARGET_START_S, TARGET_IDLE_MIB, TARGET_PATCH_MIB, TARGET_POLL_BYTES = 1.5, 45, 64, 1000


@dataclass(frozen=True, slots=True)
class Bench:
    """A device and its server, with a network between that counts."""

    folder: Path
    device: Device
    pki: Pki
    server: UpdateServer
    network: BadNetwork

    @contextmanager
    def agent(self, *, poll_s: int, mqtt: bool) -> Iterator[int]:
        """Run the agent as after the first start of its system, and give its process id."""
        self.device.reset()
        folder = self.device.folder
        shutil.copytree(self.pki.device(NAME), folder / "data" / "identity")
        settings: dict[str, object] = {"poll_s": poll_s}
        settings["http"] = f"https://127.0.0.1:{self.network.port}/"
        if mqtt and self.server.broker is not None:
            settings["mqtt"] = self.server.broker.url
        (folder / "etc" / "agent.json").write_text(json.dumps(settings))
        (folder / "ready").touch()
        self.server.http.asked.clear()
        for file in (self.folder / "state" / "state").iterdir():
            file.unlink()
        compiled = {"PYTHONPYCACHEPREFIX": str(self.folder / "pyc"), "PYTHONDONTWRITEBYTECODE": ""}
        words = (sys.executable, CHILD, folder)
        running = process.start(words, piped=True, env={**ours.ENV, **compiled})
        try:
            yield running.pid
        finally:
            running.terminate()
            running.communicate()

    def polls(self) -> int:
        """Return how often the device asked for its order by HTTP."""
        return sum(line.endswith("/desired") for line in self.server.http.asked)

    def is_settled(self) -> bool:
        """Whether the server knows by now that the device has nothing to do."""
        told = self.server.fleet.state(NAME)
        return told is not None and told.phase == "idle" and not told.reason


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something, looking often.

    Raises:
        LinkError: It does not come.
    """
    deadline_s = time.monotonic() + MOST_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise LinkError(f"{what}: not within {MOST_S:g} s")
        time.sleep(0.002)


def verdict(what: str, found: float, most: float, unit: str) -> None:
    word = "met" if found <= most else "MISSED"
    print(f"{what}: {found:.3g} {unit}, at most {most:g}: {word}")


def bench_start(bench: Bench, runs: int) -> None:
    """Measure processor and wall seconds from the start of Python to the first poll by HTTP."""
    cpu_s, wall_s = [], []
    for number in range(runs + 1):
        begin_s = time.monotonic()
        with bench.agent(poll_s=300, mqtt=False) as pid:
            wait_until(lambda: bench.polls() > 0, "first poll")
            if number:  # the first start compiles
                cpu_s.append(proc.cpu_s(pid))
                wall_s.append(time.monotonic() - begin_s)
    runs_told = " ".join(f"{one:.2f}" for one in cpu_s)
    print(f"start to first poll: wall {statistics.median(wall_s):.2f} s, CPU s {runs_told}")
    verdict("start to first poll", statistics.median(cpu_s), TARGET_START_S, "CPU s")


def bench_idle(bench: Bench, idle_s: float) -> None:
    """Measure memory, wakes and processor time of an agent that has nothing to do."""
    with bench.agent(poll_s=300, mqtt=True):
        wait_until(bench.is_settled, "first contact")  # what it imports is compiled now
    for mqtt in (False, True):
        with bench.agent(poll_s=300, mqtt=mqtt) as pid:
            wait_until(bench.is_settled, "first contact")
            time.sleep(SETTLE_S)
            before = proc.wakes(pid), proc.cpu_s(pid)
            time.sleep(idle_s)
            wakes, cpu_s = proc.wakes(pid) - before[0], proc.cpu_s(pid) - before[1]
            links = "HTTP and MQTT" if mqtt else "HTTP"
            minutes = idle_s / 60
            peak_mib, now_mib = proc.peak_bytes(pid) / MIB, proc.memory_bytes(pid) / MIB
            told = f"{wakes / minutes:.1f} wakes and {cpu_s / minutes:.2f} CPU s a minute"
            print(f"idle, {links}: {told}, {now_mib:.1f} MiB now")
            verdict(f"idle, {links}, peak", peak_mib, TARGET_IDLE_MIB, "MiB")


def bench_poll(bench: Bench) -> None:
    """Count the bytes of polls that bring nothing new."""
    with bench.agent(poll_s=1, mqtt=False):
        wait_until(lambda: bench.polls() > 2, "polls")  # the handshake is before
        first = bench.polls(), bench.network.up_bytes + bench.network.down_bytes
        wait_until(lambda: bench.polls() >= first[0] + POLLS, "polls")
        polls = bench.polls() - first[0]
        sent = bench.network.up_bytes + bench.network.down_bytes - first[1]
    verdict("poll with nothing new", sent / polls, TARGET_POLL_BYTES, "bytes")


def bench_patch(bench: Bench, bundle: Path, old: Path, new: Path) -> None:
    """Let the agent, with both links, install a patch; tell the peak of its memory."""
    shutil.copyfile(old, bench.device.folder / "dev" / "rootfs-a")
    for is_counted in (False, True):  # the first one compiles
        bench.device.target.write_bytes(bytes(new.stat().st_size + 8 * MIB))
        with bench.agent(poll_s=300, mqtt=True) as pid:
            wait_until(bench.is_settled, "first contact")
            before_s = proc.cpu_s(pid)
            _install(bench.device.folder / "run", bundle)
            cpu_s, peak_mib = proc.cpu_s(pid) - before_s, proc.peak_bytes(pid) / MIB
        bench.device.require_armed()
        require_same(new, bench.device.target)
        if is_counted:
            sizes = f"{bundle.stat().st_size:,} bytes for {new.stat().st_size:,}"
            print(f"install of a patch, {sizes}: {cpu_s:.2f} CPU s")
            verdict("install of a patch, whole agent, peak", peak_mib, TARGET_PATCH_MIB, "MiB")


def _install(run: Path, bundle: Path) -> None:
    """Ask the agent, as soon as it takes requests, and wait until it would restart."""
    wait_until(lambda: "error" not in _ask(run, "install", bundle), "install")
    wait_until(lambda: _ask(run, "status").get("phase") == "rebooting", "end of the install")


def _ask(run: Path, word: str, bundle: Path | None = None) -> status.Said:
    try:
        return status.ask({"command": word, **({"path": str(bundle)} if bundle else {})}, run)
    except status.StatusError as error:
        return {"error": error.reason}


def run(options: argparse.Namespace, folder: Path) -> None:
    """Set up the device and its server, and run all parts."""
    ring = install_device.make_keys(folder / "keys")
    target = folder / "slot.img"
    target.touch()
    device = install_device.make(folder / "device", target, ring)
    old, new = (options.folder / f"sec-{side}.img" for side in ("old", "new"))
    bundle = folder / "patch.edge"
    install_device.write_patch_bundle(old, new, ring, bundle)
    pki, state = Pki.make(folder / "pki"), folder / "state"
    with ExitStack() as stack:
        serving = update_server.running(
            repository=folder / "repository", state=state, pki=pki, mqtt_port=0
        )
        server = stack.enter_context(serving)
        network = stack.enter_context(closing(BadNetwork(server.http.server_address[1])))
        bench = Bench(folder, device, pki, server, network)
        bench_start(bench, options.runs)
        bench_poll(bench)
        bench_idle(bench, options.idle_s)
        bench_patch(bench, bundle, old, new)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=pairs.default_folder(), help="of the pairs")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle-s", type=float, default=60, help="how long to look at it idle")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
            run(options, Path(name))
    except EdgeError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
