"""Names and passwords of registries, from the file in which `docker login` keeps them.

`podman login` writes the same. The values go nowhere but into a header for the server they are for.
Source: Docker's config.json (`auths`, `credHelpers`, `credsStore`), the protocol of its
docker-credential-helpers, and containers-auth.json(5).
"""

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge import process
from edge.errors import InputError, ToolError
from edge.system.reference import DOCKER_HUB

_HUB_KEYS = (f"index.{DOCKER_HUB}", f"registry-1.{DOCKER_HUB}")
_HUB_SERVER = f"https://{_HUB_KEYS[0]}/v1/"
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REFRESHES = "<token>"
_HELPER_S = 60.0


@dataclass(frozen=True, slots=True)
class Login:
    """A name with its password, or a token that stands for both."""

    user: str = ""
    password: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """Return the header of HTTP's basic authentication."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Logins by registry, or by registry and path, and the programs that keep others.

    Attributes:
        logins: Those of the file.
        helpers: `docker-credential-NAME` by registry.
        store: The one for all other registries; empty if there is none.
    """

    logins: Mapping[str, Login] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    def for_repository(self, name: str) -> Login | None:
        """Return the login for `host/path`: that of the longest path that was written.

        Raises:
            InputError: A program that keeps logins gives something else.
        """
        parts = name.split("/")
        for count in range(len(parts), 0, -1):
            if found := self.logins.get("/".join(parts[:count])):
                return found
        helper = self.helper(name)
        return _kept(helper, parts[0]) if helper else None

    def helper(self, name: str) -> str:
        """Return the program that may have the login for `host/path`; empty if there is none."""
        host = name.partition("/")[0]
        found = self.helpers.get(host, self.store)
        return f"docker-credential-{found}" if found else ""


def _kept(program: str, host: str) -> Login | None:
    """Return what a program knows of a registry; None if it knows nothing, or is not there."""
    server = _HUB_SERVER if host == DOCKER_HUB else host
    try:
        said = process.run([program, "get"], input_bytes=server.encode(), timeout_s=_HELPER_S)
    except ToolError:
        return None
    try:
        found = json.loads(said.stdout)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{program}: gives no login ({type(error).__name__})") from None
    return Login(refresh_token=secret) if user == _REFRESHES else Login(user, secret)


def places() -> tuple[Path, ...]:
    """Return the files that may have logins: the first that is there counts."""
    named = os.environ.get("REGISTRY_AUTH_FILE")
    docker = os.environ.get("DOCKER_CONFIG")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return (
        *((Path(named),) if named else ()),
        (Path(docker) if docker else Path.home() / ".docker") / "config.json",
        *((Path(runtime) / "containers" / "auth.json",) if runtime else ()),
    )


def read_credentials() -> Credentials:
    """Return the logins of this user; none if there is no file.

    Raises:
        InputError: The file is damaged.
    """
    file = next((place for place in places() if place.is_file()), None)
    return parse_credentials(file.read_text(errors="replace"), str(file)) if file else Credentials()


def parse_credentials(text: str, name: str) -> Credentials:
    """Return the logins of a file.

    Raises:
        InputError: It is damaged; no value of it is told.
    """
    try:
        found = json.loads(text)
        auths = found.get("auths") or {}
        logins = {_key(key): _login(value) for key, value in auths.items()}
        helpers = {_key(key): value for key, value in (found.get("credHelpers") or {}).items()}
        store = found.get("credsStore") or ""
        programs = [one for one in (store, *helpers.values()) if one]
        if not all(_PROGRAM.fullmatch(one) for one in programs):
            raise InputError(f"{name}: what keeps logins is called what no program is")
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(f"{name}: no file of logins ({type(error).__name__})") from None
    return Credentials({key: one for key, one in logins.items() if one}, helpers, store)


def _key(written: str) -> str:
    """Return `host/path`; Docker writes its own hub as an address."""
    key = written.partition("://")[2] or written
    host, _slash, path = key.rstrip("/").partition("/")
    path = "" if path in ("v1", "v2") else path
    host = DOCKER_HUB if host in _HUB_KEYS else host
    return f"{host}/{path}" if path else host


def _login(value: Mapping[str, str]) -> Login | None:
    if token := value.get("identitytoken"):
        return Login(refresh_token=token)
    if written := value.get("auth"):
        user, _colon, password = base64.b64decode(written, validate=True).decode().partition(":")
        return Login(user, password.rstrip("\0"))
    if value.get("username"):
        return Login(value["username"], value.get("password", ""))
    return None
