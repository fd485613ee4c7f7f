"""Who is not who he says, or sends what nobody should, gets nothing from the link."""

import http.client
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge.keys import create
from edge_agent.link import LinkError, RefusedByServerError
from edge_agent.links.http import HttpLink
from edge_signing import messages
from edge_signing.messages import EventId, ReportEvent, Status
from tests.agent.power.system import System
from tests.fakes.console import PACE, Console, sql
from tests.fakes.operator import Operator
from tests.fakes.pki import Pki


def context(site: Console, device: str | None, pki: Pki | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(site.site.authority))
    if device is not None:
        folder = (pki or site.pki).device(device)
        made.load_cert_chain(folder / "device.crt", folder / "device.key")
    return made


def ask(
    site: Console,
    device: str | None,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    pki: Pki | None = None,
) -> tuple[int, bytes, dict[str, str]]:
    """Ask as a device would that is not ours."""
    connection = http.client.HTTPSConnection(
        "127.0.0.1", site.running.port, context=context(site, device, pki), timeout=20
    )
    with closing(connection):
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None and "Content-Length" not in (headers or {}):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())


@pytest.fixture
def ours(site: Console) -> Console:
    """A console with two devices."""
    for name in ("unit-1", "unit-2"):
        site.good("POST", "/devices", {"device": name})
        site.link(name).desired()
    return site


@pytest.fixture
def released(ours: Console, operator: Operator) -> Console:
    operator.release(System.make("1", 1))
    ours.good("POST", "/releases", operator.bundle("1"))
    return ours


@pytest.mark.parametrize("what", ["desired", "events", "state"])
def test_the_certificate_of_another_device_opens_nothing(shared: Console, what: str) -> None:
    method = {"desired": "GET", "events": "POST", "state": "PUT"}[what]
    path = f"/v1/devices/unit-2/{what}"

    assert ask(shared, "unit-1", method, path, b"{}")[0] == 403


def test_a_client_without_a_certificate_gets_nothing(shared: Console) -> None:
    for path in ("/v1/devices/unit-1/desired", "/repository/metadata/timestamp.json", "/"):
        assert ask(shared, None, "GET", path)[0] in (403, 404)


def test_a_certificate_of_a_strange_factory_does_not_get_through_tls(
    shared: Console, stranger: Pki
) -> None:
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(shared, "unit-1", "GET", "/v1/devices/unit-1/desired", pki=stranger)


@pytest.mark.parametrize("name", ["a+b", "a#b", "a b", "../unit-1", "é", "x" * 63 + "."])
def test_a_certificate_whose_name_is_no_id_is_nobody(shared: Console, name: str) -> None:
    shared.pki.device(name)

    status, said, _headers = ask(shared, name, "GET", "/repository/metadata/timestamp.json")

    assert status == 403
    assert b"device id" in said
    assert shared.good("GET", "/devices?state=pending")["devices"] == []


def test_a_revoked_device_is_out_at_once_on_the_connection_that_it_has(ours: Console) -> None:
    link = ours.link("unit-1")
    assert link.desired() is None

    ours.good("POST", "/devices/unit-1/revoke")

    # The connection was broken; a new one is refused.
    with pytest.raises(RefusedByServerError) as refused:
        link.desired()
    assert refused.value.status == 403
    with pytest.raises(RefusedByServerError):
        link.send_events([ReportEvent(EventId("boot-1", 1), 1, "started")])
    with pytest.raises(RefusedByServerError):
        link.send_state(Status("boot-1"))
    assert ours.good("GET", "/events")["events"] == []


def test_a_revoked_device_loses_the_file_that_it_is_reading(ours: Console, keys: Path) -> None:
    blob = ours.site.tenants / "default" / "repository" / "blobs" / ("ab" * 32)
    blob.parent.mkdir(exist_ok=True)
    with blob.open("wb") as stream:
        stream.truncate(256 << 20)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", ours.running.port, context=context(ours, "unit-1"), timeout=20
    )
    with closing(connection):
        connection.request("GET", f"/repository/blobs/{blob.name}")
        answer = connection.getresponse()
        answer.read(1 << 20)
        ours.good("POST", "/devices/unit-1/revoke")

        with pytest.raises((OSError, http.client.IncompleteRead)):
            answer.read()


