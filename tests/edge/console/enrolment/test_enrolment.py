"""Devices with a key of enrolment get a certificate: the agent's own way, and that of curl."""

import base64
import json
import subprocess
import threading
from http.client import HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from typing import Any

import pytest
from cryptography import x509

from edge_agent import enrol
from edge_agent.backoff import Backoff
from edge_agent.identity import Identity
from edge_agent.link import RefusedByServerError
from edge_agent.links.http import HttpLink
from edge_agent.server import Server
from tests.edge.console.test_console_commands import Run
from tests.edge.console.test_console_commands import edge as edge
from tests.fakes.console import PACE, Console, sql
from tests.fakes.pki import Pki


def key_of(site: Console, **facts: object) -> str:
    made: str = site.good("POST", "/enrolment-keys", {"name": "hall", **facts})["text"]
    return made


def server_of(site: Console, text: str, folder: Path, device: str = "gw-1") -> Server:
    """Return what init shows the agent of a device with a key."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server-ca.crt").write_bytes(site.site.authority.read_bytes())
    (folder / "token").write_text(f"{text}\n")
    (folder / "server.json").write_text(json.dumps({"http": site.url, "device": device}))
    found = Server.read(folder)
    assert found is not None
    return found


def link_of(site: Console, data: Path) -> HttpLink:
    return HttpLink(site.url, Identity.read(data / "identity"), pace=PACE)


def test_a_device_enrols_and_is_let_in_at_once_if_its_key_is_trusted(
    site: Console, tmp_path: Path
) -> None:
    site.good("PUT", "/groups/hall", {})
    text = key_of(site, is_trusted=True, group="hall", pattern="gw-*")
    server, data = server_of(site, text, tmp_path / "config"), tmp_path / "data"

    assert enrol.is_due(server, data)
    enrol.enrol(server, data, pace=PACE)

    assert not enrol.is_due(server, data)
    link = link_of(site, data)
    assert link.desired() is None
    link.close()
    shown = site.good("GET", "/devices/gw-1")
    assert (shown["state"], shown["groups"]) == ("accepted", ["hall"])
    assert (data / "identity/epoch").read_text() == "1\n"
    assert (data / "identity/device.key").stat().st_mode & 0o777 == 0o600
    assert site.good("GET", "/enrolment-keys")["keys"][0]["uses_left"] == 0
    assert [one["act"] for one in site.good("GET", "/audit?subject=device:gw-1")["entries"]] == [
        "device.enrol"
    ]


def test_a_device_of_a_key_that_is_not_trusted_waits(site: Console, tmp_path: Path) -> None:
    server = server_of(site, key_of(site), tmp_path / "config")
    enrol.enrol(server, tmp_path, pace=PACE)
    link = link_of(site, tmp_path)

    with pytest.raises(RefusedByServerError):
        link.desired()
    site.good("POST", "/devices/gw-1/accept")
    assert link.desired() is None
    link.close()


def test_an_answer_that_was_lost_costs_no_use_of_the_key(site: Console, tmp_path: Path) -> None:
    server = server_of(site, key_of(site, is_trusted=True), tmp_path / "config")
    enrol.enrol(server, tmp_path, pace=PACE)
    first = (tmp_path / "identity/device.crt").read_bytes()
    # As if the power had gone before the answer came: the key is there, the certificate is not.
    (tmp_path / "identity").rename(tmp_path / "identity.new")
    for name in ("device.crt", "server-ca.crt", "epoch"):
        (tmp_path / "identity.new" / name).unlink()

    enrol.enrol(server, tmp_path, pace=PACE)

    assert (tmp_path / "identity/device.crt").read_bytes() == first


def test_a_torn_key_is_made_anew(site: Console, tmp_path: Path) -> None:
    server = server_of(site, key_of(site, is_trusted=True), tmp_path / "config")
    (tmp_path / "identity.new").mkdir()
    (tmp_path / "identity.new/device.key").write_bytes(b"-----BEGIN PRIVATE KEY-----\nMIG")

    enrol.enrol(server, tmp_path, pace=PACE)

    assert Identity.read(tmp_path / "identity").device == "gw-1"


def test_a_device_goes_on_trying_until_it_is_told_to_stop(site: Console, tmp_path: Path) -> None:
    text = key_of(site, is_trusted=True)
    server, stop = server_of(site, text, tmp_path / "config"), threading.Event()
    sql(site.running.office.database, "UPDATE enrolment_keys SET revoked_at_s = 1")
    tries: list[int] = []

    def random() -> float:
        tries.append(1)
        if len(tries) == 2:
            sql(site.running.office.database, "UPDATE enrolment_keys SET revoked_at_s = 0")
        return 0.01

    assert enrol.keep_trying(server, tmp_path, stop, backoff=Backoff(random, first_s=0.1))
    assert len(tries) == 2
    stop.set()
    assert not enrol.keep_trying(server, tmp_path / "other", stop, backoff=Backoff(random))


@pytest.mark.parametrize(
    ("facts", "change", "device"),
    [
        pytest.param({}, "UPDATE enrolment_keys SET revoked_at_s = 1", "gw-1", id="revoked"),
        pytest.param({}, "UPDATE enrolment_keys SET expires_at_s = 1", "gw-1", id="expired"),
        pytest.param({}, "UPDATE enrolment_keys SET uses_left = 0", "gw-1", id="used up"),
        pytest.param({}, "UPDATE enrolment_keys SET digest = 'x'", "gw-1", id="another secret"),
        pytest.param({"pattern": "cam-*"}, "", "gw-1", id="another pattern"),
        pytest.param({}, "", "taken", id="the id is taken"),
    ],
)
def test_who_may_not_enrol_changes_nothing(
    site: Console, tmp_path: Path, facts: dict[str, object], change: str, device: str
) -> None:
    site.good("POST", "/devices", {"device": "taken", "certificate": "ab" * 32})
    text = key_of(site, **facts)
    if change:
        sql(site.running.office.database, change)
    before = [one["uses_left"] for one in site.good("GET", "/enrolment-keys")["keys"]]
    server = server_of(site, text, tmp_path / "config", device)

    with pytest.raises(RefusedByServerError, match="403"):
        enrol.enrol(server, tmp_path, pace=PACE)

    assert not (tmp_path / "identity").exists()
    assert [one["device"] for one in site.good("GET", "/devices")["devices"]] == ["taken"]
    assert [one["uses_left"] for one in site.good("GET", "/enrolment-keys")["keys"]] == before


def test_a_key_is_of_one_tenant(site: Console, stranger: Pki, keys: Path, tmp_path: Path) -> None:
    theirs = site.other_tenant("them", stranger, keys)
    body = {"name": "hall", "is_trusted": True}
    text = site.good("POST", "/enrolment-keys", body, token=theirs)["text"]

    enrol.enrol(server_of(site, text, tmp_path / "config"), tmp_path, pace=PACE)

    assert site.good("GET", "/devices")["devices"] == []
    mine = site.good("GET", "/devices", token=theirs)["devices"]
    assert [one["device"] for one in mine] == ["gw-1"]
    assert site.good("GET", "/enrolment-keys")["keys"] == []


def test_a_client_of_est_enrols_with_what_openssl_makes(
    site: Console, tmp_path: Path, edge: Run
) -> None:
    text = edge("enrolment", "create", "hall", "--for", "gw-*", "--trusted")[1].strip()
    run = _runner(tmp_path)
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "d.key", "-subj", "/CN=gw-9", "-outform", "DER", "-out", "d.csr")  # fmt: skip
    body = base64.encodebytes((tmp_path / "d.csr").read_bytes())
    basic = base64.b64encode(f"device:{text}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/pkcs10"}
    connection = HTTPSConnection(
        "127.0.0.1", site.running.port, context=create_default_context(cafile=site.site.authority)
    )
    connection.request("POST", "/.well-known/est/simpleenroll", body, headers)
    answer = connection.getresponse()
    (tmp_path / "d.p7").write_bytes(base64.b64decode(answer.read()))
    connection.close()

    run("openssl", "pkcs7", "-inform", "DER", "-in", "d.p7", "-print_certs", "-out", "d.crt")

    kind = "application/pkcs7-mime; smime-type=certs-only"
    assert (answer.status, answer.getheader("Content-Type")) == (200, kind)
    ca = site.site.tenants / "default/device-ca.crt"
    assert "d.crt: OK" in run("openssl", "verify", "-CAfile", ca, "-purpose", "sslclient", "d.crt")
    assert "gw-9" in edge("devices", "list")[1]
    assert " at once" in edge("enrolment", "list")[1]


def _runner(folder: Path) -> Any:
    def run(*words: object) -> str:
        command = [str(word) for word in words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_an_authority_is_trusted_again_after_a_restart_without_being_made_anew(
    site: Console, tmp_path: Path
) -> None:
    enrol.enrol(server_of(site, key_of(site), tmp_path / "a"), tmp_path / "x", pace=PACE)
    text = key_of(site)

    enrol.enrol(server_of(site, text, tmp_path / "b", "gw-2"), tmp_path / "y", pace=PACE)

    certificates = [
        x509.load_pem_x509_certificate((tmp_path / name / "identity/device.crt").read_bytes())
        for name in ("x", "y")
    ]
    assert len({one.issuer for one in certificates}) == 1
    made = [one for one in site.good("GET", "/audit")["entries"] if one["act"] == "authority.add"]
    assert len(made) == 2  # that of the factory, and the console's own
