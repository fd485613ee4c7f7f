"""From a checked device.yml to files of the data partition.

Each file is lines of printable ASCII, in the form that `usr/lib/edge/configure` of the device asks
for again before it takes it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic_core import PydanticCustomError

from edge.errors import InputError, ThingNotFoundError
from edge.flash.customise import model, time_zones
from edge.flash.customise.model import Console, Device, Interface, Method
from edge.flash.customise.reading import Read
from edge.image import provision
from edge.image.provision import FIRST_BOOT, Placed
from edge.keys import secrets
from edge_agent import server
from edge_agent.errors import AgentError
from edge_agent.identity import Identity

_CERTIFICATES_MOST_BYTES: Final = 32 << 10
_WORDS: Final = {Method.DHCP: "dhcp", Method.STATIC: "static", Method.NONE: "off"}


def files(read: Read) -> tuple[Placed, ...]:
    """Return the files for a device; those that it names are read now.

    Raises:
        EdgeError: A file that is named is missing, wrong, or a secret that others may read.
    """
    return tuple(_files(read))


def network_lines(interfaces: Mapping[str, Interface]) -> list[str]:
    """Return the lines of network.conf, as the service `network` reads them."""
    return [_interface(name, one) for name, one in interfaces.items()]


def _files(read: Read) -> Iterator[Placed]:
    device = read.device
    if device.hostname is not None:
        yield _lines("hostname", [device.hostname])
    if device.timezone is not None:
        yield _lines("timezone", [f"{device.timezone} {time_zones.posix(device.timezone)}"])
    if device.network:
        yield _lines("network.conf", network_lines(device.network))
    if device.ssh is not None:
        keys = [key for one in device.ssh.keys for key in _keys(read, one)]
        yield _lines("authorized_keys", keys)
    if device.console is not None:
        yield from _console(read, device, device.console)
    if device.identity is not None:
        yield from _identity(read, device.identity)


def _lines(name: str, lines: list[str]) -> Placed:
    return Placed(FIRST_BOOT / name, "".join(f"{line}\n" for line in lines).encode("ascii"))


def _interface(name: str, one: Interface) -> str:
    words = [name, _WORDS[one.method]]
    words += [one.address] if one.address else []
    words += ["gateway", one.gateway] if one.gateway else []
    words += [word for address in one.dns for word in ("dns", address)]
    return " ".join(words)


def _keys(read: Read, text: str) -> Iterator[str]:
    """Give the key itself, or those in the file that it names."""
    if not text.startswith(model.FILE):
        yield text
        return
    path = _path(read, text.removeprefix(model.FILE))
    lines = _content(read, path).decode(errors="replace").splitlines()
    keys = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not keys:
        raise InputError(f"{path}: there is no key in it")
    for number, line in keys:
        try:
            yield model.ssh_key(line)
        except PydanticCustomError as error:
            context = error.context or {}
            message = f"{path}:{number}: {context.get('message')}"
            raise InputError(message, hint=context.get("hint")) from error


def _console(read: Read, device: Device, console: Console) -> Iterator[Placed]:
    facts = {"http": console.url, "mqtt": console.mqtt}
    if console.token_file is not None and console.server_ca is not None:
        facts["device"] = device.hostname
        yield _lines(server.TOKEN_FILE, [_token(_path(read, console.token_file))])
        yield _certificates(read, _path(read, console.server_ca))
    known = {name: value for name, value in facts.items() if value}
    yield _lines(server.FILE, [json.dumps(known, separators=(",", ":"), sort_keys=True)])


def _token(path: Path) -> str:
    token = secrets.read(path)
    if not server.TOKEN.fullmatch(token):
        raise InputError(
            f"{path}: the first line is no token",
            hint="16 to 512 of letters, digits and -._~+/, then '=' (RFC 6750, section 2.1)",
        )
    return token


def _certificates(read: Read, path: Path) -> Placed:
    content = _content(read, path)
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise InputError(f"{path}: no certificate in PEM: {error}") from error
    if len(content) > _CERTIFICATES_MOST_BYTES:
        raise InputError(f"{path}: more than {_CERTIFICATES_MOST_BYTES} bytes")
    # Written anew: what stands between certificates does not go to the device.
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in found)
    return Placed(FIRST_BOOT / server.CA_FILE, pem)


def _identity(read: Read, name: str) -> tuple[Placed, ...]:
    folder = _path(read, name)
    found = provision.identity_files(folder)
    secrets.private_bytes(folder / "device.key")
    try:
        Identity.read(folder)
    except AgentError as error:
        raise InputError(str(error)) from error
    return found


def _path(read: Read, name: str) -> Path:
    return read.folder / Path(name).expanduser()


def _content(read: Read, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ThingNotFoundError(f"{path}: no such file, {read.place} names it") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