def test_a_device_that_was_accepted_anew_comes_back(ours: Console) -> None:
    link = ours.link("unit-1")
    ours.good("POST", "/devices/unit-1/revoke")
    with pytest.raises(RefusedByServerError):
        link.desired()

    ours.good("POST", "/devices/unit-1/accept")

    assert link.desired() is None


def test_the_certificate_of_before_a_new_enrolment_is_dead(ours: Console) -> None:
    ours.good("POST", "/devices/unit-1/re-enrol", {})

    for _try in range(2):
        with pytest.raises(RefusedByServerError):
            ours.link("unit-1").desired()


def test_a_device_never_gets_the_repository_of_another_tenant(
    released: Console, stranger: Pki, tmp_path: Path, operator: Operator
) -> None:
    ring = tmp_path / "their-keys"
    create.init(ring, now=operator.now, products=("gateway",))
    token = released.other_tenant("them", stranger, ring)
    released.good("POST", "/devices", {"device": "their-1"}, token=token)
    repository = released.site.tenants / "default" / "repository"
    blob = next((repository / "blobs").iterdir()).name
    # TLS knows the authorities of the start; the console is asked what it makes of the certificate.
    copy = Pki(tmp_path / "copy")
    copy.folder.mkdir()
    for name in ("factory-ca.crt", "factory-ca.key"):
        (copy.folder / name).write_bytes((released.pki.folder / name).read_bytes())

    ours = ask(released, "unit-1", "GET", f"/repository/blobs/{blob}")[0]
    forged = ask(released, "their-1", "GET", f"/repository/blobs/{blob}", pki=copy)[0]

    assert (ours, forged) == (200, 403)


@pytest.mark.parametrize(
    "path",
    [
        "/repository/../../../console.db",
        "/repository/..%2f..%2f..%2fconsole.db",
        "/repository/%2e%2e/%2e%2e/%2e%2e/console.db",
        "/repository/blobs/..%2f..%2f..%2f..%2fadmin.token",
        "/repository//etc/passwd",
        "/repository/metadata/..%5c..%5cconsole.db",
        "/repository/metadata/.hidden",
        "/repository/pending/request.json",
        "/repository/blobs/" + "0" * 64,
        "/repository/blobs/" + "A" * 64,
        "/repository/metadata/timestamp.json%00.txt",
    ],
)
def test_no_path_leads_out_of_the_repository(shared: Console, path: str) -> None:
    assert ask(shared, "unit-1", "GET", path)[0] in (400, 404)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        pytest.param("state", b"", id="empty"),
        pytest.param("state", b"{", id="no JSON"),
        pytest.param("state", b"[" * 60_000, id="deep"),
        pytest.param("state", b'{"format": 1}', id="not canonical"),
        pytest.param("state", Status("boot-1").pack()[:-1] + b',"x":1}', id="more fields"),
        pytest.param("state", b"\xff\xfe", id="no text"),
        pytest.param("events", Status("boot-1").pack(), id="other message"),
        pytest.param("events", b'{"events":[{}],"format":1}', id="empty event"),
        pytest.param("events", b'{"events":{},"format":1}', id="no list"),
    ],
)
def test_what_is_no_message_is_refused_and_not_stored(
    shared: Console, what: str, body: bytes
) -> None:
    method = "PUT" if what == "state" else "POST"

    before = shared.good("GET", "/events")

    assert ask(shared, "unit-1", method, f"/v1/devices/unit-1/{what}", body)[0] == 400
    assert shared.good("GET", "/events") == before


def test_too_many_bytes_are_not_read(shared: Console) -> None:
    path = "/v1/devices/unit-1/events"
    long = b"x" * (messages.MESSAGE_MOST_BYTES + 1)

    assert ask(shared, "unit-1", "POST", path, long)[0] == 413
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(long), long)
    headers = {"Transfer-Encoding": "chunked", "Content-Length": ""}
    del headers["Content-Length"]
    raw = _raw(shared, "POST", path, headers, chunked)
    assert b" 413 " in raw.split(b"\r\n", 1)[0]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "POST", "TRACE"])
def test_other_methods_do_nothing(shared: Console, method: str) -> None:
    assert ask(shared, "unit-1", method, "/v1/devices/unit-1/desired", b"")[0] == 405


