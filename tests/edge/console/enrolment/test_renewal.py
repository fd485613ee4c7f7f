"""Devices renew the certificate that the console made: the agent's own way, and cuts."""

import base64
import os
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from edge.console.enrolment import renewal as server_side
from edge_agent import device, enrol, est, identity, renew, service
from edge_agent.backoff import Backoff
from edge_agent.device import Waker
from edge_agent.identity import Identity
from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.links.http import HttpLink
from edge_agent.renew import Renewal, Term
from tests.agent.conftest import device_in
from tests.agent.links.conftest import eventually
from tests.edge.console.enrolment.renewing import (
    YEAR_S,
    acts,
    again,
    copy_of,
    is_let_in,
    name_of,
    sent,
)
from tests.edge.console.enrolment.renewing import data as data
from tests.edge.console.enrolment.renewing import site as site
from tests.edge.console.enrolment.test_enrolment import (
    _runner,
    key_of,
    link_of,
    server_of,
)
from tests.fakes import console
from tests.fakes.console import PACE, Console
from tests.fakes.pki import Pki


def test_a_device_renews_and_the_certificate_of_before_is_let_in_no_longer(
    site: Console, data: Path, tmp_path: Path
) -> None:
    old = copy_of(data, tmp_path / "old")
    kept = HttpLink(site.url, old, pace=PACE)
    assert kept.desired() is None

    again(site, data)

    assert is_let_in(site, identity.own(data))
    with pytest.raises(RefusedByServerError):
        kept.desired()  # on the connection of before
    kept.close()
    assert not is_let_in(site, old)
    assert (data / "identity/device.key").read_bytes() != old.key.read_bytes()
    assert (data / "identity/device.key").stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in data.iterdir()) == ["identity"]
    assert acts(site, data) == ["device.enrol", "device.renew", "device.renewed"]


def test_both_certificates_are_let_in_until_the_new_one_was_seen(
    site: Console, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renew, "_is_taken", lambda *_words: False)
    with pytest.raises(identity.IdentityError):
        again(site, data)
    new = Identity.read(data / "identity.next")

    assert is_let_in(site, identity.own(data))
    assert is_let_in(site, new)
    assert not is_let_in(site, identity.own(data))


