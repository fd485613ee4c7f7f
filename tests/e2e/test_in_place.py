"""A service of a virtual device gets new versions without a restart: good, bad, damaged later.

And it goes back to what its system brought.
"""

from pathlib import Path

import pytest

from edge.cli.main import main
from edge.emulator import machine
from edge.emulator.command import Options
from edge.emulator.machine import Machine
from tests.e2e.test_running_system import shell
from tests.fakes.update_site import UpdateSite

pytestmark = pytest.mark.slow

SYSTEM = """
services:
  - service: network
  - service: agent
  - service: console
  - {{service: ./web, update: in-place}}
files:
  - {{path: etc/edge/agent.json, mode: "0644", contents: '{settings}'}}
"""
WEB = """
description: Says which version it is
packages: [busybox-static]
exclude: [etc/**, usr/share/**]
command: [/usr/bin/busybox, sh, /etc/{program}]
env: [FROM={version}]
stop_timeout_s: 1
files:
  - path: etc/{program}
    mode: "0644"
    contents: |
      echo "{program} of $FROM"
      {line}
"""
STAYS, ENDS = "exec busybox sleep 100000", "exit 1"
BASE, GOOD, BAD = "1.0.0", "1.1.0", "1.2.0"
SHOWN = "cat /run/edge/in-place/web"


def build(work: Path, site: UpdateSite, version: str, line: str = STAYS) -> Path:
    """Build the system with a version of the service whose program and environment are its own."""
    folder = work / f"out-in-place-{version}"
    (work / "web").mkdir(exist_ok=True)
    service = WEB.format(version=version, program=f"serve-{version}", line=line)
    (work / "web" / "service.yml").write_text(service)
    file = work / "in-place.yml"
    file.write_text(SYSTEM.format(settings=site.settings()))
    words = ["--board", "qemu-arm64", "--name", "in-place", "--version", version]
    words += ["--keys", str(site.ring.folder), "--no-update", "-o", str(folder)]
    assert main(["-q", "build", str(file), *words]) == 0
    return folder


def test_a_service_is_updated_in_place(work: Path, site: UpdateSite, tmp_path: Path) -> None:
    base = build(work, site, BASE)
    site.release(base, "--service", "web")
    for version, line in ((GOOD, STAYS), (BAD, ENDS)):
        site.release(build(work, site, version, line), "--service", "web")
    disk = tmp_path / "disk.img"
    machine.make_disk(base, disk)
    site.provision(disk)
    site.reset()
    with (
        site.serving(),
        (tmp_path / "console.log").open("w", buffering=1) as log,
        machine.running(base, disk=disk, options=Options(memory_mib=512), log=log.write) as one,
    ):
        shell(one)
        settled = site.settled(one.listen)
        boot_id, own = settled.boot_id, settled.services["web"]
        assert says(one) == ("factory -", f"serve-{BASE} of {BASE}")

        taken = site.outcome(site.offer(f"web+{GOOD}"), one.listen)
        assert (taken.kind, taken.reason) == ("succeeded", "")
        shown, said = says(one)
        assert shown.endswith(f" web+{GOOD}")
        assert said == f"serve-{GOOD} of {GOOD}"
        assert site.settled(one.listen).services == {"web": f"web+{GOOD}"}

        refused = site.outcome(site.offer(f"web+{BAD}"), one.listen)
        assert refused.kind == "failed"
        assert says(one) == (shown, f"serve-{GOOD} of {GOOD}")
        assert site.settled(one.listen).boot_id == boot_id, "the device restarted"

        one.send("reboot\n")
        shell(one)
        assert says(one) == (shown, f"serve-{GOOD} of {GOOD}")
        assert site.settled(one.listen).boot_id != boot_id
        assert one.command("dmesg | grep 'recovery complete'").strip() == "", "data was left dirty"

        back = site.outcome(site.offer(f"web+{BASE}"), one.listen)
        assert (back.kind, back.reason) == ("succeeded", "")
        assert says(one) == ("factory -", f"serve-{BASE} of {BASE}")
        assert site.settled(one.listen).services == {"web": own}
        again = site.outcome(site.offer(f"web+{GOOD}"), one.listen)
        assert (again.kind, says(one)) == ("succeeded", (shown, f"serve-{GOOD} of {GOOD}"))

        damage(one, shown.split()[0])
        assert says(one) == (
            f"factory {shown.split()[1]} its image is damaged",
            f"serve-{BASE} of {BASE}",
        )


def says(device: Machine) -> tuple[str, str]:
    """Return what init says of the service, and what the service said last."""
    shown = device.command(SHOWN).strip()
    said = device.command("edge-ctl logs web -n 200 | grep -o 'serve-.* of .*' | tail -n 1")
    return shown, said.strip()


def damage(device: Machine, place: str) -> None:
    """Write over what runs, as who has the data partition can, and let all of it be read again."""
    image = f"/data/agent/services/web/{place}.img"
    device.command(f"dd if=/dev/urandom of={image} bs=4096 count=64 conv=notrunc; sync")
    device.command("echo 3 >/proc/sys/vm/drop_caches")
    device.command("find /run/in-place/web -type f | xargs cat >/dev/null")
    device.command("edge-ctl restart web", 90)
