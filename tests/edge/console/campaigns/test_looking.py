"""How a campaign is told to who looks at it: lists of its devices, reasons, and its course."""

from dataclasses import replace
from itertools import pairwise, product

import pytest
from sqlalchemy import Connection, func, insert, select, text, update

from edge.console.campaigns import curve, standing
from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import Wave
from edge.console.campaigns.standing import Reason
from edge.console.store.campaign_tables import CAMPAIGN_DEVICES, CAMPAIGN_SAMPLES
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, PLAN, TENANT, Ground

_S = MemberState


def begun(ground: Ground, count: int = 12) -> str:
    """Return a campaign of which some devices stand so, and others so."""
    ground.fleet(count)
    id_ = ground.start(replace(PLAN, waves=(Wave(percent=50), Wave(percent=100))))
    stand = [(_S.FAILED, "power"), (_S.SILENT, ""), (_S.FAILED, "no space"), (_S.SUCCEEDED, "")]

    def vary(connection: Connection) -> None:
        for number in range(count):
            state, reason = stand[number % 4]
            same = CAMPAIGN_DEVICES.c.device == f"d-{number:03}"
            values = {"state": state, "reason": reason if number % 3 else ""}
            connection.execute(update(CAMPAIGN_DEVICES).where(same).values(values))

    ground.write(vary)
    return id_


def listed(ground: Ground, id_: str, state: MemberState | None, wave: int | None) -> list[str]:
    """Return devices of a campaign, page by page."""
    found: list[str] = []
    while True:
        after = found[-1] if found else ""
        page = ground.read(
            lambda c, after=after: standing.page(  # type: ignore[misc]
                c, TENANT, id_, state=state, wave=wave, after=after, most=3
            )
        )
        if not page:
            return found
        found += [row.member.device for row in page]


@pytest.mark.parametrize("sorted_most", [2, 10_000])
def test_a_list_has_the_same_devices_whether_they_are_few_or_many(
    ground: Ground, sorted_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "_SORTED_MOST", sorted_most)
    id_ = begun(ground)
    members = ground.members(id_)

    for state, wave in product((None, _S.FAILED, _S.SUCCEEDED, _S.HELD), (None, 0, 1)):
        meant = sorted(
            name
            for name, one in members.items()
            if state in (None, one.state) and wave in (None, one.wave)
        )
        assert listed(ground, id_, state, wave) == meant


def test_reasons_are_counted_and_who_has_none_is_not_forgotten(ground: Ground) -> None:
    id_ = begun(ground)

    found = ground.read(lambda c: standing.reasons(c, TENANT, id_, most=3))

    # 0, 4, 8 by power and 2, 6, 10 without space, of which 0 and 6 did not say why.
    assert found[0] == Reason(_S.SILENT, "", 3)
    assert found[1:] == [Reason(_S.FAILED, "", 2), Reason(_S.FAILED, "no space", 2)]


def test_of_a_long_course_some_samples_are_told_evenly_and_the_last_one(ground: Ground) -> None:
    ground.fleet(1)
    id_ = ground.start(ALL_AT_ONCE)
    same = {"tenant": TENANT, "campaign": id_, "counts": '{"failed": 1}'}
    rows = [{**same, "at_s": 10 * number} for number in range(1, 100)]
    ground.write(lambda c: c.execute(insert(CAMPAIGN_SAMPLES), rows).rowcount)
    last = ground.read(lambda c: c.scalar(select(func.max(CAMPAIGN_SAMPLES.c.at_s))))

    few = ground.read(lambda c: curve.samples(c, TENANT, id_, most=10))
    every = ground.read(lambda c: curve.samples(c, TENANT, id_, most=1000))

    assert len(few) == 10
    assert few[-1][0] == last
    assert {later[0] - one[0] for one, later in pairwise(few[:-1])} == {100}
    assert few[0][1] == {"failed": 1}
    assert len(every) >= 100


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_finds_a_state_by_its_index_in_a_table_without_row_numbers(ground: Ground) -> None:
    asked = text(
        "EXPLAIN QUERY PLAN SELECT * FROM campaign_devices WHERE tenant = 't' AND campaign = 'c'"
        " AND state = 'failed' AND wave = 0 ORDER BY wave, rank, device LIMIT 10"
    )

    plan = ground.read(lambda c: [row[3] for row in c.execute(asked)])

    assert len(plan) == 1
    assert "ix_campaign_devices_tenant_campaign_state_wave_rank" in plan[0]
