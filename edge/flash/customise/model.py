"""The model of device.yml: what one device is called, how it is reached, and whom it asks."""

import ipaddress
import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from pydantic import AfterValidator, Field, model_validator

from edge.errors import InputError
from edge.flash.customise import time_zones
from edge.strict.formats import Hostname, Text, matching
from edge.strict.model import StrictModel, wrong
from edge.strict.wording import shown

KEY_KINDS: Final = (
    "ssh-ed25519",
    "ssh-rsa",
    *(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)),
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
FILE: Final = "file:"
_LINES_MOST: Final = 64  # of a file that the device reads
_INTERFACE: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}|\*"
_KEY: Final = re.compile(r"(\S+) ([A-Za-z0-9+/]+={0,2})( [ -~]{0,200})?")
_URL: Final = re.compile(r"[a-z]{4,5}://[!-~]{1,1000}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9-]+")
_BLOB_SHOWN: Final = 24


class Method(StrEnum):
    """How an interface gets its address."""

    DHCP = "dhcp"
    STATIC = "static"
    NONE = "none"


def _host_name(text: str) -> str:
    if text.endswith(("-", ".")) or ".." in text:
        raise wrong(f"{shown(text)} is not a host name", "it ends in a letter or a digit")
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(_plain(text)))
    except ValueError as error:
        raise wrong(f"{shown(text)} is not an IP address", "like 192.168.7.1 or fd00::1") from error


def _interface_address(text: str) -> str:
    try:
        found = ipaddress.ip_interface(_plain(text))
    except ValueError as error:
        raise wrong(f"{shown(text)} is not an address", "like 192.168.7.2/24") from error
    if "/" not in text or not text.rpartition("/")[2].isdigit():
        raise wrong(f"{shown(text)} has no length of its network", "like 192.168.7.2/24")
    if found.ip in _not_of_hosts(found.network):
        raise wrong(f"{shown(text)} is the network, not an address in it", "like 192.168.7.2/24")
    return str(found)


def _plain(text: str) -> str:
    """Refuse the zone of an address: `fe80::1%eth0`."""
    if "%" in text:
        raise ValueError(text)
    return text


def _not_of_hosts(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]:
    if network.version == 6 or network.prefixlen >= 31:
        return ()
    return network.network_address, network.broadcast_address


def _wired(name: str) -> str:
    if name.startswith(("wl", "ww")):
        raise wrong(f"{shown(name)} is wireless, which is not supported yet", "use a wired one")
    return name


def ssh_key(text: str) -> str:
    """Return an OpenSSH public key as the device takes it: one line without options.

    Raises:
        PydanticCustomError: It is none.
    """
    text = text.strip()
    name = shown(text[:_BLOB_SHOWN] + ("..." if len(text) > _BLOB_SHOWN else ""))
    if "PRIVATE KEY" in text:
        raise wrong("this is a private key", "the public one is in the file that ends in .pub")
    found = _KEY.fullmatch(text)
    if not found or found[1] not in KEY_KINDS:
        hint = f"a line like the file that ends in .pub has; kinds: {', '.join(KEY_KINDS)}"
        raise wrong(f"{name} is not an SSH public key", hint)
    try:
        load_ssh_public_key(f"{found[1]} {found[2]}".encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        if not found[1].startswith("sk-"):
            raise wrong(f"{name}: the key is damaged", "copy the whole line") from error
    return text


def _key_or_file(text: str) -> str:
    return text if text.startswith(FILE) else ssh_key(text)


def _some(keys: tuple[str, ...]) -> tuple[str, ...]:
    if not keys:
        raise wrong("the list is empty", "name one key, or leave ssh out")
    return keys


def _time_zone(name: str) -> str:
    try:
        time_zones.posix(name)
    except InputError as error:
        raise wrong(str(error), error.hint) from error
    return name


def _url(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            known = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
            known &= "mqtts" not in schemes or parts.path in ("", "/")
        except ValueError:
            known, parts = False, urlsplit("")
        if not known or not _URL.fullmatch(text):
            hint = f"like {schemes[0]}://updates.example.com"
            raise wrong(f"{shown(text)} is not a URL of {' or '.join(schemes)}", hint)
        if parts.username is not None or parts.query or parts.fragment:
            raise wrong(
                f"{_shown_host(text)} has more than a place", "no user, password, '?' and '#'"
            )
        return text

    return AfterValidator(check)


def _shown_host(url: str) -> str:
    """Return a URL less what may be a secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


Address = Annotated[str, AfterValidator(_address)]
InterfaceAddress = Annotated[str, AfterValidator(_interface_address)]
InterfaceName = Annotated[
    str,
    matching(_INTERFACE, "the name of an interface", "like eth0; '*' is all others"),
    AfterValidator(_wired),
]


class Interface(StrictModel):
    """One interface of the network."""

    not_yet: ClassVar[frozenset[str]] = frozenset({"ssid", "psk", "wifi"})

    method: Method
    address: InterfaceAddress | None = None
    gateway: Address | None = None
    dns: Annotated[tuple[Address, ...], Field(max_length=3)] = ()

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        if self.method is not Method.STATIC:
            if self.address or self.gateway or self.dns:
                raise wrong(f"method {self.method} has no address, gateway or dns")
            return self
        if self.address is None:
            raise wrong("method static needs an address", "address: 192.168.7.2/24")
        network = ipaddress.ip_interface(self.address).network
        if self.gateway and ipaddress.ip_address(self.gateway) not in network:
            raise wrong(f"the gateway {self.gateway} is not in {network}")
        return self


class Ssh(StrictModel):
    """Who may log in."""

    keys: Annotated[
        tuple[Annotated[str, AfterValidator(_key_or_file)], ...],
        Field(max_length=_LINES_MOST),
        AfterValidator(_some),
    ]


class Console(StrictModel):
    """The server that the agent asks; the whole of what the image says of it is replaced."""

    url: Annotated[str, _url("https", "http")] | None = None
    mqtt: Annotated[str, _url("mqtts")] | None = None
    token_file: Text | None = None
    server_ca: Text | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if not self.url and not self.mqtt:
            raise wrong("neither url nor mqtt says where the console is")
        if not self.token_file:
            if self.server_ca:
                raise wrong("server_ca goes with token_file", "an identity has one of its own")
            return self
        if self.server_ca is None:
            raise wrong("token_file needs server_ca", "the certificate that the server is known by")
        if self.mqtt or not (self.url or "").startswith("https:"):
            raise wrong("a token is sent by https only", "leave mqtt out, and write an https url")
        return self


class Device(StrictModel):
    """device.yml: what one device gets before its first start."""

    not_yet: ClassVar[frozenset[str]] = frozenset({"wifi"})

    hostname: Annotated[Hostname, AfterValidator(_host_name)] | None = None
    network: Annotated[dict[InterfaceName, Interface], Field(max_length=_LINES_MOST)] | None = None
    ssh: Ssh | None = None
    timezone: Annotated[str, AfterValidator(_time_zone)] | None = None
    console: Console | None = None
    identity: Text | None = None

    @model_validator(mode="after")
    def _is_known_in_one_way(self) -> Self:
        token = self.console is not None and self.console.token_file is not None
        if token and self.identity:
            raise wrong("identity and console.token_file are two ways to be known", "keep one")
        if token and not _DEVICE.fullmatch(self.hostname or ""):
            raise wrong(
                "console.token_file needs a hostname, which the server knows the device by",
                "1 to 63 of letters, digits and '-'",
            )
        return self
