"""A console whose online keys are away for a while: its campaigns wait, nothing is half done."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.console.campaigns import verifying
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.plan import Pace
from edge.console.store.database import Database
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, TENANT, Ground


@pytest.fixture
def ring(tmp_path: Path, keys: Path) -> Path:
    return Path(shutil.copytree(keys, tmp_path / "ring"))


@pytest.fixture
def ground(database: Database, ring: Path, stock: Path, tmp_path: Path) -> Ground:
    shutil.copytree(stock, tmp_path / "tenants")
    return Ground(database, ring, tmp_path / "tenants")


@pytest.mark.parametrize("act", [None, Event.ABORTED, Event.REVERTED])
def test_a_campaign_stands_still_until_the_directors_key_is_back(
    ground: Ground, ring: Path, act: Event | None, caplog: pytest.LogCaptureFixture
) -> None:
    ground.fleet(4)
    id_ = ground.start(replace(ALL_AT_ONCE, pace=Pace(at_once=2)))
    one, other = ground.ordered()
    ground.update(one)
    ground.wait(40)
    ground.status(other, "installing")
    before = {name: len(ground.orders(name)) for name in ground.members(id_)}

    key = (ring / "director.pem").rename(ring / "away")
    if act is None:
        ground.fail(other)
    else:
        ground.decide(id_, act)
    ground.wait(400)

    assert {name: len(ground.orders(name)) for name in before} == before
    assert not {"refused", "stranded", "cancelled", "silent"} & set(ground.states(id_))
    assert caplog.text.count("stands still") == 1
    key.rename(ring / "director.pem")
    ground.look()
    ground.play(id_, until=lambda: not ground.campaign(id_).campaign.is_live)
    ground.look()

    wanted = {
        None: {"failed": 1, "succeeded": 3},
        Event.ABORTED: {"cancelled": 2, "succeeded": 1, "waiting": 1},
        Event.REVERTED: {"cancelled": 2, "reverted": 1, "waiting": 1},
    }
    assert ground.states(id_) == wanted[act]
    assert ground.read(lambda c: verifying.verify(c, TENANT, id_)).differences == ()
