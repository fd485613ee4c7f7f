"""Which devices a campaign has, and in which waves."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, update

from edge.console.campaigns import enlisting
from edge.console.campaigns.members import Member, MemberState
from edge.console.campaigns.plan import Wave
from edge.console.devices import labels, registry
from edge.console.store.tables import DEVICES
from edge.errors import InputError, ThingNotFoundError
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, PLAN, TENANT, Ground


def test_devices_that_run_it_or_whom_it_is_not_for_stay_out(ground: Ground) -> None:
    ground.fleet(6)

    def vary(connection: Connection) -> None:
        for device, values in (
            ("d-000", {"version": "2"}),
            ("d-001", {"board": "other"}),
            ("d-002", {"product": "camera"}),
        ):
            connection.execute(update(DEVICES).where(DEVICES.c.device == device).values(values))
        registry.revoke(connection, ground.actor(), "d-003")

    ground.write(vary)

    assert set(ground.members(ground.start(ALL_AT_ONCE))) == {"d-004", "d-005"}


def test_a_device_is_refused_with_the_reason_if_it_can_not_take_the_release(
    ground: Ground,
) -> None:
    ground.fleet(2)
    ground.write(
        lambda c: (
            c.execute(update(DEVICES).where(DEVICES.c.device == "d-000").values(counter=7)).rowcount
        )
    )

    id_ = ground.start(ALL_AT_ONCE)

    assert ground.member(id_, "d-000").state is MemberState.REFUSED
    assert "its counter 1 is below 7" in ground.member(id_, "d-000").reason


def test_canaries_and_filters_go_first(ground: Ground) -> None:
    ground.fleet(10)
    ground.write(lambda c: labels.tag(c, ground.actor(), "d-007", add=["berlin"], remove=[]))
    waves = (
        Wave(devices=("d-004", "d-002")),
        Wave(filter="tag:berlin"),
        Wave(percent=50),
        Wave(percent=100),
    )

    members = ground.members(ground.start(replace(PLAN, waves=waves)))

    by_wave = [{name for name, one in members.items() if one.wave == wave} for wave in range(4)]
    assert by_wave[:2] == [{"d-004", "d-002"}, {"d-007"}]
    assert [len(one) for one in by_wave] == [2, 1, 4, 3]


@pytest.mark.parametrize(
    ("wave", "error", "message"),
    [
        (Wave(devices=("d-99",)), ThingNotFoundError, r"waves\[0\].devices: no device 'd-99'"),
        (Wave(devices=("d-001",)), InputError, "d-001 is not one that takes part"),
        (Wave(filter="tag="), InputError, "tag="),
    ],
)
def test_a_wave_that_can_not_be_is_refused_with_its_place(
    ground: Ground, wave: Wave, error: type[Exception], message: str
) -> None:
    ground.fleet(3)
    ground.write(lambda c: registry.revoke(c, ground.actor(), "d-001"))

    with pytest.raises(error, match=message):
        ground.start(replace(PLAN, waves=(wave, Wave(percent=100))))


def test_nobody_to_update_is_said(ground: Ground) -> None:
    ground.fleet(3, version="2")

    with pytest.raises(InputError, match="no device takes part"):
        ground.start(PLAN)


def test_turns_are_drawn(ground: Ground) -> None:
    ground.fleet(40)

    first = [sorted(ground.members(ground.start(PLAN)).values(), key=_rank)[0] for _ in range(3)]

    assert len({one.device for one in first}) > 1


def _rank(member: Member) -> int:
    return member.rank


def test_the_first_turns_of_a_wave_are_drawn_and_the_others_come_by_their_ids(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enlisting, "DRAWN", 5)
    devices = ground.fleet(40)
    plan = replace(PLAN, waves=(Wave(percent=50), Wave(percent=100)))

    found = ground.read(lambda c: enlisting.enlist(c, TENANT, plan, seed=3, now_s=ground.now_s))

    assert sorted(one for wave in found.waves for one in wave) == devices
    for wave in found.waves:
        assert list(wave[5:]) == sorted(wave[5:])
        assert list(wave[:5]) != sorted(wave)[:5]
