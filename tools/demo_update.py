"""The demo: a console, a virtual device that takes a good update, and a campaign with a bad one.

Called by tools/demo; works in the folder that it is given, and ends what it started.
"""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edge.cli.main import main as edge
from edge.emulator import machine
from edge.emulator.machine import Machine
from edge.errors import EdgeError
from edge.keys import create, ring
from edge.keys.ring import Ring
from tests.fakes.ports import free_port
from tests.fakes.update_site import DEVICE, HOST, UpdateSite

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
SIMULATED: Final = 19
CANARIES: Final = (DEVICE, "sim-01", "sim-02", "sim-03")
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


@dataclass(frozen=True)
class Console:
    """The console of the demo, as its commands have it.

    Attributes:
        welcome: Where the first person comes in.
    """

    ports: tuple[int, int, int]
    welcome: str

    def edge(self, *words: str) -> Any:
        """Run a command of the console, and return what it says."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = edge([*words, "--json"])
        require(status == 0, f"edge {' '.join(words)}")
        return json.loads(said.getvalue().splitlines()[-1])

    def do(self, *words: str) -> Any:
        """Run a command that the story tells."""
        say(f"$ edge {' '.join(words)}")
        return self.edge(*words)

    def device(self) -> dict[str, Any]:
        """Return what the console knows of the device."""
        found: dict[str, Any] = self.edge("devices", "show", DEVICE)
        return found

    def until(self, machine: Machine, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return what the console knows once it is as it should be; the machine lives meanwhile."""
        deadline_s = time.monotonic() + 300
        while not is_so(shown := self.device()):
            require(time.monotonic() < deadline_s, f"the console does not see it: {shown}")
            machine.listen(0.4)
        return shown


@contextlib.contextmanager
def served(site: UpdateSite, ports: tuple[int, int, int]) -> Iterator[Console]:
    """Run a new console, and let the commands ask it."""
    folder = site.folder / "console"
    shutil.rmtree(folder, ignore_errors=True)
    port, mqtt_port, api_port = map(str, ports)
    words = ["--dir", str(folder), "--keys", str(site.ring.folder), "--json", "--host", HOST]
    words += ["--factory-ca", str(site.pki.factory.file)]
    words += ["--port", port, "--mqtt-port", mqtt_port, "--api-port", api_port]
    program = [sys.executable, "-m", "edge.cli.main", "console", "serve", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as server:  # noqa: TID251
        try:
            assert server.stdout is not None
            first = server.stdout.readline()
            require(bool(first), "edge console")
            os.environ |= {
                "EDGE_CONSOLE_URL": f"https://localhost:{api_port}",
                "EDGE_CONSOLE_TOKEN_FILE": str(folder / "admin.token"),
                "EDGE_CONSOLE_CA": str(folder / "tls" / "server-ca.crt"),
            }
            yield Console(ports, json.loads(first)["welcome"].replace(HOST, "localhost"))
        finally:
            server.terminate()


def enrol(console: Console, machine: Machine) -> None:
    """Let the device in, which asks by itself."""
    while not console.edge("devices", "list", "--state", "pending")["devices"]:
        machine.listen(0.2)
    say(f"{DEVICE} has asked to be let in: its certificate is of the factory, so it is pending")
    console.do("devices", "accept", DEVICE)
    shown = console.until(machine, lambda one: bool(one["is_online"] and one["version"]))
    say(f"  the console sees {shown['product']} {shown['version']} on {shown['board']}, over MQTT")


def update(console: Console, machine: Machine, version: str) -> dict[str, Any]:
    """Order a release, tell each thing that happens, and return how the device is then."""
    action = console.do("deploy", version, "--to", DEVICE)["action"]
    started_s, seen, planned_bytes = time.monotonic(), "", 0

    def is_over(shown: dict[str, Any]) -> bool:
        nonlocal seen, planned_bytes
        planned_bytes = max(planned_bytes, shown["planned_bytes"])
        phase = f"{shown['phase']}, slot {shown['slot']} with {shown['version']}"
        if phase != seen and shown["action"] == action:
            say(f"  {time.monotonic() - started_s:5.1f} s  {phase}")
            seen = phase
        return bool(shown["orders"][0]["state"] != "open" and shown["phase"] == "idle")

    shown = console.until(machine, is_over)
    order = shown["orders"][0]
    reason = f" ({order['reason']})" if order["reason"] else ""
    say(f"  {planned_bytes:,} bytes were sent for it, as a patch")
    say(f"  the console shows: {version} {order['state']}{reason}")
    say(f"  {shown['version']} runs in slot {shown['slot']}")
    return shown


@contextlib.contextmanager
def simulated(
    site: UpdateSite, ports: tuple[int, int, int], board: str, product: str
) -> Iterator[None]:
    """Let devices live beside the virtual one that run 1.1.0 and are not there."""
    words = ["--devices", str(SIMULATED), "--seed", "1", "--speed", "5", "--poll", "1"]
    words += ["--http", f"https://localhost:{ports[0]}/", "--mqtt", f"mqtts://localhost:{ports[1]}"]
    words += [
        "--factory-ca",
        str(site.pki.factory.file),
        "--factory-key",
        str(site.pki.factory.key_file),
    ]
    words += ["--server-ca", str(site.folder / "console" / "tls" / "server-ca.crt")]
    words += ["--board", board, "--product", product, "--version", "1.1.0"]
    words += ["--mix", "ok=100", "--identities", str(site.folder / "simulated"), "--json"]
    program = [sys.executable, "-m", "edge.cli.main", "simulate", *words]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL) as fleet:  # noqa: TID251
        try:
            yield
        finally:
            fleet.terminate()