def test_a_header_of_a_proxy_makes_nobody_another(shared: Console) -> None:
    headers = {"X-Forwarded-For": "127.0.0.1", "X-SSL-Client-CN": "unit-2"}

    status = ask(shared, "unit-1", "GET", "/v1/devices/unit-2/desired", headers=headers)[0]

    assert status == 403


@pytest.mark.parametrize(
    ("header", "status", "found"),
    [
        pytest.param("bytes=0-9", 206, slice(0, 10), id="first"),
        pytest.param("bytes=4000-", 206, slice(4000, None), id="to the end"),
        pytest.param("bytes=-7", 206, slice(-7, None), id="last"),
        pytest.param("bytes=0-99999999", 206, slice(0, None), id="beyond"),
        pytest.param("bytes=99999999-", 416, None, id="after the end"),
        pytest.param("bytes=-0", 416, None, id="last none"),
        pytest.param("bytes=9-0", 200, slice(0, None), id="backwards"),
        pytest.param("bytes=0-1,3-4", 200, slice(0, None), id="several"),
        pytest.param("lines=0-1", 200, slice(0, None), id="other unit"),
        pytest.param("bytes=-", 200, slice(0, None), id="none"),
    ],
)
def test_ranges_are_answered_as_they_should(
    shared: Console, header: str, status: int, found: slice | None
) -> None:
    folder = shared.site.tenants / "default" / "repository" / "blobs"
    blob = max(folder.iterdir(), key=lambda one: one.stat().st_size)
    data = blob.read_bytes()

    got = ask(shared, "unit-1", "GET", f"/repository/blobs/{blob.name}", headers={"Range": header})

    assert got[0] == status
    assert got[1] == (b"" if found is None else data[found])


def test_a_stale_etag_gets_the_whole_file_and_a_right_one_nothing(shared: Console) -> None:
    folder = shared.site.tenants / "default" / "repository" / "blobs"
    path = f"/repository/blobs/{next(folder.iterdir()).name}"
    etag = ask(shared, "unit-1", "GET", path)[2]["ETag"]
    asked: Callable[..., int] = lambda **words: ask(  # noqa: E731
        shared, "unit-1", "GET", path, headers=words
    )[0]

    assert asked(**{"Range": "bytes=0-1", "If-Range": '"stale"'}) == 200
    assert asked(**{"Range": "bytes=0-1", "If-Range": etag}) == 206
    assert asked(**{"If-None-Match": etag}) == 304


def test_a_poll_that_has_nothing_new_is_not_sent_again(
    released: Console,
) -> None:
    released.good("POST", "/deployments", {"device": "unit-1", "version": "1"})
    path = "/v1/devices/unit-1/desired"
    first = ask(released, "unit-1", "GET", path)

    again = ask(released, "unit-1", "GET", path, headers={"If-None-Match": first[2]["ETag"]})

    assert (first[0], again[0], again[1]) == (200, 304, b"")


def test_the_database_that_is_gone_is_told_and_waited_for(ours: Console) -> None:
    link = ours.link("unit-1")
    link.desired()
    sql(ours.running.office.database, "ALTER TABLE events RENAME TO away")

    with pytest.raises(LinkError) as lost:
        link.send_events([ReportEvent(EventId("boot-1", 1), 1, "started")])
    sql(ours.running.office.database, "ALTER TABLE away RENAME TO events")

    assert lost.value.wait_s == 5
    assert link.send_events([ReportEvent(EventId("boot-1", 1), 1, "started")])


def test_a_stranger_who_says_another_id_in_the_path_changes_no_sighting(shared: Console) -> None:
    identity = replace(shared.identity("unit-1"), device="unit-9")

    with (
        closing(HttpLink(shared.url, identity, pace=PACE)) as link,
        pytest.raises(RefusedByServerError),
    ):
        link.desired()
    assert shared.ask("GET", "/api/v1/devices/unit-9").status == 404


def _raw(site: Console, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    plain = socket.create_connection(("127.0.0.1", site.running.port), timeout=20)
    with context(site, "unit-1").wrap_socket(plain, server_hostname="127.0.0.1") as secure:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        secure.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return secure.recv(4096)
