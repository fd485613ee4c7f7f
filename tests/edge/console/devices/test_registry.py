"""How devices come in and are put out."""

from collections.abc import Callable
from functools import partial

import pytest
from cryptography import x509

from edge.console import tenants
from edge.console.audit import Actor
from edge.console.devices import certificates, labels, registry
from edge.console.devices.certificates import Certificate
from edge.console.devices.states import State
from edge.console.store.database import Database
from edge.errors import InputError, RefusedError, ThingNotFoundError
from tests.fakes.pki import Pki

US, THEM = Actor("us", "token:1", 100), Actor("them", "token:2", 100)


@pytest.fixture
def fleet(database: Database, pki: Pki, stranger: Pki) -> Database:
    """Two tenants, each with an authority."""
    for actor, one in ((US, pki), (THEM, stranger)):
        authority = certificates.authority(one.factory.file.read_bytes(), "test")
        database.write_now(partial(tenants.ensure, actor=actor, keys_folder="k"))
        database.write_now(partial(tenants.add_authority, actor=actor, certificate=authority))
    return database


def certificate(pki: Pki, device: str) -> Certificate:
    pem = (pki.device(device) / "device.crt").read_bytes()
    return certificates.of_device(certificates.der_of(x509.load_pem_x509_certificate(pem)))


def knock(fleet: Database, pki: Pki, device: str) -> State | None:
    return fleet.write_now(lambda c: registry.knock(c, certificate(pki, device), 200))


def state(fleet: Database, device: str, tenant: str = "us") -> str:
    return str(fleet.read_now(lambda c: registry.get(c, tenant, device)).state)


def do(fleet: Database, act: str, device: str, actor: Actor = US) -> None:
    step: Callable[..., object] = getattr(registry, act)
    fleet.write_now(lambda c: step(c, actor, device))


def test_a_device_of_the_factory_that_nobody_named_waits(fleet: Database, pki: Pki) -> None:
    assert [knock(fleet, pki, "d-1"), knock(fleet, pki, "d-1")] == [State.PENDING, State.PENDING]
    do(fleet, "accept", "d-1")
    assert knock(fleet, pki, "d-1") is State.ACCEPTED


def test_a_device_belongs_to_the_tenant_of_its_authority(
    fleet: Database, pki: Pki, stranger: Pki
) -> None:
    knock(fleet, pki, "d-1")
    knock(fleet, stranger, "d-2")

    assert (state(fleet, "d-1", "us"), state(fleet, "d-2", "them")) == ("pending", "pending")
    with pytest.raises(ThingNotFoundError):
        state(fleet, "d-2", "us")


def test_the_authority_of_another_tenant_can_not_take_a_name(
    fleet: Database, pki: Pki, stranger: Pki
) -> None:
    fleet.write_now(lambda c: registry.register(c, US, "d-1"))

    assert knock(fleet, stranger, "d-1") is None
    assert knock(fleet, pki, "d-1") is State.ACCEPTED


def test_an_authority_of_nobody_is_a_stranger(fleet: Database, tmp_path_factory: object) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    nobody = Pki.make(tmp_path_factory.mktemp("nobody"))

    assert knock(fleet, nobody, "d-1") is None


