"""A campaign over 1,000,000 devices that is nearly through, and what its page and commands ask."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select, text, update

from edge.console.audit import Actor
from edge.console.campaigns import curve, standing, store
from edge.console.campaigns import plan as plans
from edge.console.campaigns.campaign import State
from edge.console.campaigns.conductor import Conductor
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import Plan, Wave
from edge.console.campaigns.tally import Tally
from edge.console.front_desk import FrontDesk
from edge.console.repository.vaults import Vaults
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, CAMPAIGNS
from edge.console.store.database import Database
from tests.fakes.console import TENANT
from tools.bench import campaign, million, overview

_S = MemberState
NAME: Final = "bench of pages"
WAVES: Final = "10,1%,10%,50%,100%"
REASONS: Final = ("no space", "power", "not healthy: web", "fell back")
WAITING: Final = 50_000
UNDER_WAY: Final = 500
ENTRIES: Final = 2_000_000
SAMPLES: Final = 100_000
# One device in so many, of those whose turn was.
ONE_IN: Final = {_S.FAILED: 50, _S.SILENT: 200, _S.REFUSED: 1000, _S.OVERTAKEN: 5000}
PAGE: Final = 100
LIST: Final = "devices"
SLOWEST: Final = 5


def asked(database: Database, folder: Path, times: int) -> dict[str, list[tuple[float, float]]]:
    """Return how long each question took, of the wall and of a processor, in milliseconds."""
    id_ = made(database, folder)
    took: dict[str, list[tuple[float, float]]] = {}
    for _time in range(times):
        for title, question in questions(id_).items():
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            database.read_now(question)
            used_s = time.thread_time() - began_cpu_s
            at = ((time.perf_counter() - began_s) * 1000, used_s * 1000)
            took.setdefault(title, []).append(at)
    return took


def questions(id_: str) -> dict[str, Callable[[Connection], object]]:
    """Return what the page and the commands ask."""

    def journal(connection: Connection, **words: Any) -> list[Any]:
        return list(store.entries(connection, TENANT, id_, most=PAGE, **words))

    found: dict[str, Callable[[Connection], object]] = {
        "list of campaigns": lambda one: store.all_of(one, TENANT, most=PAGE),
        "show": lambda one: store.get(one, TENANT, id_),
        "reasons": lambda one: standing.reasons(one, TENANT, id_, most=50),
        "journal, the newest": partial(journal, is_newest_first=True),
        "journal, the newest of the whole": partial(journal, is_newest_first=True, is_whole=True),
        "journal from the start": journal,
        "journal of the whole": partial(journal, is_whole=True),
        "journal from the middle": partial(journal, after=ENTRIES // 2),
        "samples": lambda one: curve.samples(one, TENANT, id_, most=500),
    }
    for after in ("", overview.name(500_000)):
        for state in (None, *_S):
            for wave in (None, 0, 1, 4):
                words: dict[str, Any] = {"state": state, "wave": wave, "after": after, "most": PAGE}
                title = f"{LIST} {state or 'all'}, wave {wave}, after {after or 'none'}"
                found[title] = partial(standing.page, tenant=TENANT, id_=id_, **words)
    for wave in (None, 0, 4):
        words = {"wave": wave, "after": "", "most": PAGE}
        found[f"trouble, wave {wave}"] = partial(
            standing.by_trouble, tenant=TENANT, id_=id_, **words
        )
    return found


def made(database: Database, folder: Path) -> str:
    """Return the campaign, made if it is not there."""
    same = select(CAMPAIGNS.c.campaign).where(CAMPAIGNS.c.name == NAME)
    known = database.read_now(lambda one: one.scalar(same))
    if known is not None:
        return str(known)
    vaults = Vaults(folder, campaign.utc_now)
    conductor = Conductor(
        database,
        vaults,
        FrontDesk(database, vaults),
        now_s=lambda: overview.NOW_S,
        word=lambda: os.urandom(4).hex(),
    )
    plan = Plan((campaign.LARGE,), waves=plans.waves(WAVES, Wave()))
    actor = Actor(TENANT, "bench", overview.NOW_S)
    id_ = asyncio.run(conductor.create(actor, NAME, plan)).id
    database.write_now(lambda one: go_through(one, id_))
    database.write_now(lambda one: write_journal(one, id_))
    return id_


def go_through(connection: Connection, id_: str) -> None:
    """Let nearly all devices have had their turn."""
    of = CAMPAIGN_DEVICES.c
    same = (of.tenant == TENANT, of.campaign == id_)
    total = connection.scalar(select(func.count()).where(*same)) or 0
    turn = update(CAMPAIGN_DEVICES).where(*same, of.rank < total - WAITING)
    connection.execute(turn.values(state=_S.SUCCEEDED, action="a-" + of.device, tries=1))
    for number, (state, each) in enumerate(ONE_IN.items()):
        some = turn.where(of.rank % each == number)
        connection.execute(some.values(state=state))
    for number, reason in enumerate(REASONS):
        told = turn.where(of.state != _S.SUCCEEDED, of.rank % len(REASONS) == number)
        connection.execute(told.values(reason=reason))
    begun = turn.where(of.rank >= total - WAITING - UNDER_WAY)
    connection.execute(begun.values(state=_S.UPDATING, reason=""))
    counted = select(of.wave, of.state, func.count()).where(*same).group_by(of.wave, of.state)
    counts: dict[int, dict[MemberState, int]] = {}
    for wave, state, count in connection.execute(counted).tuples():
        counts.setdefault(wave, {})[MemberState(state)] = count
    stored = store.get(connection, TENANT, id_)
    now = replace(
        stored.campaign,
        state=State.RUNNING,
        open_wave=len(counts) - 1,
        tallies=tuple(Tally(counts[wave]) for wave in sorted(counts)),
    )
    store.save(connection, replace(stored, campaign=now, entries=ENTRIES))
    # Nothing is to happen in it by itself.
    connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.campaign == id_).values(is_live=False))


def write_journal(connection: Connection, id_: str) -> None:
    """Store what happened: a few decisions at the start, then devices alone; and the course."""
    counts = json.dumps({"succeeded": 1, "waiting": 2, "updating": 3, "soaking": 4, "failed": 5})
    decided = '{"event": "started", "at_s": 1, "by": "bench"}'
    words = {"tenant": TENANT, "campaign": id_, "counts": counts, "decided": decided}
    happened = '{"event": "committed", "at_s": 1}'
    numbers = (
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
        " WHERE n < :most) "
    )
    journal = text(
        f"{numbers} INSERT INTO campaign_journal SELECT :tenant, :campaign, n, n,"
        " CASE WHEN n < 20 THEN '' ELSE printf('unit-%07d', n % 1000000) END,"
        " CASE WHEN n < 20 THEN 'campaign' ELSE 'member' END,"
        " CASE WHEN n < 20 THEN :decided ELSE :happened END FROM numbers"
    )
    connection.execute(journal, {**words, "happened": happened, "most": ENTRIES})
    course = text(
        f"{numbers} INSERT INTO campaign_samples SELECT :tenant, :campaign, n * 5, :counts"
        " FROM numbers"
    )
    connection.execute(course, {**words, "most": SAMPLES})


def tell(took: dict[str, list[tuple[float, float]]]) -> None:
    """Say how long each question took; of the many lists of devices, the slowest ones."""
    lists = {title: times for title, times in took.items() if title.startswith(LIST)}
    for title, times in took.items():
        if title not in lists:
            million.tell(title, times)
    print(f"{len(lists)} lists of devices, by state, wave and page; the slowest {SLOWEST}:")
    slowest = sorted(lists, key=lambda title: -max(used_ms for _wall, used_ms in lists[title]))
    for title in slowest[:SLOWEST]:
        million.tell(title, lists[title])
