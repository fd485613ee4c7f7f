"""Servers that lie, drip or never end are cut off, with an error that says so."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from edge_agent.errors import AgentError
from edge_agent.link import LinkError, RefusedByServerError, WrongAnswerError
from edge_agent.links.exchange import AddressError, Server
from edge_agent.links.guarded import Pace
from edge_agent.links.http import HttpLink
from edge_signing import canonical
from edge_signing.errors import FormatError
from edge_signing.messages import Desired
from tests.fakes.bad_network import ScriptedServer, endless
from tests.fakes.pki import Pki

QUICK = Pace(least_bytes_per_s=1000, window_s=0.4, total_s=1.0, connect_s=1.0)
BLOB = "blobs/" + "0" * 64
Script = Callable[[bytes], Iterator[bytes]]


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with closing(ScriptedServer(lambda _head: iter(()))) as server:
        yield server


@pytest.fixture
def link(scripted: ScriptedServer, pki: Pki) -> Iterator[HttpLink]:
    with closing(HttpLink(scripted.url, pki.identity("dev-1"), pace=QUICK)) as made:
        yield made


def says(*pieces: bytes) -> Script:
    return lambda _head: iter(pieces)


def forever(first: bytes, again: bytes = bytes(4096), every_s: float = 0) -> Script:
    return lambda _head: endless(first, again, every_s=every_s)


OK = b"HTTP/1.1 200 OK\r\n"
PART = b"HTTP/1.1 206 Partial Content\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

EVERYWHERE = [
    pytest.param(says(), "lost", id="closed at once"),
    pytest.param(says(b"\x16\x03\x01\x02\x00\x01"), "not HTTP", id="no HTTP"),
    pytest.param(forever(OK + b"X: ", b"x" * 4096), "not HTTP", id="endless header"),
    pytest.param(forever(OK, b"X: x\r\n" * 100), "not HTTP", id="endless headers"),
    pytest.param(
        forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "too long", id="endless interim answers"
    ),
    pytest.param(forever(b"", b"H", every_s=0.05), "too slow", id="drip of the head"),
    pytest.param(
        says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"),
        "redirects are not followed",
        id="redirect",
    ),
    pytest.param(says(OK + b"Content-Length: -5\r\n\r\n"), "without a length", id="length below 0"),
    pytest.param(says(OK + b"\r\nbody"), "without a length", id="no length"),
    pytest.param(
        says(OK + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"), "encoding", id="gzip"
    ),
]


@pytest.mark.parametrize(("script", "reason"), EVERYWHERE)
def test_an_answer_that_is_none_is_told_within_the_time(
    scripted: ScriptedServer, link: HttpLink, script: Script, reason: str
) -> None:
    scripted.script = script

    begin = time.monotonic()
    with pytest.raises(LinkError, match=reason):
        link.desired()
    with pytest.raises(LinkError, match=reason):
        link.repository("").read(BLOB, 0, 100)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(
            forever(OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 4096),
            "more than 65536",
            id="endless",
        ),
        pytest.param(
            forever(OK + CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
            "more than 65536",
            id="endless chunks",
        ),
        pytest.param(
            forever(OK + b"Content-Length: 60000\r\n\r\n", b"x", every_s=0.02),
            "too slow",
            id="drip",
        ),
        pytest.param(
            forever(OK + b"Content-Length: 60000\r\n\r\n", b"x" * 600, every_s=0.1),
            "takes too long",
            id="slow, but not too slow",
        ),
        pytest.param(says(OK + b"Content-Length: 50\r\n\r\nabc"), "before the end", id="cut"),
        pytest.param(says(OK + CHUNKED + b"5\r\nab"), "IncompleteRead", id="cut chunk"),
    ],
)
def test_an_order_has_an_end(
    scripted: ScriptedServer, link: HttpLink, script: Script, reason: str
) -> None:
    scripted.script = script

    begin = time.monotonic()
    with pytest.raises(LinkError, match=reason):
        link.desired()
    assert time.monotonic() - begin < 4


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(says(OK + b"Content-Length: 0\r\n\r\n"), id="nothing"),
        pytest.param(says(OK + b"Content-Length: 4\r\n\r\nnull"), id="null"),
        pytest.param(says(OK + b"Content-Length: 6\r\n\r\n<html>"), id="a page"),
    ],
)
def test_an_order_that_is_none_is_refused(
    scripted: ScriptedServer, link: HttpLink, script: Script
) -> None:
    scripted.script = script

    with pytest.raises(FormatError):
        link.desired()


def part(said: bytes, length: int, body: bytes | None = None) -> Script:
    head = PART + b"Content-Range: " + said + b"\r\nContent-Length: " + b"%d\r\n\r\n" % length
    return says(head + (bytes(length) if body is None else body))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(part(b"bytes 0-99/1000", 100), "not from byte 200", id="another place"),
        pytest.param(part(b"bytes 200-299/1000", 50), "not from byte", id="another length"),
        pytest.param(part(b"bytes 200-399/1000", 200), "more than was asked", id="more"),
        pytest.param(part(b"bytes 200-249/1000", 50), "less than was asked", id="less"),
        pytest.param(part(b"bytes 200-249/*", 50), "less than was asked", id="less, no total"),
        pytest.param(part(b"octets 200-299/1000", 100), "not from byte", id="another unit"),
        pytest.param(part(b"bytes 200-299/1000", 100, b"abc"), "before the end", id="cut"),
        pytest.param(says(PART + b"Content-Length: 100\r\n\r\n" + bytes(100)), "''", id="no range"),
        pytest.param(says(OK + b"Content-Length: 300\r\n\r\n" + bytes(300)), "200 where", id="all"),
        pytest.param(
            says(b"HTTP/1.1 204 No Content\r\n\r\n"), "status 204", id="nothing where a part is due"
        ),
        pytest.param(
            says(PART + b"Content-Range: bytes 200-299/1000\r\n" + CHUNKED + b"0\r\n\r\n"),
            "without a length",
            id="chunks",
        ),
        pytest.param(
            forever(
                PART + b"Content-Range: bytes 200-299/1000\r\nContent-Length: 100\r\n\r\n",
                b"x",
                every_s=0.05,
            ),
            "too slow",
            id="drip",
        ),
    ],
)
def test_a_part_is_the_one_that_was_asked_for(
    scripted: ScriptedServer, link: HttpLink, script: Script, reason: str
) -> None:
    scripted.script = script

    with pytest.raises(LinkError, match=reason):
        link.repository("").read(BLOB, 200, 100)


def test_more_than_the_part_is_never_read(scripted: ScriptedServer, link: HttpLink) -> None:
    head = PART + b"Content-Range: bytes 0-99/1000\r\nContent-Length: 100\r\n\r\n"
    scripted.script = forever(head, b"x" * 4096)

    assert link.repository("").read(BLOB, 0, 100) == b"x" * 100


def test_a_server_without_ranges_serves_the_beginning(
    scripted: ScriptedServer, link: HttpLink
) -> None:
    scripted.script = forever(OK + b"Content-Length: 99999999\r\n\r\n", b"x" * 4096)

    assert link.repository("").read(BLOB, 0, 100_000) == b"x" * 100_000


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 451])
def test_a_no_is_final(scripted: ScriptedServer, link: HttpLink, status: int) -> None:
    scripted.script = says(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)

    with pytest.raises(RefusedByServerError) as caught:
        link.desired()
    assert caught.value.status == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("wait", "wait_s"), [(b"30", 30), (b"999999", 3600), (b"Wed, 21 Oct 2015", 0), (b"-1", 0)]
)
def test_later_is_no_no(
    scripted: ScriptedServer, link: HttpLink, status: int, wait: bytes, wait_s: float
) -> None:
    head = b"HTTP/1.1 %d Later\r\nRetry-After: %b\r\nContent-Length: 0\r\n\r\n" % (status, wait)
    scripted.script = says(head)

    with pytest.raises(LinkError) as caught:
        link.desired()
    assert not isinstance(caught.value, WrongAnswerError)
    assert caught.value.wait_s == wait_s


def test_an_etag_with_more_in_it_is_not_sent_back(scripted: ScriptedServer, link: HttpLink) -> None:
    body = Desired(1, "a", None, canonical.encode({})).pack()
    head = OK + b'ETag: "a b"\r\nContent-Length: %d\r\n\r\n' % len(body)
    scripted.script = says(head + body)

    link.desired()
    link.desired()
    assert not any(b"If-None-Match" in head for head in scripted.asked)


def test_a_304_that_nobody_asked_for_is_none(scripted: ScriptedServer, link: HttpLink) -> None:
    scripted.script = says(b"HTTP/1.1 304 Not Modified\r\n\r\n")

    with pytest.raises(WrongAnswerError):
        link.desired()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example/",
        "https://",
        "https:///x",
        "https://user:word@a.example/",
        "https://a.example/?x",
        "https://a.example/#x",
        "https://a.example:99999/",
        "https://a.example/a b",
        "https://a.example/\r\nX: y",
    ],
)
def test_a_url_that_means_something_else_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        Server.of(url)


def test_a_token_never_goes_without_tls_nor_to_another_server(
    scripted: ScriptedServer, pki: Pki
) -> None:
    with pytest.raises(AddressError):
        HttpLink(scripted.url, pki.identity("dev-1"), token="secret")

    ours = HttpLink("https://127.0.0.1:9/", pki.identity("dev-1"), token="secret", pace=QUICK)
    with closing(ours), pytest.raises(AgentError):
        ours.repository(scripted.url).read(BLOB, 0, 1)
    assert len(scripted.asked) == 1
    assert b"secret" not in scripted.asked[0]
    assert b"Authorization" not in scripted.asked[0]
