"""Take the pictures of the console's page for the documents, of a fleet that is not there.

    PYTHONPATH=.:device-agent:signing .venv/bin/python -m tools.screenshots [--into docs/images]
        [--only NAME]

A console of its own runs with simulated devices: some take an update, some fail, some ask to come
in. Only what lies in the past is made up: which versions ran in the week before.
"""

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from playwright.sync_api import Page
from sqlalchemy import Connection, insert

from edge.console.people.roles import Role
from edge.console.simulate import mix
from edge.console.simulate.device import Pace
from edge.console.simulate.fleet import Fleet, FleetSettings
from edge.console.simulate.identities import Factory
from edge.console.store.overview_tables import SAMPLES
from edge.keys import create
from tests.agent.power import system
from tests.agent.power.system import System, tiny_units
from tests.fakes import bill, chromium, console
from tests.fakes import browser as sessions
from tests.fakes.chromium import Window
from tests.fakes.console import TENANT, Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki

HOUR_S = 3_600
BOARDS = ("rpi4", "rpi5")
BLOCKS = {"boot": 300, "rootfs": 900}
KEPT = {"boot": range(20, 300), "rootfs": range(90, 900)}
# What releases are made of, in Debian's versions.
_LIBRARY = {"1.4.2": "libc6=2.41-12+deb13u1", "1.5.0": "libc6=2.41-12+deb13u5"}
_TLS = {"1.4.2": "libssl3t64=3.5.1-1", "1.5.0": "libssl3t64=3.5.4-1~deb13u1"}
_KERNEL = {"1.4.2": "linux-image-arm64=6.12.41-1", "1.5.0": "linux-image-arm64=6.12.57-1"}
_PYTHON = ("libpython3.13-stdlib=3.13.5-2", "python3.13=3.13.5-2", "python3-cryptography=43.0.0-3")
_LICENCES = {
    "busybox-static": "GPL-2.0-only",
    "chrony": "GPL-2.0-only AND LicenseRef-chrony-MIT-like AND ISC",
    "libc6": "GPL-2.0-or-later AND LGPL-2.1-or-later AND LicenseRef-libc6-SunPro AND ISC",
    "libmodbus5": "LGPL-2.1-or-later",
    "libpython3.13-stdlib": "PSF-2.0",
    "libssl3t64": "Apache-2.0",
    "linux-image-arm64": "GPL-2.0-only",
    "mosquitto": "EPL-2.0 OR BSD-3-Clause",
    "python3-cryptography": "Apache-2.0 OR BSD-3-Clause",
    "python3.13": "PSF-2.0",
    "raspi-firmware": "LicenseRef-raspi-firmware-Proprietary-1",
    "u-boot-rpi": "NOASSERTION",
    "zlib1g": "Zlib",
}
_EACH = ("busybox-static=1:1.37.0-6+b9", "zlib1g=1:1.3.dfsg+really1.3.1-1+b1")
# What devices do, and how fast.
QUICK = Pace(speed=40, poll_s=1)
SLOW = Pace(speed=0.8, poll_s=1)


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes:
        act: What is done before it is taken.
    """

    name: str
    path: str
    act: Callable[[Page], object] = lambda _page: None
    size: tuple[int, int] = (1280, 800)
    is_dark: bool = False


PICTURES = (
    Picture("console-overview", "/", size=(1280, 1010)),
    Picture("console-overview-dark", "/", size=(1280, 1010), is_dark=True),
    Picture(
        "console-filter",
        "/devices?filter=tag%3Aberlin",
        lambda page: page.get_by_role("combobox").first.fill("tag:berlin and vershun<1.5"),
        size=(1280, 560),
    ),
    Picture("console-devices", "/devices?sort=-seen", size=(1280, 720)),
    Picture("console-device", "/devices/oslo-03", size=(1280, 980)),
    Picture(
        "console-deploy",
        "/devices/berlin-20",
        lambda page: page.keyboard.press("d"),
        size=(1280, 720),
    ),
    Picture("console-logs", "/devices/berlin-20#logs", lambda page: _logs(page), size=(1280, 860)),
    Picture("console-release", "/releases/gateway/1.5.0", size=(1280, 760), is_dark=True),
    Picture("console-changes", "/releases/gateway/1.5.0#changes", size=(1280, 800)),
    Picture("console-phone", "/", size=chromium.PHONE),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    parser.add_argument("--only", choices=[one.name for one in PICTURES])
    arguments = parser.parse_args()
    pictures = [one for one in PICTURES if arguments.only in (None, one.name)]
    take_all(_site, pictures, arguments.into)


def take_all(
    story: Callable[[Path], AbstractContextManager[Console]], pictures: list[Picture], into: Path
) -> None:
    """Take pictures of a console that a story runs in a folder."""
    into.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-")))
        stack.enter_context(tiny_units())
        site = stack.enter_context(story(folder))
        ada = sessions.inside(site, "ada", Role.ADMIN)
        chrome = stack.enter_context(stack.enter_context(chromium.running()).used())
        for one in pictures:
            with chromium.window(chrome, site, ada, size=one.size, is_dark=one.is_dark) as window:
                take(window, one, into / f"{one.name}.png")


def take(window: Window, one: Picture, file: Path) -> None:
    """Take a picture when the page has come to rest."""
    window.go(one.path)
    window.page.wait_for_timeout(900)
    one.act(window.page)
    window.page.wait_for_timeout(900)
    window.page.screenshot(path=file)
    print(f"{file}: {file.stat().st_size // 1024} KiB")


def _logs(page: Page) -> None:
    """Ask for logs, and search in them."""
    for name in ("Ask it.", "Get logs"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("Search in these lines").fill("get")


@contextmanager
def _site(folder: Path) -> Iterator[Console]:
    """Run a console whose fleet is in the middle of an update."""
    pki = Pki.make(folder / "factory")
    create.init(folder / "keys", now=datetime.now(UTC), products=("gateway",))
    with ExitStack() as stack:
        site = stack.enter_context(console.running(folder / "console", pki, folder / "keys"))
        _release(site, Operator(folder / "operator", folder / "keys"))
        fleets = (("berlin", 26, QUICK), ("oslo", 14, SLOW), ("new", 3, SLOW))
        for prefix, count, pace in fleets:
            if prefix != "new":
                register(site, prefix, count)
            stack.enter_context(living(site, folder, prefix, count, pace))
        wait(site, "state=accepted and version=1.4.2", 40)
        _label(site)
        _deploy(site, "id~berlin-0* or id~berlin-1*")
        wait(site, "version=1.5.0", 12)
        _deploy(site, "id~oslo-0*")
        time.sleep(16)
        _make_up_the_past(site)
        yield site


def _release(site: Console, operator: Operator) -> None:
    with patch.multiple(system, LARGER=BLOCKS, KEPT=KEPT):
        first = System.make("1.4.2", 41, blocks=BLOCKS)  # type: ignore[arg-type]
        second = System.update("1.5.0", 42, first, "patch")
    old = named(first, "Faster start; kernel 6.12.41")
    new = named(second, "Modbus over TLS, and security updates")
    for one in (old, new):
        operator.release(one, sbom_of(one.release.version))
    for version, base in (("1.4.2", None), ("1.5.0", None), ("1.5.0", "1.4.2")):
        bundle = operator.bundle(version, base, with_sbom=True)
        site.good("POST", "/releases", bundle)


def sbom_of(version: str) -> bytes:
    """Return what a release of these pictures is made of."""
    both = (_LIBRARY[version], _TLS[version])
    services = {
        "agent": (*both, *_PYTHON, *_EACH),
        "modbus": (*both, "libmodbus5=3.1.11-2"),
        "mosquitto": (*both, "mosquitto=2.0.21-1+b1", "libcjson1=1.7.18-3.1+deb13u1"),
        "network": _EACH,
        "time": (_LIBRARY[version], "chrony=4.6.1-3", "libedit2=3.1-20250104-1"),
    }
    if version == "1.4.2":
        services["telnet"] = (_LIBRARY[version], "inetutils-telnetd=2:2.6-3+deb13u2")
    else:
        services["modbus"] = (*services["modbus"], "stunnel4=3:5.74-3+b1")
    shared = (_KERNEL[version], "raspi-firmware=1.20250430+ds-4", "u-boot-rpi=2025.01-3+deb13u1")
    images = dict.fromkeys(services, version)
    return bill.sbom(services, shared, version=version, images=images, licences=_LICENCES)


def named(one: System, notes: str) -> System:
    return replace(one, release=replace(one.release, boards=BOARDS, notes=notes))


def register(site: Console, prefix: str, count: int) -> None:
    for number in range(1, count + 1):
        site.good("POST", "/devices", {"device": f"{prefix}-{number:02}"})


@contextmanager
def living(
    site: Console, folder: Path, prefix: str, count: int, pace: Pace, **words: Any
) -> Iterator[None]:
    """Let devices live in a thread, as `edge simulate` does; words are more of their settings."""
    shares = mix.read_mix(words.pop("mix", "ok=85,fails=12,slow=3"))
    settings = FleetSettings(
        count,
        site.site.authority,
        folder / "identities",
        http=site.url,
        prefix=prefix,
        seed=7,
        shares=shares,
        pace=pace,
        ramp_s=0.5,
        board="rpi4",
        product="gateway",
        version="1.4.2",
        **words,
    )
    factory = Factory.read(site.pki.factory.file, site.pki.factory.key_file)
    loop = asyncio.new_event_loop()
    fleet = Fleet(settings, factory, lambda: datetime.now(UTC))
    life = loop.create_task(fleet.run())

    def run() -> None:
        loop.run_until_complete(asyncio.wait([life]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(life.cancel)
        thread.join()
        loop.close()


def _names(site: Console, filter_: str) -> list[str]:
    found = site.good("GET", f"/devices?limit=500&filter={quote(filter_)}")["devices"]
    return [one["device"] for one in found]


def wait(site: Console, filter_: str, count: int) -> None:
    for _try in range(120):
        if len(_names(site, filter_)) >= count:
            return
        time.sleep(0.5)
    raise AssertionError(f"{filter_}: {len(_names(site, filter_))} devices, not {count}")


def _deploy(site: Console, filter_: str) -> None:
    for name in _names(site, filter_):
        site.good("POST", "/deployments", {"device": name, "version": "1.5.0"})


def _label(site: Console) -> None:
    for number, name in enumerate(_names(site, "state=accepted")):
        tags = [name.partition("-")[0], ("canary", "hall-3", "hall-4")[number % 3]]
        site.good("POST", f"/devices/{name}/tags", {"add": tags})
    about = {"site": "Hall 3", "customer": "Example Ltd", "rack": "B-12"}
    site.good("PATCH", "/devices/oslo-03/attributes", {"attributes": about})
    notes = "Antenna replaced in May. Ask Kari before a restart."
    site.good("PUT", "/devices/oslo-03/notes", {"notes": notes})
    site.good("PUT", "/groups/canary", {"filter": "tag:canary", "notes": "the first wave"})
    site.good("PUT", "/groups/behind", {"filter": "state=accepted and version<1.5"})


def _make_up_the_past(site: Console) -> None:
    """Write which versions ran in the week before."""
    now_s = site.running.office.now_s()

    def write(one: Connection) -> None:
        rows = []
        for hours in range(7 * 24, 0, -2):
            done = max(0.0, 1 - hours / 120)
            counts = {"1.3.9": round(22 * (1 - done) ** 2), "1.5.0": round(18 * done**2)}
            counts["1.4.2"] = 40 - sum(counts.values())
            at_s = now_s - hours * HOUR_S
            about = {"tenant": TENANT, "at_s": at_s, "product": "gateway"}
            rows += [about | {"version": v, "devices": n} for v, n in counts.items() if n]
        one.execute(insert(SAMPLES), rows)

    site.running.office.database.write_now(write)


if __name__ == "__main__":
    main()
