"""Whom MQTT lets in, who knows names only: nobody whose name another certificate may have."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import insert, update

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.desk import Caller, Via
from edge.console.devices import certificates, papers, registry
from edge.console.devices.certificates import Certificate
from edge.console.devices.papers import Number, number_of
from edge.console.devices.revocation import Lists
from edge.console.front_desk import FrontDesk
from edge.console.mqtt import admission
from edge.console.mqtt.desk import Admissions, MqttDesk
from edge.console.repository.vaults import Vaults
from edge.console.store.database import Database
from edge.console.store.enrolment_tables import RENEWALS
from edge.console.store.tables import DEVICES
from edge.console.terminal.switchboard import Switchboard
from tests.fakes.pki import Pki

NOW_S = int(datetime.now(UTC).timestamp())
ACTOR = Actor("us", "token:1", NOW_S)
DAYS_S = 86_400


@pytest.fixture
def fleet(database: Database, pki: Pki) -> Database:
    authority = certificates.authority(pki.factory.file.read_bytes(), "test")
    database.write_now(lambda one: tenants.add_authority(one, ACTOR, authority))
    return database


def certificate(pki: Pki, folder: Path, device: str, days: int = 30) -> Certificate:
    """Return another certificate of a name."""
    made = pki.factory.sign(device, folder, file="device", valid_days=days)
    return certificates.of_device(certificates.der_of(made))


def call(fleet: Database, shown: Certificate) -> None:
    fleet.write_now(lambda one: registry.knock(one, shown, NOW_S))


def number(pki: Pki, shown: Certificate) -> Number:
    authority = x509.load_pem_x509_certificate(pki.factory.file.read_bytes())
    return number_of(shown.parsed.serial_number, authority)


def stands(
    fleet: Database, device: str = "d-1", lists: Lists | None = None, after_s: int = 0
) -> tuple[str, bool]:
    """Return why MQTT refuses a device, and whether the broker has to deny it."""
    given, now_s = lists or Lists(), NOW_S + after_s
    found = fleet.read_now(lambda one: admission.standings(one, "us", [device], given, now_s))
    denied = fleet.read_now(lambda one: admission.denied(one, "us", given, now_s))
    assert (device in denied) == found[device].is_denied
    return found[device].refusal, found[device].is_denied


def test_a_device_that_http_has_seen_is_served(fleet: Database, pki: Pki, tmp_path: Path) -> None:
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1"))
    before = stands(fleet)

    call(fleet, certificate(pki, tmp_path, "d-1"))

    assert ("seen yet" in before[0], before[1]) == (True, False)
    assert stands(fleet) == ("", False)


def test_one_known_by_its_certificate_is_served_once_that_was_seen(
    fleet: Database, pki: Pki, tmp_path: Path
) -> None:
    own = certificate(pki, tmp_path, "d-1")
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1", own.fingerprint))
    before = stands(fleet)

    fleet.write_now(lambda one: registry.note(one, own, NOW_S))

    assert "seen yet" in before[0]
    assert stands(fleet) == ("", False)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        pytest.param(registry.revoke, "it is revoked", id="revoked"),
        pytest.param(registry.decommission, "it is decommissioned", id="decommissioned"),
    ],
)
def test_who_is_out_is_denied(
    fleet: Database, pki: Pki, tmp_path: Path, act: Callable[..., None], reason: str
) -> None:
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1"))
    call(fleet, certificate(pki, tmp_path, "d-1"))

    fleet.write_now(lambda one: act(one, ACTOR, "d-1"))

    assert stands(fleet) == (reason, True)


def _renewed(fleet: Database, pki: Pki, tmp_path: Path, *, is_seen: bool) -> None:
    """Let a device renew its certificate."""
    old, new = (certificate(pki, tmp_path / name, "d-1") for name in ("old", "new"))
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1"))
    call(fleet, old)
    authority = x509.load_pem_x509_certificate(pki.factory.file.read_bytes())
    fleet.write_now(lambda one: papers.note(one, "us", new, authority, NOW_S))
    row: dict[str, object] = {"tenant": "us", "device": "d-1"}
    row |= {"fingerprint": new.fingerprint.hex(), "key_digest": "", "certificate": b""}
    fleet.write_now(lambda one: one.execute(insert(RENEWALS).values(row)))
    if is_seen:
        call(fleet, new)


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_device_that_renews_is_served_though_no_list_names_the_certificate_of_before(
    fleet: Database, pki: Pki, tmp_path: Path, *, is_seen: bool
) -> None:
    _renewed(fleet, pki, tmp_path, is_seen=is_seen)

    assert stands(fleet) == ("", False)


@pytest.mark.parametrize("is_seen", [True, False])
def test_no_certificate_of_a_chain_of_renewals_is_served_after_it_was_enrolled_anew(
    fleet: Database, pki: Pki, tmp_path: Path, *, is_seen: bool
) -> None:
    _renewed(fleet, pki, tmp_path, is_seen=is_seen)

    fleet.write_now(lambda one: registry.re_enrol(one, ACTOR, "d-1"))
    call(fleet, certificate(pki, tmp_path / "third", "d-1"))

    assert stands(fleet)[1]


def _re_enrolled(fleet: Database, pki: Pki, tmp_path: Path, days: int = 30) -> Certificate:
    """Return the retired certificate of a device that has another one."""
    old = certificate(pki, tmp_path / "old", "d-1", days)
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1"))
    call(fleet, old)
    fleet.write_now(lambda one: registry.re_enrol(one, ACTOR, "d-1"))
    assert stands(fleet)[1]
    call(fleet, certificate(pki, tmp_path / "new", "d-1"))
    return old


def test_a_retired_certificate_keeps_its_name_out_until_it_has_expired(
    fleet: Database, pki: Pki, tmp_path: Path
) -> None:
    _re_enrolled(fleet, pki, tmp_path, days=3)

    refusals = [stands(fleet, after_s=days * DAYS_S)[0] for days in (0, 2, 4)]

    assert ["of the same name" in one for one in refusals] == [True, True, False]


def test_or_until_it_is_on_a_list_that_the_broker_has(
    fleet: Database, pki: Pki, tmp_path: Path
) -> None:
    named = frozenset({number(pki, _re_enrolled(fleet, pki, tmp_path))})
    other = frozenset({Number("00" * 32, next(iter(named)).serial)})

    assert stands(fleet, lists=Lists(named))[1]
    assert stands(fleet, lists=Lists(other, other))[1]
    assert stands(fleet, lists=Lists(named, named)) == ("", False)


def test_a_certificate_that_was_never_seen_can_be_on_no_list(fleet: Database) -> None:
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1", b"\1" * 32))
    fleet.write_now(lambda one: registry.re_enrol(one, ACTOR, "d-1"))

    refusal, is_denied = stands(fleet, after_s=9999 * DAYS_S)

    assert ("never seen here" in refusal, is_denied) == (True, True)


def test_a_second_certificate_of_the_name_that_has_called_keeps_it_out(
    fleet: Database, pki: Pki, tmp_path: Path
) -> None:
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1"))
    call(fleet, certificate(pki, tmp_path / "one", "d-1"))
    assert stands(fleet) == ("", False)

    call(fleet, certificate(pki, tmp_path / "two", "d-1"))

    assert stands(fleet)[1]


def test_a_name_that_was_rejected_stays_out_for_its_certificate_only(
    fleet: Database, pki: Pki, tmp_path: Path
) -> None:
    first = certificate(pki, tmp_path / "one", "d-1")
    call(fleet, first)
    fleet.write_now(lambda one: registry.reject(one, ACTOR, "d-1"))
    assert stands(fleet) == ("no such device", True)

    call(fleet, certificate(pki, tmp_path / "two", "d-1"))
    fleet.write_now(lambda one: registry.accept(one, ACTOR, "d-1"))

    named = frozenset({number(pki, first)})
    assert stands(fleet)[1]
    assert stands(fleet, lists=Lists(named, named)) == ("", False)


def test_a_device_whose_own_certificate_is_on_a_list_is_denied(
    fleet: Database, pki: Pki, tmp_path: Path
) -> None:
    own = certificate(pki, tmp_path, "d-1")
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1"))
    call(fleet, own)

    # Also on one that has ended.
    refusal, is_denied = stands(fleet, lists=Lists(frozenset({number(pki, own)})))

    assert ("on the list" in refusal, is_denied) == (True, True)


def test_the_desk_serves_the_names_of_its_tenant_that_are_let_in(
    fleet: Database, pki: Pki, tmp_path: Path
) -> None:
    front = FrontDesk(fleet, Vaults(tmp_path, lambda: datetime.now(UTC)), now_s=lambda: NOW_S)
    admissions = Admissions(fleet, lambda: NOW_S)
    terminals = Switchboard(fleet, front.notices, lambda: NOW_S)
    desk = MqttDesk(front, admissions, fleet, terminals)
    fleet.write_now(lambda one: registry.register(one, ACTOR, "d-1"))
    call(fleet, certificate(pki, tmp_path, "d-1"))
    fleet.write_now(lambda one: one.execute(update(DEVICES).values(desired=b"order")).rowcount)

    def served() -> tuple[Caller | None, int]:
        return asyncio.run(desk.vouched("d-1", Via.MQTT)), len(asyncio.run(desk.ordered()))

    without = served()
    admissions.tenant = "them"
    theirs = served()
    admissions.tenant = "us"

    assert without == theirs == (None, 0)
    assert served() == (Caller("us", "d-1", Via.MQTT), 1)
    fleet.write_now(lambda one: registry.revoke(one, ACTOR, "d-1"))
    front.shut_out("us", "d-1")
    assert served() == (None, 0)
