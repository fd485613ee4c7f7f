"""Sets before they are campaigns: what can not be one, and what they would do."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from edge.console.campaigns.members import MemberState
from edge.console.campaigns.plan import Pace
from edge.console.campaigns.standing import BY_TROUBLE
from edge.console.store.tables import RELEASES
from edge.errors import InputError
from edge_signing.messages import Policy
from tests.edge.console.campaigns.set_ground import PLAN, SET, SetGround, Unit, looked_ahead


@pytest.mark.parametrize(
    ("paths", "where", "change", "place"),
    [
        pytest.param(
            SET[1:2], "web+1", {}, r"releases\[1\]: gateway web\+1 is for the same", id="twice"
        ),
        pytest.param(
            SET[:2],
            "2",
            {"counter": 5},
            r"releases\[1\]: gateway web\+2 has the counter 1, and gateway 2 has 5",
            id="counter below that of the system",
        ),
        pytest.param(
            SET[:2],
            "web+2",
            {"from_counter": 5, "counter": 5},
            r"releases\[1\]: gateway web\+2 is for systems from counter 5 on, and gateway 2 has 1",
            id="for later systems",
        ),
        pytest.param(
            SET[:2], "web+2", {"boards": "other"}, "is not for the system of this set", id="board"
        ),
        pytest.param(
            SET[:2], "2", {"kind": "foreign"}, "can not be taken by devices that speak", id="DDI"
        ),
    ],
)
def test_a_set_that_no_device_could_run_is_refused_with_its_place(
    sets: SetGround, paths: tuple[str, ...], where: str, change: dict[str, object], place: str
) -> None:
    sets.services_fleet(1)
    changed = update(RELEASES).where(RELEASES.c.version == where).values(notes="", **change)
    sets.write(lambda c: c.execute(changed).rowcount)
    plan = replace(PLAN, releases=tuple(dict.fromkeys((*paths, f"gateway/{where}/release.json"))))

    with pytest.raises(InputError, match=place):
        sets.start(plan)


def test_what_is_only_downloaded_is_one_release(sets: SetGround) -> None:
    sets.services_fleet(1)

    with pytest.raises(InputError, match="download_only: several releases"):
        sets.start(replace(PLAN, policy=Policy(download_only=True)))


def test_the_preview_counts_all_steps(sets: SetGround) -> None:
    sets.services_fleet(4, d_003=Unit("2"))

    found = looked_ahead(sets, PLAN)

    assert (found.devices, found.several, found.reverting) == (4, 4, 3)
    # 300 s an order, 3 or 2 for a device, 2 devices at once, and the soak.
    assert found.waves[0].duration_s == 300 * 6 + 10
    wide = looked_ahead(sets, replace(PLAN, pace=Pace(at_once=50)))
    assert wide.waves[0].duration_s == 300 * 3 + 10, "one takes its three one after the other"


def test_devices_are_listed_however_they_stand() -> None:
    assert sorted(BY_TROUBLE) == sorted(MemberState)
