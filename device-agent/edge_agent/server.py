"""The server that one device was given at its first boot, in place of that of its image.

Init has put the files here from the data partition, which nobody vouches for: whoever writes it can
have a device ask another server, or none. What is installed does not rest on that.

    {"http": "https://example.com/", "mqtt": "mqtts://example.com", "device": "gateway-7"}
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edge_agent.errors import AgentError
from edge_agent.identity import Identity
from edge_agent.settings import URL
from edge_signing.errors import FormatError
from edge_signing.fields import Fields

FOLDER: Final = Path("/run/edge/config/agent")
FILE: Final = "server.json"
TOKEN_FILE: Final = "token"  # noqa: S105  # no secret, but the name of a file
CA_FILE: Final = "server-ca.crt"
# Source: RFC 6750, section 2.1 (b64token).
TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{16,512}=*")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and how a device without a certificate is known there.

    Attributes:
        http: Its URL, empty for none.
        mqtt: URL of its broker, empty for none.
        token: Sent over HTTPS by a device that has no certificate; empty for none.
        identity: Of a device that is known by the token.
    """

    http: str = ""
    mqtt: str = ""
    token: str = ""
    identity: Identity | None = None

    @classmethod
    def read(cls, folder: Path = FOLDER) -> "Server | None":
        """Return the server that this device was given; None if it was given none.

        Raises:
            AgentError: What it was given is wrong.
        """
        try:
            document = _content(folder / FILE)
            token = _content(folder / TOKEN_FILE) if (folder / TOKEN_FILE).exists() else b""
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AgentError(f"{folder}: {error.strerror}") from error
        try:
            return cls._unpack(document, token, folder)
        except (FormatError, ValueError) as error:
            raise AgentError(f"{folder / FILE}: {error}") from error

    @classmethod
    def _unpack(cls, document: bytes, token: bytes, folder: Path) -> "Server":
        fields = Fields(json.loads(document), FILE)
        http = _url(fields, "http", "https", "http")
        mqtt = _url(fields, "mqtt", "mqtts")
        device = fields.text("device", _DEVICE) if fields.has("device") else ""
        fields.end()
        if not token or not device:
            return cls(http, mqtt)
        from edge_agent.links import tls

        text = token.decode("ascii").removesuffix("\n")
        if not TOKEN.fullmatch(text) or not http.startswith("https:"):
            raise FormatError("the token is none, or not for HTTPS")
        missing = folder / "none"
        identity = Identity(device, 0, missing, missing, folder / CA_FILE)
        tls.context(identity, with_certificate=False)
        return cls(http, mqtt, text, identity)


def _url(fields: Fields, name: str, *schemes: str) -> str:
    if not fields.has(name):
        return ""
    text = fields.text(name, URL)
    parts = urlsplit(text)
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    is_place = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    if not is_place or not is_plain or (name == "mqtt" and parts.path not in ("", "/")):
        raise FormatError(f"{name} {text!r} is no URL of a server")
    return text


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_MOST_BYTES)
