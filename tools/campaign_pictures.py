"""Take the pictures of campaigns on the console's page, of a fleet that is not there.

    PYTHONPATH=.:device-agent:signing .venv/bin/python -m tools.campaign_pictures
        [--into docs/images] [--only NAME]

Devices take a first release in a small campaign, a bad one goes back by itself, and a third one is
on its way.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from playwright.sync_api import Page

from edge.console.simulate.device import Pace
from edge.keys import create
from tests.agent.power import system
from tests.agent.power.system import System
from tests.fakes import chromium, console
from tests.fakes.console import Console
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki
from tools.screenshots import BLOCKS, KEPT, Picture, living, named, register, take_all, wait

NOTES = {
    "1.4.2": "Faster start; kernel 6.12.41",
    "1.5.0": "Modbus over TLS, and security updates",
    "1.5.1": "Mends the start of the modbus service",
}
FLEETS = (
    ("berlin", 60, "ok=97,fails=2,slow=1", "1.5.1"),
    ("oslo", 40, "ok=80,fails=17,silent=3", "1.5.0"),
)
QUICK = Pace(speed=7, poll_s=1)
CAREFUL: list[dict[str, Any]] = [{"percent": one} for one in (5, 25, 60, 100)]
GOES_BACK: dict[str, Any] = {
    "waves": [{"percent": 40, "limit": {"percent": 15}}, {"percent": 100}],
    "pace": {"at_once": 6},
    "on_trip": "revert",
}
TIMES = {"soak_s": 4, "silence_s": 20}


def _open_preview(page: Page) -> None:
    page.get_by_role("radio", name="1.5.1 gateway").check()
    _follow(page)
    page.get_by_role("combobox", name="Filter of devices").fill("tag:oslo")
    page.wait_for_timeout(500)
    for _step in range(4):
        _follow(page)
    page.locator(".waves-preview").wait_for()


def _open_waves(page: Page) -> None:
    page.get_by_role("radio", name="1.5.1 gateway").check()
    for _step in range(2):
        _follow(page)


def _follow(page: Page) -> None:
    page.get_by_role("button", name="Next", exact=True).click()


def _open(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    page.wait_for_timeout(1200)


def _compare(page: Page) -> None:
    for box in page.get_by_role("checkbox").all()[:3]:
        box.check()
    page.keyboard.press("c")
    page.wait_for_timeout(1200)


BERLIN, OSLO = "1.5.1 to Berlin", "1.5.0 to Oslo"
WIDE, TALL = (1280, 900), (1280, 1240)

PICTURES = (
    Picture("campaign-running", "/campaigns", lambda page: _open(page, BERLIN), TALL),
    Picture("campaign-running-dark", "/campaigns", lambda page: _open(page, BERLIN), WIDE, True),
    Picture("campaign-phone", "/campaigns", lambda page: _open(page, BERLIN), chromium.PHONE),
    Picture("campaigns", "/campaigns", size=(1280, 620)),
    Picture("campaign-went-back", "/campaigns", lambda page: _open(page, OSLO), TALL),
    Picture("campaign-waves", "/campaigns/new", _open_waves, (1280, 880)),
    Picture("campaign-preview", "/campaigns/new", _open_preview, (1280, 1080)),
    Picture("campaign-compare", "/campaigns", _compare, (1280, 1000)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    parser.add_argument("--only", choices=[one.name for one in PICTURES])
    arguments = parser.parse_args()
    pictures = [one for one in PICTURES if arguments.only in (None, one.name)]
    take_all(story, pictures, arguments.into)


@contextmanager
def story(folder: Path) -> Iterator[Console]:
    """Run a console with a campaign that is over, one that went back, and one under way."""
    pki = Pki.make(folder / "factory")
    create.init(folder / "keys", now=datetime.now(UTC), products=("gateway",))
    with ExitStack() as stack:
        site = stack.enter_context(console.running(folder / "console", pki, folder / "keys"))
        _release(site, Operator(folder / "operator", folder / "keys"))
        for prefix, count, mix, bad in FLEETS:
            register(site, prefix, count)
            words = {"mix": mix, "bad_version": bad}
            stack.enter_context(living(site, folder, prefix, count, QUICK, **words))
        wait(site, "state=accepted and version=1.4.2", 100)
        _label(site)
        lab = begin(site, "1.5.0 to the lab", version="1.5.0", target="tag:lab")
        oslo = begin(site, OSLO, version="1.5.0", target="tag:oslo", **GOES_BACK)
        _until_over(site, lab, oslo)
        begin(site, BERLIN, version="1.5.1", target="tag:berlin", pace={"at_once": 8})
        time.sleep(24)
        yield site


def begin(site: Console, name: str, **words: object) -> str:
    """Make a campaign, and start it."""
    plan = {"name": name, "waves": CAREFUL, "times": TIMES, **words}
    id_: str = site.good("POST", "/campaigns", plan)["campaign"]
    site.good("POST", f"/campaigns/{id_}/start", {})
    return id_


def _until_over(site: Console, *campaigns: str) -> None:
    for _try in range(240):
        if not any(site.good("GET", f"/campaigns/{one}")["is_live"] for one in campaigns):
            return
        time.sleep(0.5)
    raise AssertionError(f"not over: {campaigns}")


def _release(site: Console, operator: Operator) -> None:
    with patch.multiple(system, LARGER=BLOCKS, KEPT=KEPT):
        made = [System.make("1.4.2", 42, blocks=BLOCKS)]  # type: ignore[arg-type]
        made += [System.update(version, 42, made[0], "patch") for version in ("1.5.0", "1.5.1")]
    for one in made:
        version = one.release.version
        operator.release(named(one, NOTES[version]))
        site.good("POST", "/releases", operator.bundle(version))
        if version != "1.4.2":
            site.good("POST", "/releases", operator.bundle(version, "1.4.2"))


def _label(site: Console) -> None:
    found = site.good("GET", f"/devices?limit=500&filter={quote('state=accepted')}")["devices"]
    for number, one in enumerate(found):
        place = one["device"].partition("-")[0]
        tags = [place, *(["lab"] if place == "berlin" and number % 6 == 0 else [])]
        site.good("POST", f"/devices/{one['device']}/tags", {"add": tags})
    site.good("PUT", "/groups/lab", {"filter": "tag:lab", "notes": "in our own rooms"})
    site.good("PUT", "/groups/behind", {"filter": "state=accepted and version<1.5"})


if __name__ == "__main__":
    main()