def test_a_device_registered_by_its_id_is_bound_to_the_first_certificate(
    fleet: Database, pki: Pki, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fleet.write_now(lambda c: registry.register(c, US, "d-3"))
    copy = Pki(tmp_path_factory.mktemp("copy"))
    for name in ("factory-ca.crt", "factory-ca.key"):
        (copy.folder / name).write_bytes((pki.folder / name).read_bytes())
    copy.factory.sign("d-3", copy.folder / "devices" / "d-3", file="device")

    assert knock(fleet, pki, "d-3") is State.ACCEPTED
    assert knock(fleet, copy, "d-3") is None
    assert knock(fleet, pki, "d-3") is State.ACCEPTED


def test_a_device_known_by_its_certificate_is_let_in_with_no_other(
    fleet: Database, pki: Pki
) -> None:
    fleet.write_now(lambda c: registry.register(c, US, "d-4", b"\1" * 32))

    assert knock(fleet, pki, "d-4") is None


def test_the_certificate_of_a_rejected_device_never_asks_again(fleet: Database, pki: Pki) -> None:
    knock(fleet, pki, "d-5")
    fleet.write_now(lambda c: labels.tag(c, US, "d-5", add=["odd"]))

    do(fleet, "reject", "d-5")

    assert knock(fleet, pki, "d-5") is None
    with pytest.raises(ThingNotFoundError):
        state(fleet, "d-5")


def test_after_a_new_enrolment_only_the_new_certificate_counts(fleet: Database, pki: Pki) -> None:
    knock(fleet, pki, "d-6")
    do(fleet, "accept", "d-6")

    epoch = fleet.write_now(lambda c: registry.re_enrol(c, US, "d-6", b"\2" * 32))

    assert epoch == 2
    assert knock(fleet, pki, "d-6") is None
    with pytest.raises(RefusedError, match="it is or was"):
        fleet.write_now(
            lambda c: registry.register(c, US, "d-60", certificate(pki, "d-6").fingerprint)
        )


def test_a_decommissioned_device_comes_back_only_by_a_new_enrolment(
    fleet: Database, pki: Pki
) -> None:
    knock(fleet, pki, "d-7")
    do(fleet, "accept", "d-7")
    do(fleet, "decommission", "d-7")

    with pytest.raises(RefusedError):
        do(fleet, "accept", "d-7")
    assert knock(fleet, pki, "d-7") is None
    fleet.write_now(lambda c: registry.re_enrol(c, US, "d-7"))
    assert state(fleet, "d-7") == "accepted"
    assert knock(fleet, pki, "d-7") is None


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        pytest.param("pending", "accept", "accepted"),
        pytest.param("pending", "revoke", "revoked"),
        pytest.param("pending", "decommission", "decommissioned"),
        pytest.param("accepted", "accept", None),
        pytest.param("accepted", "reject", None),
        pytest.param("accepted", "revoke", "revoked"),
        pytest.param("revoked", "accept", "accepted"),
        pytest.param("revoked", "revoke", None),
        pytest.param("revoked", "decommission", "decommissioned"),
        pytest.param("decommissioned", "revoke", None),
        pytest.param("decommissioned", "decommission", None),
        pytest.param("pending", "re_enrol", None),
        pytest.param("revoked", "re_enrol", "accepted"),
    ],
)
def test_acts_fit_the_state(
    fleet: Database, pki: Pki, before: str, act: str, after: str | None
) -> None:
    knock(fleet, pki, "d-8")
    way = {"pending": [], "accepted": ["accept"], "revoked": ["revoke"]}
    for one in way.get(before, ["decommission"]):
        do(fleet, one, "d-8")

    if after is None:
        with pytest.raises(RefusedError):
            do(fleet, act, "d-8")
        assert state(fleet, "d-8") == before
    else:
        do(fleet, act, "d-8")
        assert state(fleet, "d-8") == after


@pytest.mark.parametrize("name", ["a+b", "a#b", "a/b", "", "ä", "a b", "x" * 65, "..", "a\n"])
def test_ids_that_a_topic_or_a_path_could_misread_are_impossible(
    fleet: Database, name: str
) -> None:
    with pytest.raises(InputError):
        fleet.write_now(lambda c: registry.register(c, US, name))


def test_no_tenant_reaches_the_device_of_another(fleet: Database) -> None:
    fleet.write_now(lambda c: registry.register(c, US, "d-9"))

    for act in ("accept", "reject", "revoke", "decommission", "re_enrol"):
        with pytest.raises(ThingNotFoundError):
            do(fleet, act, "d-9", THEM)
    with pytest.raises(RefusedError, match="taken"):
        fleet.write_now(lambda c: registry.register(c, THEM, "d-9"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Big", "x", id="capital"),
        pytest.param("a" * 65, "x", id="long name"),
        pytest.param("a", "x" * 1001, id="long value"),
        pytest.param("a", "x\0", id="zero byte"),
    ],
)
def test_an_attribute_that_can_not_be_is_refused(fleet: Database, name: str, value: str) -> None:
    fleet.write_now(lambda c: registry.register(c, US, "d-1"))

    with pytest.raises(InputError):
        fleet.write_now(lambda c: labels.set_attributes(c, US, "d-1", {name: value}))


def test_attributes_are_set_changed_and_taken_away(fleet: Database) -> None:
    fleet.write_now(lambda c: registry.register(c, US, "d-1"))
    changes: list[dict[str, str | None]] = [
        {"site": "a", "rack": "1"},
        {"site": "b"},
        {"rack": None},
    ]

    found = [
        fleet.write_now(partial(labels.set_attributes, actor=US, device="d-1", values=one))
        for one in changes
    ]

    assert found[-1] == {"site": "b"}


def test_a_tag_is_taken_from_one_device_alone(fleet: Database) -> None:
    for name in ("d-1", "d-2"):
        fleet.write_now(partial(registry.register, actor=US, device=name))
        fleet.write_now(partial(labels.tag, actor=US, device=name, add=["berlin", "old"]))

    fleet.write_now(lambda c: labels.tag(c, US, "d-1", remove=["berlin"]))

    found = [fleet.read_now(partial(labels.tags, tenant="us", device=n)) for n in ("d-1", "d-2")]
    assert found == [["old"], ["berlin", "old"]]
