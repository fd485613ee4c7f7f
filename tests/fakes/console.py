"""A real console in a thread of its own, with keys, an authority of devices, and clients."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPSConnection
from http.cookies import SimpleCookie
from pathlib import Path
from ssl import create_default_context
from typing import Any

from argon2 import PasswordHasher
from cryptography import x509
from sqlalchemy import Connection

from edge.certificates.issuing import OF_DEVICE
from edge.console import app, tenants, tokens
from edge.console.app import Link, Running, Settings
from edge.console.audit import Actor
from edge.console.devices import certificates
from edge.console.hooks.courier import Route
from edge.console.mqtt.link import LinkLimits
from edge.console.mqtt.service import GivenBroker, OwnBroker
from edge.console.people.oidc.provider import Provider
from edge.console.site import Site
from edge.console.store.database import Database
from edge.console.tenants import Tenant
from edge.console.tokens import Scope
from edge_agent.backoff import Backoff
from edge_agent.identity import Identity
from edge_agent.links.guarded import Pace
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from tests.fakes import empty_database
from tests.fakes.pki import Pki

# As few operations as there can be: what is tested is not that they take long.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PACE = Pace(least_bytes_per_s=1000, window_s=6, total_s=20, connect_s=5)
TENANT = "default"


def sql(database: Database, text: str) -> None:
    """Change the database as nobody should."""

    def change(connection: Connection) -> None:
        connection.exec_driver_sql(text)

    database.write_now(change)


@dataclass
class Answered:
    """An answer of the API."""

    status: int
    body: Any
    headers: dict[str, str]
    cookies: dict[str, str] = field(default_factory=dict)


@dataclass
class Console:
    """A console that runs.

    Attributes:
        pki: The authority of the devices of its first tenant.
        token: Its first token.
    """

    site: Site
    pki: Pki
    running: Running
    loop: asyncio.AbstractEventLoop
    token: str
    _links: list[HttpLink | MqttLink] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What devices have in their settings."""
        return f"https://127.0.0.1:{self.running.port}/"

    @property
    def mqtt_url(self) -> str:
        return f"mqtts://127.0.0.1:{self.running.mqtt_port}"

    def mqtt_link(self, device: str, *, boot_id: str = "boot-1", http: bool = True) -> MqttLink:
        """Return the agent's own link over MQTT, with HTTP beside it or alone."""
        identity = self.identity(device)
        polls = HttpLink(self.url, identity, pace=PACE) if http else None
        backoff = Backoff(lambda: 0.05)
        made = MqttLink(self.mqtt_url, identity, boot_id, polls, backoff=backoff, stored_s=1)
        self._links.append(made)
        return made

    @property
    def api_url(self) -> str:
        return f"https://127.0.0.1:{self.running.api_port}"

    def identity(self, device: str, pki: Pki | None = None, *, epoch: int = 1) -> Identity:
        """Return what a device of the factory has."""
        folder = (pki or self.pki).device(device, epoch=epoch)
        (folder / "server-ca.crt").write_bytes(self.site.authority.read_bytes())
        crt, key = folder / "device.crt", folder / "device.key"
        return Identity(device, epoch, crt, key, folder / "server-ca.crt")

    def link(self, device: str, pki: Pki | None = None) -> HttpLink:
        """Return the agent's own link."""
        made = HttpLink(self.url, self.identity(device, pki), pace=PACE)
        self._links.append(made)
        return made

    def fingerprint(self, device: str, pki: Pki | None = None) -> str:
        """Return that of a device's certificate."""
        pem = self.identity(device, pki).certificate.read_bytes()
        parsed = x509.load_pem_x509_certificate(pem)
        return certificates.fingerprint(certificates.der_of(parsed))

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answered:
        """Ask the API; a body of bytes is sent as it is."""
        context = create_default_context(cafile=str(self.site.authority))
        connection = HTTPSConnection(
            "127.0.0.1", self.running.api_port, context=context, timeout=20
        )
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        chosen = self.token if token is None else token
        words = {"Authorization": f"Bearer {chosen}"} if chosen else {}
        try:
            connection.request(method, path, data, {**words, **(headers or {})})
            answer = connection.getresponse()
            said = answer.read()
            kind = answer.getheader("Content-Type") or ""
            found = json.loads(said) if kind.startswith("application/json") else said.decode()
            cookies = SimpleCookie()
            for one in answer.headers.get_all("Set-Cookie", ()):
                cookies.load(one)
            given = {name: one.value for name, one in cookies.items()}
            return Answered(answer.status, found, dict(answer.getheaders()), given)
        finally:
            connection.close()

    def good(self, method: str, path: str, body: object = None, **words: Any) -> Any:
        """Ask the API below `/api/v1`, and return what it says when all is well."""
        answer = self.ask(method, f"/api/v1{path}", body, **words)
        assert answer.status < 300, answer
        return answer.body

    def wait(self, coroutine: Any) -> Any:
        """Run something in the console's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def other_tenant(self, name: str, pki: Pki, keys: Path) -> str:
        """Make a tenant with its own authority and keys, and return a token that may do all."""

        def make(connection: Any) -> str:
            actor = Actor(name, "console", self.running.office.now_s())
            tenants.ensure(connection, actor, keys_folder=str(keys))
            authority = certificates.authority(pki.factory.file.read_bytes(), "test")
            tenants.add_authority(connection, actor, authority)
            noise = iter(("ab" * 8, "cd" * 32))
            return tokens.create(connection, actor, "all", Scope, noise=lambda _n: next(noise))[1]

        text: str = self.running.office.database.write_now(make)
        self.running.office.vaults.open(Tenant(name, str(keys)))
        return text

    def close_links(self) -> None:
        for one in self._links:
            one.close()


def _take_server(site: Site, pki: Pki) -> None:
    site.certificate.parent.mkdir(parents=True)
    for name in ("server-ca.crt", "server.crt", "server.key"):
        (site.certificate.parent / name).write_bytes((pki.folder / name).read_bytes())


async def _hang_up() -> None:
    """Close the connections that clients keep: a loop that ends first loses them."""
    links: Any = asyncio.get_running_loop()._transports  # type: ignore[attr-defined]
    for one in [*links.values()]:
        if one.get_extra_info("peername"):
            one.abort()
    await asyncio.sleep(0)


@contextmanager
def running(
    folder: Path,
    pki: Pki,
    keys: Path,
    *,
    port: int = 0,
    api_port: int = 0,
    with_own_server: bool = True,
    route: Route = Route(),  # noqa: B008
    provider: Provider | None = None,
    mqtt_port: int | None = None,
    given: GivenBroker | None = None,
    device_lists: tuple[Path, ...] = (),
    ddi_poll_s: int = 300,
    device_lifetime: timedelta = OF_DEVICE,
) -> Iterator[Console]:
    """Run a console of a folder and a key ring, with `pki` as the authority of its devices.

    Args:
        api_port: Of the API and the page; 0 for a free one.
        with_own_server: Its certificate is of its own making, else that of `pki`.
        mqtt_port: Of its broker; 0 for a free one, None for no MQTT.
        given: A broker that is there, instead.
    """
    site = Site(folder)
    authority = certificates.authority(pki.factory.file.read_bytes(), "test")
    links: tuple[Link, ...] = ()
    if given is not None:
        links = (given.running,)
    elif mqtt_port is not None:
        limits = LinkLimits(retry_s=0.1)
        links = (OwnBroker(site, "127.0.0.1", mqtt_port, limits=limits).running,)
    settings = Settings(
        site,
        str(keys),
        (authority,),
        port=port,
        api_port=api_port,
        links=links,
        route=route,
        hasher=CHEAP,
        provider=provider,
        device_lists=device_lists,
        ddi_poll_s=ddi_poll_s,
        device_lifetime=device_lifetime,
    )
    if not with_own_server:
        _take_server(site, pki)
    with _ran(settings, pki) as console:
        yield console


@contextmanager
def _ran(settings: Settings, pki: Pki) -> Iterator[Console]:
    empty_database.put(settings.site.folder / "console.db")
    loop = asyncio.new_event_loop()
    stop, started = asyncio.Event(), threading.Event()
    found: list[Running | BaseException] = []

    async def run() -> None:
        try:
            async with app.running(settings) as made:
                found.append(made)
                started.set()
                await stop.wait()
        except BaseException as error:
            found.append(error)
            started.set()
            raise
        await _hang_up()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    started.wait(30)
    try:
        if isinstance(found[0], BaseException):
            raise found[0]
        token = settings.site.admin_token.read_text().strip()
        console = Console(settings.site, pki, found[0], loop, token)
        yield console
        console.close_links()
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
