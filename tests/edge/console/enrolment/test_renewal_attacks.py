"""Who may not renew a certificate does not, and what was renewed goes with its device."""

from datetime import timedelta
from pathlib import Path

import pytest

from edge.console.enrolment import renewal as server_side
from edge_agent import enrol, identity, renew
from edge_agent.identity import Identity
from edge_agent.link import LinkError, RefusedByServerError
from tests.edge.certificates.test_requests import csr
from tests.edge.console.enrolment.renewing import (
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
    key_of,
    server_of,
)
from tests.fakes import console
from tests.fakes.console import PACE, Console, sql
from tests.fakes.pki import Pki


def test_a_certificate_is_renewed_for_its_own_name_only(site: Console, data: Path) -> None:
    site.good("POST", "/devices", {"device": "gw-2"})

    status, said, _headers = sent(site, identity.own(data), csr("gw-2"))

    assert (status, b"not renewed for gw-2" in said) == (403, True)
    assert site.good("GET", "/devices/gw-2")["certificate"] == ""
    assert acts(site, data) == ["device.enrol"]


def test_who_shows_no_certificate_or_one_of_another_authority_renews_nothing(
    site: Console, data: Path
) -> None:
    site.link("factory-1")
    site.good("POST", "/devices", {"device": "factory-1"})

    assert sent(site, None, csr(name_of(data)))[0] == 403
    assert sent(site, site.identity("factory-1"), csr("factory-1"))[0] == 403
    assert acts(site, data) == ["device.enrol"]


@pytest.mark.parametrize("act", ["revoke", "decommission", "re-enrol"])
def test_a_device_that_was_put_out_renews_nothing(site: Console, data: Path, act: str) -> None:
    site.good("POST", f"/devices/{name_of(data)}/{act}", {})

    assert sent(site, identity.own(data), csr(name_of(data)))[0] == 403


@pytest.mark.parametrize("act", ["decommission", "re-enrol"])
def test_a_certificate_that_was_renewed_but_never_seen_goes_with_the_device(
    site: Console, data: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(renew, "_is_taken", lambda *_words: False)
    with pytest.raises(identity.IdentityError):
        again(site, data)
    new = Identity.read(data / "identity.next")

    site.good("POST", f"/devices/{name_of(data)}/{act}", {})

    assert not is_let_in(site, new)
    assert not is_let_in(site, identity.own(data))


def test_a_revoked_device_comes_back_with_either_certificate(
    site: Console, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(renew, "_is_taken", lambda *_words: False)
        with pytest.raises(identity.IdentityError):
            again(site, data)
    site.good("POST", f"/devices/{name_of(data)}/revoke")
    with pytest.raises(RefusedByServerError):
        again(site, data)
    site.good("POST", f"/devices/{name_of(data)}/accept")

    again(site, data)

    assert is_let_in(site, identity.own(data))


def test_a_certificate_that_was_renewed_is_not_renewed_again(
    site: Console, data: Path, tmp_path: Path
) -> None:
    old = copy_of(data, tmp_path / "old")
    again(site, data)

    assert sent(site, old, csr(name_of(data)))[0] == 403
    status, _said, headers = sent(site, identity.own(data), csr(name_of(data)))
    assert status == 429
    assert 0 < int(headers["Retry-After"]) <= server_side.AGAIN_S
    assert acts(site, data).count("device.renew") == 1


def test_another_key_while_one_is_open_has_to_wait_and_takes_its_place_then(
    site: Console, data: Path
) -> None:
    ours = identity.own(data)
    assert sent(site, ours, csr(name_of(data)))[0] == 200
    assert sent(site, ours, csr(name_of(data)))[0] == 429
    sql(site.running.office.database, "UPDATE renewals SET issued_at_s = 1")

    assert sent(site, ours, csr(name_of(data)))[0] == 200

    retired = site.running.office.database.read_now(
        lambda one: one.exec_driver_sql(
            f"SELECT is_renewed FROM retired_certificates WHERE device = '{ours.device}'"
        ).fetchall()
    )
    assert [tuple(one) for one in retired] == [(1,)]


def test_an_expired_certificate_renews_nothing(tmp_path: Path, pki: Pki, keys: Path) -> None:
    ended = timedelta(seconds=-60)
    with console.running(tmp_path / "console", pki, keys, device_lifetime=ended) as site:
        server = server_of(site, key_of(site, is_trusted=True), tmp_path / "config")
        enrol.enrol(server, tmp_path, pace=PACE)

        # TLS ends the connection, before or after the agent has sent its request.
        with pytest.raises((RefusedByServerError, LinkError)):
            again(site, tmp_path)
        assert acts(site, tmp_path) == ["device.enrol"]
