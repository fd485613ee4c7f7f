"""From where a request comes: nobody can say it himself, only a proxy of ours can."""

import ipaddress

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from edge.console.api.addresses import PROXIES, address

OURS = (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("10.1.0.0/16"))


@pytest.mark.parametrize(
    ("peer", "lines", "wanted"),
    [
        pytest.param("127.0.0.1", ["192.0.2.7"], "192.0.2.7", id="proxy"),
        pytest.param("127.0.0.1", ["203.0.113.9, 192.0.2.7"], "192.0.2.7", id="forged before"),
        pytest.param("127.0.0.1", ["203.0.113.9", "192.0.2.7"], "192.0.2.7", id="two lines"),
        pytest.param("127.0.0.1", ["192.0.2.7, 10.1.2.3"], "192.0.2.7", id="two proxies"),
        pytest.param("127.0.0.1", ["10.1.2.3"], "10.1.2.3", id="a proxy itself"),
        pytest.param("198.51.100.1", ["192.0.2.7"], "198.51.100.1", id="no proxy of ours"),
        pytest.param("127.0.0.1", [], "127.0.0.1", id="no header"),
        pytest.param("127.0.0.1", ["unknown"], "127.0.0.1", id="no address"),
        pytest.param("127.0.0.1", ["192.0.2.7, "], "127.0.0.1", id="nothing"),
        pytest.param("", ["192.0.2.7"], "", id="nobody"),
        pytest.param("127.0.0.1", ["2001:db8::1"], "2001:db8::1", id="IPv6"),
    ],
)
def test_only_proxies_of_ours_say_where_a_request_comes_from(
    peer: str, lines: list[str], wanted: str
) -> None:
    app = web.Application()
    app[PROXIES] = OURS
    headers = CIMultiDict([("X-Forwarded-For", line) for line in lines])

    request = make_mocked_request("GET", "/", headers=headers, app=app).clone(remote=peer)

    assert address(request) == wanted
