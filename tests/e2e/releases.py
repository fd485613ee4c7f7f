"""The systems that devices in virtual machines are updated between."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.cli.main import main
from tests.fakes.update_site import UpdateSite

OLD, BASE, NEXT = "0.9.0", "1.0.0", "1.1.0"
ASKS: Final = "1.0.0-asks"
COUNTER: Final = 1  # of all but the one that is too old

SYSTEM = """
services:
  - service: network
  - service: agent
  - service: console
files:
  - path: etc/edge/agent.json
    mode: "0644"
    contents: '{settings}'
  - {{path: etc/motd, mode: "0644", contents: "{version}\\n"}}
"""
CRASHING = """
services:
  - service: ./crashing
"""
CRASHING_SERVICE = """
# Is ready, and then ends, again and again.
description: A service that crashes
packages: [busybox-static]
command: [/usr/bin/busybox, sh, -c, "sleep 1; exit 1"]
"""
BAD_INIT = """
files:
  - path: usr/sbin/init
    mode: "0755"
    contents: |
      #!/usr/bin/busybox sh
      {line}
"""
HOOK = """
files:
  - path: etc/edge/hooks/first
    mode: "0755"
    contents: |
      #!/usr/bin/python3 -S
      import sys
      from pathlib import Path
      asked = Path("/run/edge-agent/asked")
      if not asked.exists():
          asked.touch()
          sys.exit("asked for the first time")
"""
# What is added to the system to make each release; each is one of the ways to be bad.
VARIANTS: Final = {
    BASE: "",
    NEXT: "",
    "1.2.0-crashes": CRASHING,
    "1.2.0-hangs": BAD_INIT.format(line="sleep 100000"),
    "1.2.0-panics": BAD_INIT.format(line="exit 1"),
    OLD: "",
    ASKS: HOOK,
}
SETTINGS: Final[dict[str, dict[str, object]]] = {
    ASKS: {"confirm": True, "hooks": {"before-install": ["/etc/edge/hooks/first"]}}
}
COUNTERS: Final = {OLD: 0}


@dataclass
class Releases:
    """Builds each system once, and publishes it once.

    Args:
        work: Folder with the system files.
        site: Whose repository takes them.
    """

    work: Path
    site: UpdateSite
    _published: set[str] = field(default_factory=set)

    def build(self, version: str) -> Path:
        """Return the build of a release."""
        folder = self.work / f"out-updates-{version}"
        if not folder.exists():
            (self.work / "crashing").mkdir(exist_ok=True)
            (self.work / "crashing" / "service.yml").write_text(CRASHING_SERVICE)
            files = [self.work / f"{version}-system.yml", self.work / f"{version}-more.yml"]
            settings = self.site.settings(**SETTINGS.get(version, {}))
            files[0].write_text(SYSTEM.format(settings=settings, version=version))
            files[1].write_text(VARIANTS[version] or "services: []\n")
            words = ["--board", "qemu-arm64", "--name", "updates", "--version", version]
            words += ["--counter", str(COUNTERS.get(version, COUNTER))]
            words += ["--keys", str(self.site.ring.folder), "-o", str(folder)]
            assert main(["-q", "build", *map(str, files), *words]) == 0
        return folder

    def publish(self, version: str, *words: str, like: str | None = None) -> None:
        """Publish a release, from the build of another one if `like` says so.

        Each is patched from the base, if that was published before.
        """
        if version not in self._published:
            patched = ["--patches-from", "last:99"] if BASE in self._published else []
            named = ["--version", version] if like else []
            self.site.release(self.build(like or version), *patched, *named, *words)
            self._published.add(version)
