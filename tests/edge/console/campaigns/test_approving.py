"""Campaigns that people approve: what they sign goes to devices, which believe no console."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from edge.console import audit
from edge.console.campaigns import approving
from edge.console.campaigns import plan as plans
from edge.console.campaigns.approving import Signed
from edge.console.campaigns.campaign import Event
from edge.console.campaigns.store import Stored
from edge.console.devices import registry
from edge.errors import InputError, RefusedError, UntrustedError
from edge.keys.approval import sign_approval
from edge_signing.approval import Approver, Approvers, Statement
from edge_signing.errors import TrustError
from edge_signing.messages import Desired, Policy
from edge_signing.trust import approvals
from tests.edge.console.campaigns.ground import ALL_AT_ONCE, TENANT, Ground
from tests.edge.console.campaigns.set_ground import SET, SetGround
from tests.fakes.approving import approvers, person
from tests.fakes.console import Console

PLAN = replace(ALL_AT_ONCE, approvals=2)
Run = Callable[..., tuple[int, str, str]]
WANTED = approvers(2, "anna", "pete", "olga")


def waiting(ground: Ground) -> Stored:
    """Return a campaign that was started and waits for two people."""
    ground.fleet(2)
    made = asyncio.run(ground.conductor.create(ground.actor(), "to 2", PLAN))
    return ground.decide(made.id, Event.STARTED)


def signed(stored: Stored, name: str, statement: Statement | None = None) -> Signed:
    made = sign_approval(statement or approving.read(stored.statement), person(name))
    [approver] = approvers(1, name).keys
    return Signed(approver, made.sig)


def approve(ground: Ground, stored: Stored, name: str, what: Signed | None) -> Stored:
    actor = ground.actor(f"person:{name}")
    return asyncio.run(ground.conductor.approve(actor, stored.id, reason="seen", signed=what))


def ordered(ground: Ground, now_s: int | None = None) -> Statement:
    """Return what a device that wants two of three people makes of its order."""
    row = ground.read(lambda c: registry.get(c, TENANT, "d-000"))
    desired = Desired.unpack(bytes(row.desired))
    assert desired.release is not None
    path = desired.release
    release = next(one for one in ground.vaults.of(TENANT).releases() if one.path == path)
    target = ground.vaults.of(TENANT).targets(release)[path]
    now = ground.now_s if now_s is None else now_s
    return approvals.require(desired.approval, WANTED, target, now_s=now)


def test_devices_get_what_enough_people_signed(ground: Ground) -> None:
    stored = waiting(ground)
    assert stored.campaign.state == "waiting-for-approval"
    approve(ground, stored, "anna", signed(stored, "anna"))
    ground.look()
    assert ground.ordered() == {}

    approve(ground, stored, "pete", signed(stored, "pete"))
    ground.look()

    found = ordered(ground)
    assert found.campaign == stored.id
    assert found.plan == hashlib.sha256(plans.pack(PLAN)).hexdigest()
    assert set(found.releases) >= {"gateway/1/release.json", "gateway/2/release.json"}
    with pytest.raises(TrustError, match="its approval ended"):
        ordered(ground, found.not_after_s + 1)
    given = ground.read(lambda c: approving.all_of(c, TENANT, stored.id))
    assert [one.person for one in given] == ["person:anna", "person:pete"]
    entries = ground.read(lambda c: audit.entries(c, TENANT, most=500))
    approved = [one.details for one in entries if one.act == "campaign.approve"]
    assert [sorted(one) for one in approved] == [["keyid", "reason", "sig"]] * 2


def test_who_only_says_so_counts_for_the_console_and_not_for_devices(ground: Ground) -> None:
    stored = waiting(ground)
    approve(ground, stored, "anna", signed(stored, "anna"))
    approve(ground, stored, "joe", None)
    ground.look()

    with pytest.raises(TrustError, match="1 of 2 approvals that are wanted here"):
        ordered(ground)


def test_going_back_is_covered_too(ground: Ground) -> None:
    stored = waiting(ground)
    for name in ("anna", "pete"):
        approve(ground, stored, name, signed(stored, name))
    ground.look()
    ground.update("d-000")

    ground.decide(stored.id, Event.REVERTED)
    ground.look()

    assert "gateway/1/release.json" in ordered(ground).releases


def test_the_same_person_counts_once(ground: Ground) -> None:
    stored = waiting(ground)
    approve(ground, stored, "anna", signed(stored, "anna"))

    with pytest.raises(RefusedError, match="person:anna has approved it already"):
        approve(ground, stored, "anna", signed(stored, "pete"))


def test_a_signature_of_something_else_is_refused(ground: Ground) -> None:
    stored = waiting(ground)
    other = replace(approving.read(stored.statement), campaign="c-other")

    with pytest.raises(UntrustedError, match="the signature is not of its statement"):
        approve(ground, stored, "anna", signed(stored, "anna", other))
    wrong = Signed(Approver("ed25519", "no key"), b"x" * 64)
    with pytest.raises(InputError):
        approve(ground, stored, "anna", wrong)

    assert ground.campaign(stored.id).campaign.approved_by == ()


def test_a_key_signs_at_the_command_line(
    fleet: Console, edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key, public = _key_file(tmp_path)
    for number in range(3):
        fleet.good("POST", f"/devices/unit-{number}/tags", {"add": ["a"]})
    made = edge("campaign", "create", "--release", "2", "--approvals", 1, "--start", "--json")
    id_ = json.loads(made[1])["campaign"]

    status, said, err = edge("campaign", "approve", id_, "--key", f"file:{key}", "--yes")

    assert status == 0, err
    assert "gateway/2/release.json  sha256" in err
    assert "approved by token:" in said
    [given] = fleet.good("GET", f"/campaigns/{id_}/approval")["given"]
    assert given["keyid"] == approvals.key_of(Approvers(1, (public,)).keys[0]).keyid


def _key_file(folder: Path) -> tuple[Path, Approver]:
    private = ed25519.Ed25519PrivateKey.generate()
    path = folder / "anna.pem"
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    raw = private.public_key().public_bytes_raw().hex()
    return path, Approver("ed25519", raw)


def test_a_window_of_a_campaign_goes_to_its_devices(fleet: Console) -> None:
    words = {"version": "2", "name": "at night", "reboot": "window", "window": "02:00-04:00"}

    id_ = fleet.good("POST", "/campaigns", words)["campaign"]
    fleet.good("POST", f"/campaigns/{id_}/start", {})

    assert fleet.good("GET", f"/campaigns/{id_}")["plan"]["window"] == "02:00-04:00"
    link = fleet.link("unit-0")
    while (desired := link.desired()) is None:
        time.sleep(0.1)
    assert desired.policy == Policy(reboot="window", window=desired.policy.window)
    assert str(desired.policy.window) == "02:00-04:00"
    refused = fleet.ask("POST", "/api/v1/campaigns", {**words, "window": "2-4"})
    assert refused.status == 400


def test_a_set_is_approved_with_all_its_releases(sets: SetGround) -> None:
    ground = sets
    ground.services_fleet(1)
    plan = replace(PLAN, releases=SET)
    made = asyncio.run(ground.conductor.create(ground.actor(), "a set", plan))
    stored = ground.decide(made.id, Event.STARTED)
    for name in ("anna", "pete"):
        approve(ground, stored, name, signed(stored, name))

    for _release in SET:
        ground.look()
        assert set(SET) <= set(ordered(ground).releases)
        ground.update("d-000")

    assert ground.paths("d-000") == ["2", "mqtt+2", "web+2"]