def test_an_answer_that_was_lost_costs_nothing(
    site: Console, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = est.asked
    lost: list[bytes] = []

    def lose(*words: Any, **more: Any) -> est.Made:
        made = asked(*words, **more)
        if not lost:
            lost.append(made.certificate)
            raise LinkError("lost")
        return made

    monkeypatch.setattr(est, "asked", lose)
    with pytest.raises(LinkError):
        again(site, data)
    again(site, data)

    assert (data / "identity/device.crt").read_bytes() == lost[0]
    assert acts(site, data).count("device.renew") == 1


def test_a_call_that_was_answered_and_lost_is_made_again_with_the_new_certificate(
    site: Console, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desired = HttpLink.desired

    def lose(link: HttpLink) -> None:
        desired(link)
        raise LinkError("lost")

    with monkeypatch.context() as patch:
        patch.setattr(HttpLink, "desired", lose)
        with pytest.raises(LinkError):
            again(site, data)
    assert not is_let_in(site, identity.own(data))  # the server has seen the new one

    again(site, data)

    assert is_let_in(site, identity.own(data))


class _CutError(BaseException):
    pass


def _cut_at(patch: pytest.MonkeyPatch, place: int) -> list[int]:
    """Cut the power before the call number `place` of those that change the disk."""
    calls: list[int] = []

    def cutting(inner: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            calls.append(1)
            if len(calls) == place:
                raise _CutError
            return inner(*words, **more)

        return call

    for owner, name in (
        (os, "fsync"),
        (Path, "rename"),
        (Path, "replace"),
        (Path, "unlink"),
        (Path, "mkdir"),
        (Path, "rmdir"),
        (est, "asked"),
    ):
        patch.setattr(owner, name, cutting(getattr(owner, name)))
    return calls


def test_a_power_cut_at_any_point_leaves_an_identity_that_is_let_in(
    site: Console, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_side, "AGAIN_S", 0)
    place, is_done = 1, False
    while not is_done:
        before = (data / "identity/device.crt").read_bytes()
        with monkeypatch.context() as patch:
            _cut_at(patch, place)
            try:
                again(site, data)
                is_done = True
            except _CutError:
                pass
        ours = identity.own(data)
        # Once the server has seen the new one it is whole, and the next try goes on with it.
        begun = data / "identity.next"
        assert is_let_in(site, ours) or is_let_in(site, Identity.read(begun)), place
        if ours.certificate.read_bytes() == before:
            again(site, data)
        assert is_let_in(site, identity.own(data)), place
        assert (data / "identity/device.crt").read_bytes() != before
        place += 1
    assert place > 12
    assert sorted(one.name for one in data.iterdir()) == ["identity"]


def test_what_was_begun_for_another_identity_is_discarded(
    site: Console, data: Path, tmp_path: Path
) -> None:
    before, theirs = name_of(data), site.identity("other")
    theirs.certificate.parent.rename(data / "identity.next")

    again(site, data)

    assert name_of(data) == before


def test_a_client_of_est_renews_with_the_same_key_and_openssl_reads_the_answer(
    site: Console, data: Path, tmp_path: Path
) -> None:
    run = _runner(tmp_path)
    subject = f"/CN={name_of(data)}"
    run("openssl", "req", "-new", "-key", data / "identity/device.key", "-subj", subject,
        "-outform", "DER", "-out", "d.csr")  # fmt: skip
    body = base64.encodebytes((tmp_path / "d.csr").read_bytes())

    status, answer, headers = sent(site, identity.own(data), body)

    assert (status, headers["Edge-Epoch"]) == (200, "1")
    (tmp_path / "d.p7").write_bytes(base64.b64decode(answer))
    run("openssl", "pkcs7", "-inform", "DER", "-in", "d.p7", "-print_certs", "-out", "d.crt")
    ca = site.site.tenants / "default/device-ca.crt"
    assert "d.crt: OK" in run("openssl", "verify", "-CAfile", ca, "-purpose", "sslclient", "d.crt")
    public = run("openssl", "x509", "-in", "d.crt", "-noout", "-pubkey")
    assert public == run("openssl", "pkey", "-in", data / "identity/device.key", "-pubout")
    serial = ("openssl", "x509", "-noout", "-serial", "-in")
    assert run(*serial, "d.crt") != run(*serial, data / "identity/device.crt")


def test_it_is_time_when_a_third_of_its_life_is_left_or_a_little_less(data: Path) -> None:
    pem = (data / "identity/device.crt").read_bytes()
    found = x509.load_pem_x509_certificate(pem)
    end = found.not_valid_after_utc.timestamp()
    life_s = end - found.not_valid_before_utc.timestamp()

    term = Term.of(pem)

    assert end - life_s / 3 <= term.due_s < end - life_s / 4
    assert term.due_s < term.late_s < end
    assert Term.of(pem) == term


def renewal_of(site: Console, data: Path, **words: Any) -> tuple[Renewal, list[int]]:
    renewed: list[int] = []
    facts: dict[str, Any] = {
        "now_s": lambda: 0.0,
        "is_at_rest": lambda: True,
        **words,
    }
    backoff = Backoff(lambda: 0.5)
    made = Renewal(
        data, lambda: site.url, renewed=lambda: renewed.append(1), backoff=backoff, **facts
    )
    return made, renewed


def test_the_agent_renews_in_time_at_rest_and_in_the_end_in_any_case(
    site: Console, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_side, "AGAIN_S", 0)
    term = Term.of((data / "identity/device.crt").read_bytes())

    def look(now_s: float | None, *, is_at_rest: bool) -> tuple[float, int]:
        made, renewed = renewal_of(site, data, now_s=lambda: now_s, is_at_rest=lambda: is_at_rest)
        return made.look(), len(renewed)

    assert look(term.due_s - 10, is_at_rest=True) == (11, 0)
    assert look(term.due_s - YEAR_S, is_at_rest=True) == (86_400, 0)
    assert look(None, is_at_rest=True) == (60, 0)
    assert look(term.due_s, is_at_rest=False) == (60, 0)
    assert acts(site, data) == ["device.enrol"]
    assert look(term.late_s, is_at_rest=False) == (60, 1)
    assert look(Term.of((data / "identity/device.crt").read_bytes()).due_s, is_at_rest=True)[1]
    assert acts(site, data).count("device.renewed") == 2


def test_an_agent_that_is_refused_keeps_its_identity_and_asks_seldom(
    site: Console, data: Path
) -> None:
    site.good("POST", f"/devices/{name_of(data)}/revoke")
    made, renewed = renewal_of(site, data, now_s=lambda: 4e9)

    assert made.look() >= 3600
    assert not renewed
    site.good("POST", f"/devices/{name_of(data)}/accept")
    assert is_let_in(site, identity.own(data))


def test_the_service_of_a_device_renews_and_goes_on_with_the_new_certificate(
    tmp_path: Path, pki: Pki, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_RENEWAL_BEGINS_S", 0.01)
    monkeypatch.setattr(renew, "_REST_S", 0.05)
    (tmp_path / "device").mkdir()
    places = device_in(tmp_path / "device").places
    places.ready.touch()
    with console.running(tmp_path / "console", pki, keys) as site:
        enrol.enrol(
            server_of(site, key_of(site, is_trusted=True), tmp_path / "config"), places.data
        )
        first = (places.data / "identity/device.crt").read_bytes()
        term_of = Term.of
        # Only the first is due: one that were due at once would be renewed while we look at it.
        due = Term(due_s=0, late_s=0)
        monkeypatch.setattr(Term, "of", lambda pem: due if pem == first else term_of(pem))
        places.etc.mkdir()
        (places.etc / "agent.json").write_text(f'{{"http": "{site.url}"}}')
        waker = Waker()
        thread = threading.Thread(target=service.run, args=(places, waker))
        thread.start()
        try:
            assert eventually(lambda: "device.renewed" in acts(site, places.data))
            # In the order of the change: none of them is there again once the ones before are gone.
            for passing in (renew.NEXT, identity.PROVEN, identity.OLD):
                assert eventually(partial(_is_gone, places.data / passing))
            with closing(link_of(site, places.data)) as link:
                assert link.desired() is None
        finally:
            waker.end()
            thread.join(10)
        assert not thread.is_alive()
        assert acts(site, places.data).count("device.renew") == 1


def _is_gone(file: Path) -> bool:
    return not file.exists()
