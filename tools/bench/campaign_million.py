"""What people wait for who plan or watch a campaign over 1,000,000 devices, over SQLite.

    PYTHONPATH=.:device-agent:signing .venv/bin/python tools/bench/campaign_million.py preview
    PYTHONPATH=.:device-agent:signing .venv/bin/python tools/bench/campaign_million.py pages

`preview` asks what a campaign over all devices would do while some of them report. `pages` asks
what the page of such a campaign and `edge campaign show`, `devices` and `journal` ask, in turns,
when a tenth of its devices is through.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from edge.console.app import SWITCH_S
from edge.console.campaigns import plan as plans
from edge.console.campaigns.conductor import Conductor
from edge.console.campaigns.plan import Plan, Wave
from edge.console.campaigns.ways import Ways
from edge.console.front_desk import FrontDesk
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from tests.fakes.console import TENANT
from tools.bench import campaign, campaign_pages, million, overview, proc

FULL_BYTES, PATCH_BYTES = 40 << 20, 3 << 20
# From every second version a patch leads to the release.
WAYS = Ways(FULL_BYTES, dict.fromkeys(overview.VERSIONS[::2], PATCH_BYTES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["preview", "pages"])
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="With a database of tools/bench/million.py.")
    chosen = parser.parse_args()
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = chosen.folder or Path(name)
        database = million.filled(folder / f"console-{chosen.devices}.db", chosen.devices)
        database.write_now(campaign.know)
        if chosen.what == "preview":
            asyncio.run(previewed(database, folder, chosen.devices, chosen.times))
        else:
            campaign_pages.tell(campaign_pages.asked(database, folder, chosen.times))
        database.close()


async def previewed(database: Database, folder: Path, count: int, times: int) -> None:
    """Ask what a campaign would do, and again with other waves, while devices report."""
    vaults = Vaults(folder, campaign.utc_now)
    desk = FrontDesk(database, vaults)
    alone = await campaign.reports(desk, count, asyncio.create_task(asyncio.sleep(5)))
    print(f"reports while nothing else is done: {campaign.said(alone)}", flush=True)
    for _time in range(times):
        conductor = Conductor(
            database, vaults, desk, now_s=lambda: overview.NOW_S, word=lambda: os.urandom(4).hex()
        )
        conductor._ways = {(TENANT, campaign.LARGE): WAYS}
        await asked(conductor, desk, count, "1%,10%,50%,100%")
        await asked(conductor, desk, count, "5%,100%")


async def asked(conductor: Conductor, desk: FrontDesk, count: int, waves: str) -> None:
    """Ask once, and say what it took."""
    plan = Plan((campaign.LARGE,), waves=plans.waves(waves, Wave()))
    before = proc.memory_bytes(os.getpid())
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    asking = asyncio.create_task(conductor.preview(TENANT, plan, seed=7))
    meanwhile = await campaign.reports(desk, count, asking)
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    found = await asking
    print(
        f"preview, waves {waves}: {found.devices:,} of {count:,} devices,"
        f" {found.patched:,} by patch: {took_s:.1f} s, {cpu_s:.1f} s of CPU with the reports;"
        f" memory {before >> 20} MiB before, {proc.peak_bytes(os.getpid()) >> 20} at most"
    )
    print(f"reports meanwhile: {campaign.said(meanwhile)}", flush=True)


if __name__ == "__main__":
    main()
