"""The demo: a virtual device takes a good update over the air, and gets rid of a bad one by itself.

Called by tools/demo; works in the folder that it is given, and ends what it started.
"""

import contextlib
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge.cli.main import main as edge
from edge.emulator import machine
from edge.emulator.machine import Machine
from edge.errors import EdgeError
from edge.keys import create, ring
from edge.keys.ring import Ring
from tests.fakes.mosquitto import free_port
from tests.fakes.update_site import UpdateSite

PROJECT: Final = Path(__file__).resolve().parent.parent
READY: Final = re.compile(r"edge: slot ([ab]): all (\d+) services ready after (\S+) s")
HEALTH: Final = {"stable_s": 5, "timeout_s": 40}
GOOD: Final = """\
files:
  - {{path: etc/edge/agent.json, mode: "0644", contents: '{settings}'}}
  - {{path: etc/motd, mode: "0644", contents: "This is {version}\\n"}}
"""
BAD: Final = GOOD + "services:\n  - service: ./faulty\n"
FAULTY: Final = """\
# Says that it runs, and ends, again and again.
description: A service with a fault
packages: [busybox-static]
command: [/usr/bin/busybox, sh, -c, "sleep 1; exit 1"]
"""
SYSTEMS: Final = {"1.0.0": GOOD, "1.1.0": GOOD, "1.2.0": BAD}


def say(text: str) -> None:
    print(f"demo: {text}", flush=True)


def build(site: UpdateSite, version: str) -> Path:
    """Build a release; with today's packages if those of the lock are gone from the mirror."""
    folder = site.folder
    (folder / "faulty").mkdir(exist_ok=True)
    (folder / "faulty" / "service.yml").write_text(FAULTY)
    shutil.copy(PROJECT / "examples" / "minimal.yml", folder)
    more, out = folder / f"{version}.yml", folder / f"out-{version}"
    settings = site.settings(health=HEALTH)
    more.write_text(SYSTEMS[version].format(settings=settings, version=version))
    words = ["-q", "build", str(folder / "minimal.yml"), str(more), "--board", "qemu-arm64"]
    words += ["--version", version, "--keys", str(site.ring.folder), "-o", str(out)]
    with contextlib.redirect_stdout(sys.stderr):
        if edge(words) != 0:
            say("not with the packages of the last time; once more with today's")
            (folder / "edge.lock").unlink(missing_ok=True)
            require(edge(words) == 0, "edge build")
    return out


def publish(site: UpdateSite, builds: dict[str, Path]) -> None:
    """Make a new repository of all releases, with patches between them."""
    shutil.rmtree(site.repository, ignore_errors=True)
    for number, (version, folder) in enumerate(builds.items()):
        with contextlib.redirect_stdout(sys.stderr):
            site.release(folder, "--patches-from", f"last:{number}")
        full_bytes = (folder / "update.edge").stat().st_size
        say(f"released {version}: {full_bytes / (1 << 20):.1f} MiB as a whole")


def watch(site: UpdateSite, device: Machine, version: str) -> None:
    """Order a release, and tell each thing that happens until the device reported."""
    started_s = time.monotonic()
    action, seen, planned_bytes = site.offer(version), "", 0
    say(f"{version} is ordered over MQTT")
    while not site.finals(action):
        require(time.monotonic() - started_s < 300, f"no report of {version}")
        device.listen(0.2)
        status = site.status()
        planned_bytes = max(planned_bytes, status.planned_bytes if status else 0)
        phase = f"{status.phase}, slot {status.slot} with {status.version}" if status else ""
        if phase and phase != seen and status and status.action == action:
            say(f"  {time.monotonic() - started_s:5.1f} s  {phase}")
            seen = phase
    final = site.finals(action)[0]
    status = site.settled(device.listen)
    reason = f" ({final.reason})" if final.reason else ""
    say(f"  {planned_bytes:,} bytes were sent for it, as a patch")
    say(f"  the device reports: {version} {final.kind}{reason}")
    say(f"  {status.version} runs in slot {status.slot}")


def require(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(f"demo: FAILED: {what}")


@contextlib.contextmanager
def switched_on(site: UpdateSite, folder: Path) -> Iterator[Machine]:
    """Start a device that was never on, with an identity of its own."""
    disk = site.folder / "disk.img"
    machine.make_disk(folder, disk)
    site.provision(disk)
    with (
        (site.folder / "console.log").open("w", buffering=1) as log,
        machine.running(folder, disk=disk, log=log.write) as device,
    ):
        found = device.wait_for(READY.pattern, 300)
        say(f"switched on: {found[2]} services are ready in slot {found[1]} after {found[3]} s")
        yield device


def key_ring(folder: Path) -> Ring:
    """Return the keys of the demo, made at the first time."""
    if folder.exists():
        return ring.read(folder)
    return create.init(folder, now=datetime.now(UTC)).ring


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_words: sys.exit(143))
    site = UpdateSite(folder, key_ring(folder / "keys"), port=free_port(), mqtt_port=free_port())
    say("build minimal 1.0.0, 1.1.0 and 1.2.0, which has a service that crashes")
    builds = {version: build(site, version) for version in SYSTEMS}
    publish(site, builds)
    site.reset()
    say("start a server with HTTPS and an MQTT broker; both ask for the device's certificate")
    with site.serving(), switched_on(site, builds["1.0.0"]) as device:
        watch(site, device, "1.1.0")
        status = site.settled(device.listen)
        require((status.version, status.slot) == ("1.1.0", "b"), "1.1.0 does not run")
        watch(site, device, "1.2.0")
        status = site.settled(device.listen)
        require((status.version, status.slot) == ("1.1.0", "b"), "1.1.0 is not back")
    say("done: the good release stays, and the bad one is gone; look at it yourself:")
    say(f"  .venv/bin/edge run {folder.name}/out-1.0.0")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (EdgeError, AssertionError) as error:
        sys.exit(f"demo: FAILED: {error}")
