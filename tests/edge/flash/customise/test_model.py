"""device.yml: every key, and every mistake with its place."""

from pathlib import Path

import pytest

from edge.errors import InputError, ProblemsError, ThingNotFoundError
from edge.flash.customise import reading
from edge.flash.customise.model import Device, Interface, Method
from edge.flash.customise.schema import schema

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB+vNdXhYHDs1/ZEXAg3XX0ztY0R2xSn1zF4R1iHt0mP"
ALL = f"""
hostname: gateway-7
network:
  eth0: {{method: static, address: 192.168.7.2/24, gateway: 192.168.7.1, dns: [192.168.7.1]}}
  eth1: {{method: none}}
  "*": {{method: dhcp}}
ssh:
  keys: ["{KEY} me@desk", "file:id.pub"]
timezone: Europe/Berlin
console:
  url: https://updates.example.com/
  mqtt: mqtts://updates.example.com:8883
identity: made/gateway-7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "device.yml"


def device(file: Path, text: str, *settings: str) -> Device:
    file.write_text(text)
    return reading.read(file, settings).device


def problems(file: Path, text: str, *settings: str) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        device(file, text, *settings)
    return [
        str(one).replace(f"{file}", "device.yml") + (f" | {one.hint}" if one.hint else "")
        for one in caught.value.problems
    ]


def test_every_key_is_read(file: Path) -> None:
    found = device(file, ALL)

    assert found.hostname == "gateway-7"
    assert found.network is not None
    assert found.network["eth0"] == Interface(
        method=Method.STATIC,
        address="192.168.7.2/24",
        gateway="192.168.7.1",
        dns=("192.168.7.1",),
    )
    assert [one.method for one in found.network.values()] == ["static", "none", "dhcp"]
    assert found.ssh is not None
    assert found.ssh.keys == (f"{KEY} me@desk", "file:id.pub")
    assert found.console is not None
    assert found.console.mqtt == "mqtts://updates.example.com:8883"
    assert (found.timezone, found.identity) == ("Europe/Berlin", "made/gateway-7")


def test_every_key_of_the_model_is_in_that_file_and_in_the_schema(file: Path) -> None:
    found = device(file, ALL)

    assert set(found.model_fields_set) == set(Device.model_fields)
    assert set(schema()["properties"]) == set(Device.model_fields)


STATIC = "network: {eth0: {method: static, address: "
WRONG = [
    ("hostname: a_b", "device.yml:1:11: hostname: 'a_b' is not a host name"),
    ("hostname: gateway-", "'gateway-' is not a host name | it ends in a letter or a digit"),
    ("hostname: a..b", "'a..b' is not a host name"),
    ('hostname: "a\\nb"', "is not a host name"),
    ("hostname: 7", "7 is not text"),
    ("hostnam: x", "device.yml:1:1: hostnam: unknown key 'hostnam' | did you mean 'hostname'?"),
    ("wifi: {ssid: x}", "device.yml:1:1: wifi: 'wifi' is not supported yet"),
    ("network: {eth0: {method: dhcp, ssid: x}}", "network.eth0.ssid: 'ssid' is not supported yet"),
    ("network: {wlan0: {method: dhcp}}", "'wlan0' is wireless, which is not supported yet"),
    ('network: {"eth0 dhcp": {method: dhcp}}', "'eth0 dhcp' is not the name of an interface"),
    ("network: {eth0: {method: dhpc}}", "'dhpc' is not one of dhcp, static, none"),
    (
        "network: {eth0: {method: dhcp, metod: dhcp}}",
        "key 'metod' | did you mean 'method'?",
    ),
    ("network: {eth0: {}}", "device.yml:1:17: network.eth0: the key 'method' is missing"),
    ("network: {eth0: {method: static}}", "method static needs an address"),
    ("network: {eth0: {method: dhcp, dns: [1.1.1.1]}}", "method dhcp has no address, gateway or"),
    (f"{STATIC}192.168.7.2}}}}", "'192.168.7.2' has no length of its network"),
    (f"{STATIC}192.168.7.0/24}}}}", "'192.168.7.0/24' is the network, not an address in it"),
    (f"{STATIC}192.168.7.2/33}}}}", "'192.168.7.2/33' is not an address"),
    (f'{STATIC}"fe80::1%eth0/64"}}}}', "is not an address"),
    (f"{STATIC}10.0.0.2/24, gateway: 10.0.1.1}}}}", "the gateway 10.0.1.1 is not in 10.0.0.0/24"),
    (f'{STATIC}10.0.0.2/24, dns: ["1.1.1.1; reboot"]}}}}', "is not an IP address"),
    (f"{STATIC}10.0.0.2/24, dns: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]}}}}", "more than 3 values"),
    ("ssh: {keys: []}", "ssh.keys: the list is empty"),
    ("ssh: {keys: [hello]}", "'hello' is not an SSH public key"),
    ("ssh: {keys: ['ssh-dss AAAAB3Nz me']}", "is not an SSH public key"),
    (f"ssh: {{keys: ['command=\"id\" {KEY}']}}", "is not an SSH public key"),
    (f'ssh: {{keys: ["{KEY}\\n{KEY}"]}}', "is not an SSH public key"),
    (f"ssh: {{keys: ['{KEY[:-9]}']}}", "the key is damaged"),
    ("ssh: {keys: ['-----BEGIN OPENSSH PRIVATE KEY-----']}", "this is a private key"),
    ("timezone: Europe/Berlni", "no time zone 'Europe/Berlni' | did you mean 'Europe/Berlin'?"),
    ("timezone: ../../etc/passwd", "there is no time zone '../../etc/passwd'"),
    ("timezone: /etc/localtime", "there is no time zone '/etc/localtime'"),
    ("console: {}", "neither url nor mqtt says where the console is"),
    ("console: {url: ftp://a.example}", "'ftp://a.example' is not a URL of https or http"),
    ("console: {url: https://}", "'https://' is not a URL"),
    ("console: {url: 'https://a.example:99999/'}", "is not a URL"),
    ('console: {url: "https://a.example/\\n"}', "is not a URL"),
    ("console: {mqtt: mqtt://a.example}", "'mqtt://a.example' is not a URL of mqtts"),
    ("console: {mqtt: mqtts://a.example/y}", "'mqtts://a.example/y' is not a URL of mqtts"),
    ("console: {url: https://a.example, token: secret}", "'token' | did you mean 'token_file'?"),
    ("console: {url: https://a.example, token_file: t}", "token_file needs server_ca"),
    ("console: {url: https://a.example, server_ca: t}", "server_ca goes with token_file"),
    (
        "console: {url: http://a.example, token_file: t, server_ca: c}",
        "a token is sent by https only",
    ),
    (
        "console: {url: https://a.example, token_file: t, server_ca: c}",
        "token_file needs a hostname",
    ),
    (
        "{hostname: a, identity: i, console: {url: https://example, token_file: t, server_ca: c}}",
        "identity and console.token_file are two ways to be known",
    ),
    ("- x", "a mapping is needed here"),
]


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[text for text, _expected in WRONG])
def test_a_mistake_is_told_with_its_place(file: Path, text: str, expected: str) -> None:
    found = problems(file, text)

    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("device.yml:1:")


def test_all_mistakes_come_at_once_in_the_order_of_the_lines(file: Path) -> None:
    text = "hostname: a b\ntimezone: Nowhere\nssh:\n  keys: [x]\nconsole: {url: x}\nwifi: {}\n"

    places = [one.split(": ")[:2] for one in problems(file, text)]

    assert places == [
        ["device.yml:1:11", "hostname"],
        ["device.yml:2:11", "timezone"],
        ["device.yml:4:10", "ssh.keys[0]"],
        ["device.yml:5:16", "console.url"],
        ["device.yml:6:1", "wifi"],
    ]


def test_an_option_stands_over_the_file(file: Path) -> None:
    found = device(
        file, ALL, "hostname=other", "network.eth1.method=dhcp", "network.eth2.method=dhcp"
    )

    assert found.hostname == "other"
    assert found.network is not None
    assert list(found.network) == ["eth0", "eth1", "*", "eth2"]
    assert found.network["eth1"].method == "dhcp"


def test_options_alone_are_enough() -> None:
    read = reading.read(None, ["hostname=0123", "ssh.keys=file:a.pub", "ssh.keys=file:b.pub"])

    assert read.device.hostname == "0123"
    assert read.device.ssh is not None
    assert read.device.ssh.keys == ("file:a.pub", "file:b.pub")
    assert read.folder == Path()


def test_a_list_of_an_option_replaces_and_a_word_is_added(file: Path) -> None:
    text = "network: {eth0: {method: static, address: 10.0.0.2/24, dns: [10.0.0.1]}}"

    replaced = device(file, text, "network.eth0.dns=[10.0.0.3]").network
    added = device(file, text, "network.eth0.dns=10.0.0.3").network

    assert replaced is not None
    assert added is not None
    assert replaced["eth0"].dns == ("10.0.0.3",)
    assert added["eth0"].dns == ("10.0.0.1", "10.0.0.3")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("hostname=a b", "--set hostname"),
        ("network.eth0.metod=dhcp", "--set network.eth0.metod"),
        ("network.eth0={method: dhpc}", "--set network.eth0"),
        ("hostname.x=y", "--set hostname.x"),
    ],
)
def test_a_mistake_in_an_option_names_the_option(setting: str, expected: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        reading.read(None, ["timezone=UTC", setting])

    assert str(caught.value.problems[0]).startswith(f"{expected}:1:")


@pytest.mark.parametrize("setting", ["hostname", "=x", ".=x", "a..b=x"])
def test_an_option_that_is_no_pair_is_told(setting: str) -> None:
    with pytest.raises(InputError, match="not KEY=VALUE"):
        reading.read(None, [setting])


def test_a_token_comes_from_a_file_and_is_never_shown(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "{hostname: a, console: {url: https://a.example, server_ca: ca.crt}}"

    found = device(file, text, "console.token=@secret").console
    with pytest.raises(InputError) as caught:
        device(file, text, "console.token=hunter2-hunter2")
    with pytest.raises(InputError) as of_the_file:
        device(file, text.replace("server_ca", "token: hunter2-hunter2, server_ca"))

    assert found is not None
    assert found.token_file == str(tmp_path / "secret")
    assert "hunter2" not in f"{caught.value} {caught.value.hint} {of_the_file.value}"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ThingNotFoundError):
        reading.read(tmp_path / "none.yml")
