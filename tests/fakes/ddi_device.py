"""A device that speaks DDI as the specification has it, and nothing else: an independent client."""

import itertools
import json
import ssl
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.fakes.console import Answered, Console

PAYLOAD = b"an update of somebody else" * 1000
_NUMBERS = itertools.count(100)


@dataclass(frozen=True)
class Answer:
    """What a console answers."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        assert self.status == 200, self
        return json.loads(self.body)


@dataclass
class DdiDevice:
    """One device.

    Attributes:
        authorization: The header of that name; empty: none is sent.
        identity: Folder with a certificate and its key, shown to TLS.
        tenant: As it is set on the device.
    """

    site: Console
    name: str
    authorization: str = ""
    identity: Path | None = None
    tenant: str = "DEFAULT"
    _context: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self._context = ssl.create_default_context(cafile=str(self.site.site.authority))
        if self.identity is not None:
            crt, key = self.identity / "device.crt", self.identity / "device.key"
            self._context.load_cert_chain(crt, key)

    @property
    def base(self) -> str:
        return f"/{self.tenant}/controller/v1/{self.name}"

    def connection(self) -> HTTPSConnection:
        port = self.site.running.port
        return HTTPSConnection("127.0.0.1", port, context=self._context, timeout=20)

    def headers(self, **more: str) -> dict[str, str]:
        said = {"Authorization": self.authorization} if self.authorization else {}
        return {**said, **more}

    def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Ask for something below its base, or at a URL that it was given."""
        parts = urlsplit(path)
        target = f"{parts.path}?{parts.query}" if parts.scheme else f"{self.base}{path}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with closing(self.connection()) as connection:
            connection.request(method, target, data, self.headers(**(headers or {})))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))

    def links(self) -> dict[str, str]:
        """Poll, and return the links by their names."""
        found = self.ask("GET", "").json
        return {name: link["href"] for name, link in found.get("_links", {}).items()}

    def take(self) -> dict[str, Any]:
        """Poll, and return what is to be installed."""
        found: dict[str, Any] = self.ask("GET", self.links()["deploymentBase"]).json
        return found

    def feedback(
        self,
        number: object,
        execution: str,
        finished: str = "none",
        *details: str,
        channel: str = "deploymentBase",
        **result: object,
    ) -> int:
        """Say something of an order, and return the status of the answer."""
        said = {"execution": execution, "result": {"finished": finished, **result}}
        body = {"id": str(number), "status": {**said, "details": list(details)}}
        return self.ask("POST", f"/{channel}/{number}/feedback", body).status

    def put_data(self, data: object, **more: object) -> Answer:
        return self.ask("PUT", "/configData", {"data": data, **more})


def add_file(site: Console, data: bytes = PAYLOAD, **query: Any) -> Answered:
    """Bring the console a file of a release."""
    chosen = {"product": "gateway", "version": "1", "boards": "bench", "name": "a.swu", **query}
    return site.ask("POST", f"/api/v1/files?{urlencode(chosen)}", data)


def device_with_token(site: Console, name: str = "") -> DdiDevice:
    """Let a device in that has a token; without a name it is one that no other has."""
    name = name or f"unit-{next(_NUMBERS)}"
    site.good("POST", "/devices", {"device": name})
    token = site.good("POST", f"/devices/{name}/token")["token"]
    return DdiDevice(site, name, f"TargetToken {token}")