def roll_out(console: Console, machine: Machine, version: str) -> dict[str, Any]:
    """Bring a release to all devices by a campaign, and return how that ended."""
    words = [word for one in CANARIES for word in ("--canary", one)]
    words += [
        "--waves",
        "100%",
        "--on-trip",
        "revert",
        "--soak",
        "5",
        "--name",
        f"{version} for all",
    ]
    made = console.do("campaign", "create", "--release", version, *words, "--start")
    seen = ""
    deadline_s = time.monotonic() + 300
    while True:
        shown: dict[str, Any] = console.edge("campaign", "show", made["campaign"])
        canaries = shown["wave_views"][0]["counts"]
        text = ", ".join(f"{count} {state}" for state, count in sorted(canaries.items()))
        if (line := f"{shown['state']}; canaries: {text}") != seen:
            say(f"  {line}")
            seen = line
        if not shown["is_live"]:
            return shown
        require(time.monotonic() < deadline_s, f"the campaign does not end: {line}")
        machine.listen(0.5)


def let_in_all(console: Console, machine: Machine) -> None:
    """Let the simulated devices in, which ask by themselves, and wait until all are seen."""
    while (
        len(found := console.edge("devices", "list", "--state", "pending")["devices"]) < SIMULATED
    ):
        machine.listen(0.5)
    for one in found:
        console.edge("devices", "accept", one["device"])
    while len(console.edge("devices", "list", "version:1.1.0")["devices"]) < SIMULATED + 1:
        machine.listen(0.5)
    say(f"{SIMULATED} simulated devices are there too, and run 1.1.0")


def require(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(f"demo: FAILED: {what}")


@contextlib.contextmanager
def switched_on(site: UpdateSite, folder: Path) -> Iterator[Machine]:
    """Start a device that was never on, with an identity of its own."""
    disk = site.folder / "disk.img"
    machine.make_disk(folder, disk)
    identity = site.pki.device(DEVICE)
    # It trusts the console's own authority.
    shutil.copy(site.folder / "console" / "tls" / "server-ca.crt", identity)
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
    ports = free_port(), free_port(), free_port()
    ring = key_ring(folder / "keys")
    site = UpdateSite(folder, ring, port=ports[0], mqtt_port=ports[1])
    say("build minimal 1.0.0, 1.1.0 and 1.2.0, which has a service that crashes")
    builds = {version: build(site, version) for version in SYSTEMS}
    publish(site, builds)
    say("start the console, with HTTPS and an MQTT broker for devices: edge console serve")
    with served(site, ports) as console:
        for version in ("1.1.0", "1.2.0"):
            console.do("releases", "add", version, "--repo", f"{folder.name}/repository")
        with switched_on(site, builds["1.0.0"]) as device:
            enrol(console, device)
            shown = update(console, device, "1.1.0")
            require((shown["version"], shown["slot"]) == ("1.1.0", "b"), "1.1.0 does not run")
            with simulated(site, ports, shown["board"], shown["product"]):
                let_in_all(console, device)
                say(f"  see it on the page: {console.welcome}")
                ended = roll_out(console, device, "1.2.0")
            require(ended["state"] == "reverted", "the campaign was not reverted")
            require(ended["reached"] == len(CANARIES), "it reached more than the canaries")
            say(f"  it stopped by itself: {ended['tripped']}")
            shown = console.device()
            say(f"  {DEVICE}: {shown['version']} runs in slot {shown['slot']}")
            require((shown["version"], shown["slot"]) == ("1.1.0", "b"), "1.1.0 is not back")
            back = console.edge("devices", "list", "version:1.1.0")["devices"]
            require(len(back) == SIMULATED + 1, "not all devices run 1.1.0")
    say("done: the good release stays, and the bad one reached its canaries only; look at it:")
    say(f"  .venv/bin/edge run {folder.name}/out-1.0.0")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (EdgeError, AssertionError) as error:
        sys.exit(f"demo: FAILED: {error}")
