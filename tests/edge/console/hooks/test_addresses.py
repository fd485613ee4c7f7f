"""Webhooks go to public addresses only, however a private one is written or told."""

import asyncio
import ipaddress

import aiohttp
import pytest

from edge.console.hooks.addresses import Allowed, Resolver, check_url, networks
from edge.errors import EdgeError, InputError, RefusedError

PUBLIC = Allowed()
PRIVATE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
)


def url_of(host: str) -> str:
    return f"http://{host}/hook"


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_are_refused_in_the_url_and_from_a_name(text: str) -> None:
    host = f"[{text}]" if ":" in text else text

    with pytest.raises(RefusedError, match="private"):
        check_url(f"https://{host}/hook", PUBLIC)
    with pytest.raises(OSError, match="no address"):
        asyncio.run(Resolver(PUBLIC, lambda _host, _port: [text]).resolve("example.com", 443))


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(text: str) -> None:
    assert ipaddress.ip_address(text) in PUBLIC


def test_of_many_addresses_of_a_name_only_the_allowed_are_connected_to() -> None:
    found = asyncio.run(
        Resolver(PUBLIC, lambda _host, _port: ["10.0.0.1", "93.184.216.34"]).resolve("a", 443)
    )

    assert [one["host"] for one in found] == ["93.184.216.34"]


def test_odd_ways_to_write_an_address_are_looked_at_as_the_system_reads_them() -> None:
    for host in ("2130706433", "0x7f.1", "localhost"):
        with pytest.raises(OSError, match="no address"):
            asyncio.run(Resolver(PUBLIC).resolve(host, 443))


def test_a_named_network_is_allowed_and_no_other() -> None:
    lab = Allowed(networks(["10.1.0.0/16"]))

    check_url(url_of("10.1.2.3:8080"), lab)
    with pytest.raises(RefusedError):
        check_url(url_of("10.2.0.1"), lab)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param("http://example.com/", RefusedError, id="no TLS"),
        pytest.param("ftp://example.com/", InputError, id="scheme"),
        pytest.param("https:///hook", InputError, id="no host"),
        pytest.param("https://a:b@example.com/", InputError, id="password"),
        pytest.param("https://example.com:99999/", InputError, id="port"),
        pytest.param("https://example .com/", InputError, id="blank"),
        pytest.param("https://example.com/\r\nX: y", InputError, id="line"),
        pytest.param("https:" + "//[::1/", InputError, id="bracket"),
        pytest.param("file:///etc/passwd", InputError, id="file"),
    ],
)
def test_other_urls_are_told(url: str, kind: type[EdgeError]) -> None:
    with pytest.raises(kind):
        check_url(url, PUBLIC)


def test_no_network_is_told() -> None:
    with pytest.raises(InputError, match="no network"):
        networks(["10.1.0.0/33"])


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "017700000001", "1.2.3."])
def test_addresses_that_the_client_would_not_resolve_are_no_hosts(host: str) -> None:
    with pytest.raises(InputError, match="as people write it"):
        check_url(f"https://{host}/hook", PUBLIC)


@pytest.mark.parametrize("host", ["0x7f.1", "0x7f000001", "localhost"])
def test_all_other_hosts_are_resolved_before_they_are_connected_to(host: str) -> None:
    async def send() -> None:
        connector = aiohttp.TCPConnector(resolver=Resolver(PUBLIC))
        async with aiohttp.ClientSession(connector=connector) as session:
            await session.post(f"https://{host}:9/hook")

    check_url(f"https://{host}:9/hook", PUBLIC)
    with pytest.raises(aiohttp.ClientConnectorDNSError, match="no address that webhooks"):
        asyncio.run(send())
