"""Downloads over DDI: ranges, hashes, and no other file than that of the order."""

import hashlib
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.fakes.console import Console
from tests.fakes.ddi_device import PAYLOAD, DdiDevice

Order = Callable[..., str]
DATA = PAYLOAD + b"1"
SHA1 = hashlib.sha1(DATA, usedforsecurity=False).hexdigest()
PATH = "/softwaremodules/1/artifacts/a.swu"


def test_a_file_comes_with_what_updaters_look_at(ordered: DdiDevice) -> None:
    found = ordered.ask("GET", PATH)
    listed = ordered.ask("GET", "/softwaremodules/1/artifacts").json
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()

    assert found.body == DATA
    assert found.headers["ETag"] == f'"{SHA1}"'
    assert found.headers["Accept-Ranges"] == "bytes"
    assert found.headers["Content-Type"] == "application/octet-stream"
    assert found.headers["Content-Disposition"] == "attachment;filename=a.swu"
    assert listed[0]["hashes"] == {
        "sha1": SHA1,
        "md5": md5,
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }
    assert ordered.ask("GET", f"{PATH}.MD5SUM").body == f"{md5}  a.swu".encode()


def test_head_tells_the_length_without_a_body(ordered: DdiDevice) -> None:
    with closing(ordered.connection()) as connection:
        for _time in range(2):
            # Were there a body, the second answer would begin in it.
            connection.request("HEAD", f"{ordered.base}{PATH}", headers=ordered.headers())
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Content-Length")) == (200, str(len(DATA)))
            assert answer.read() == b""


@pytest.mark.parametrize(
    ("headers", "status", "found"),
    [
        pytest.param({"Range": "bytes=0-9"}, 206, slice(0, 10), id="first"),
        pytest.param({"Range": "bytes=20000-"}, 206, slice(20000, None), id="the rest"),
        pytest.param({"Range": "bytes=-7"}, 206, slice(-7, None), id="last"),
        pytest.param({"Range": "bytes=99999999-"}, 416, None, id="after the end"),
        pytest.param({"Range": "bytes=0-1,3-4"}, 200, slice(0, None), id="several"),
        pytest.param({"Range": "bytes=0-1", "If-Range": '"x"'}, 200, slice(0, None), id="stale"),
        pytest.param({"Range": "bytes=0-1", "If-Range": f'"{SHA1}"'}, 206, slice(0, 2), id="same"),
        pytest.param({"If-None-Match": f'"{SHA1}"'}, 304, None, id="has it"),
        pytest.param({"If-Match": '"x"'}, 412, None, id="wants another"),
        pytest.param({"If-Match": f'"{SHA1}"'}, 200, slice(0, None), id="wants it"),
    ],
)
def test_ranges_and_conditions_are_answered_as_they_should(
    ordered: DdiDevice, headers: dict[str, str], status: int, found: slice | None
) -> None:
    answer = ordered.ask("GET", PATH, headers=headers)

    assert answer.status == status
    assert answer.body == (b"" if found is None else DATA[found])


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2f..%2fconsole.db",
        "%2e%2e",
        "..%2fa.swu",
        "a.swu%00",
        "b.swu",
        "A.swu",
        "a.swu.MD5SUM.MD5SUM",
        hashlib.sha256(DATA).hexdigest(),
        "",
    ],
)
def test_no_name_leads_to_another_file(ordered: DdiDevice, name: str) -> None:
    answer = ordered.ask("GET", f"/softwaremodules/1/artifacts/{name}")

    assert answer.status == 404
    assert b"SQLite" not in answer.body


def test_a_file_is_there_while_the_order_is(site: Console, device: DdiDevice, order: Order) -> None:
    order(device)
    device.take()
    during = device.ask("GET", PATH).status
    site.good("POST", f"/devices/{device.name}/orders/cancel")
    asked_back = device.ask("GET", PATH).status
    device.feedback(1, "closed", "success", channel="cancelAction")
    after = device.ask("GET", PATH).status

    order(device, confirm="always")
    waiting = device.ask("GET", PATH.replace("/1/", "/2/")).status

    assert (during, asked_back, after, waiting) == (200, 404, 404, 404)


def test_many_small_ranges_are_never_too_many(ordered: DdiDevice) -> None:
    with closing(ordered.connection()) as connection:
        for number in range(120):
            words = {"Range": f"bytes={number * 100}-{number * 100 + 99}"}
            headers = ordered.headers(**words)
            connection.request("GET", f"{ordered.base}{PATH}", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 206
            assert answer.read() == DATA[number * 100 : number * 100 + 100]
    assert ordered.site.good("GET", "/events")["events"] == []
