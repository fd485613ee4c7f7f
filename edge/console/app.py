"""The parts of a console joined, and running."""

import asyncio
import logging
import secrets
import ssl
import sys
from asyncio import sslproto
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection

from edge.certificates.issuing import OF_DEVICE
from edge.console import founding, samples, tenants
from edge.console.api import server as api
from edge.console.api.addresses import PROXIES
from edge.console.api.oidc import OidcRoutes
from edge.console.api.session import SessionRoutes
from edge.console.audit import CONSOLE, Actor
from edge.console.ddi.desk import DdiDesk
from edge.console.ddi.link import POLL_S, DdiLink
from edge.console.devices.list_watch import ListWatch
from edge.console.enrolment.est import Est
from edge.console.enrolment.own_list import OwnList
from edge.console.enrolment.registrar import Registrar
from edge.console.front_desk import FrontDesk
from edge.console.hooks.addresses import Allowed, Network, networks
from edge.console.hooks.courier import Route
from edge.console.http.link import KEEP_ALIVE_S, HttpLink, shown_by_tls
from edge.console.mqtt.state import MqttState
from edge.console.office import Office
from edge.console.people import invitations
from edge.console.people.door import PeopleDoor
from edge.console.people.entrance import Entrance
from edge.console.people.oidc.attempts import Attempts
from edge.console.people.oidc.provider import Provider
from edge.console.people.oidc.remote import Remote
from edge.console.people.passwords import Hasher, Passwords
from edge.console.people.refusals import Refusals
from edge.console.repeating import FORESEEN, repeating
from edge.console.repository.vaults import Vaults
from edge.console.site import DEFAULT_TENANT, Site
from edge.console.store.database import Database
from edge.console.tenants import Tenant
from edge.errors import EdgeError

_SIGHTINGS_S: Final = 1.0
_LOOK_S: Final = 5.0
_EXPIRE_S: Final = 10
_TERMINALS_S: Final = 1.0
_RENEW_S: Final = 600.0
_REFRESH_S: Final = 3600.0
_SAMPLES_S: Final = 60.0
_CAMPAIGNS_S: Final = 0.5
_END_S: Final = 5.0
# A thread that counts or draws gives way after so long, not after 5 ms: what a device reports is
# handed from one thread to another a dozen times, and waits each time.
SWITCH_S: Final = 0.001
# What asyncio keeps for each connection with TLS, 256 KiB else: 2,000 devices that are quiet took
# 280 KiB each. A record of TLS has 16 KiB at most.
_TLS_BUFFER_BYTES: Final = 32 << 10

Link = Callable[[Office], AbstractAsyncContextManager[object]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a console is to run.

    Attributes:
        site: Its folder.
        keys_folder: The key ring of the first tenant.
        authorities: Certificates of the authorities of that tenant's devices.
        database_url: Empty for the one in the folder.
        bind: The address to listen on.
        port: Of the link to devices; 0 for a free one.
        api_port: Of the API; 0 for a free one.
        hosts: Names of this server, for its first certificate.
        links: Further links, which run beside HTTP.
        route: How webhooks get out.
        hasher: Of passwords; None for the usual one.
        provider: Of OpenID Connect; None for passwords alone.
        proxies: Who says for others from where they come.
        ddi_poll_s: How long devices that speak DDI wait between two polls.
        device_lists: Files with lists of revoked certificates of devices.
        device_lifetime: How long certificates hold that the console makes for devices.
    """

    site: Site
    keys_folder: str
    authorities: tuple[x509.Certificate, ...] = ()
    database_url: str = ""
    bind: str = "127.0.0.1"
    port: int = 0
    api_port: int = 0
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    links: tuple[Link, ...] = ()
    route: Route = Route()  # noqa: RUF009
    hasher: Hasher | None = None
    provider: Provider | None = None
    proxies: tuple[Network, ...] = ()
    ddi_poll_s: int = POLL_S
    device_lists: tuple[Path, ...] = ()
    device_lifetime: timedelta = OF_DEVICE


@dataclass(frozen=True, slots=True)
class Running:
    """A console that runs.

    Attributes:
        office: What can be done with it.
        port: Of the link to devices.
        api_port: Of the API.
        mqtt_port: Of the broker; 0 for none.
        welcome: The path at which the first person comes in, with its secret; empty when there
            is somebody.
    """

    office: Office
    port: int
    api_port: int
    mqtt_port: int = 0
    welcome: str = field(default="", repr=False)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Run a console until the block ends.

    Raises:
        EdgeError: The key ring, the database or a port can not be used.
        RefusedError: Another console runs in the folder.
    """
    sslproto.SSLProtocol.max_size = _TLS_BUFFER_BYTES
    sys.setswitchinterval(SWITCH_S)
    site = settings.site
    now = datetime.now(UTC)
    with site.alone():
        site.prepare(settings.hosts, now=now)
        database = await asyncio.to_thread(Database, settings.database_url or site.database_url)
        try:
            vaults = Vaults(site.tenants, lambda: datetime.now(UTC))
            office = Office(database, vaults, FrontDesk(database, vaults), route=settings.route)
            known = await database.write(lambda one: _first(one, settings, int(now.timestamp())))
            welcome = await database.write(lambda one: _welcome(one, office.now_s()))
            for tenant in known:
                await asyncio.to_thread(vaults.open, tenant)
                await office.campaigns.begin(tenant.tenant)
            await office.terminals.begin()
            async with (
                _watching_lists(settings, office),
                _serving(settings, office) as ports,
                _linked(settings.links, office),
            ):
                mqtt_port = office.mqtt.port if office.mqtt else 0
                try:
                    yield Running(office, *ports, mqtt_port, welcome)
                finally:
                    await office.terminals.end()
            await office.desk.store_sightings()
        finally:
            await asyncio.to_thread(database.close)


@asynccontextmanager
async def _serving(settings: Settings, office: Office) -> AsyncIterator[tuple[int, int]]:
    site, database = settings.site, office.database
    authorities = await database.read(tenants.authorities)
    link = HttpLink(office.desk, office.vaults, terminals=office.terminals).app()
    registrar = Registrar(
        database,
        office.desk,
        site.tenants,
        now_s=office.now_s,
        lifetime=settings.device_lifetime,
    )
    Est(registrar, shown_by_tls).add_to(link)
    DdiLink(DdiDesk(office), shown_by_tls, poll_s=settings.ddi_poll_s).add_to(link)
    passwords = Passwords(settings.hasher)
    devices = device_tls(site, [one for _tenant, one in authorities])
    registrar.on_authority.append(lambda one: trust(devices, [one]))
    office.on_authority.append(lambda one: trust(devices, [one]))
    async with (
        _closing(passwords),
        _listening(link, devices, settings.bind, settings.port) as port,
        _listening(
            _pages(settings, office, passwords), server_tls(site), settings.bind, settings.api_port
        ) as api_port,
        repeating(_SIGHTINGS_S, office.desk.store_sightings),
        repeating(_TERMINALS_S, office.terminals.look),
        repeating(_EXPIRE_S, lambda: _for_all(office, office.expire_commands)),
        repeating(_RENEW_S, lambda: _for_all(office, office.renew_orders)),
        repeating(_REFRESH_S, lambda: _for_all(office, office.refresh)),
        repeating(_CAMPAIGNS_S, lambda: _for_all(office, office.campaigns.look)),
        office.courier.running(),
        repeating(_SAMPLES_S, lambda: _for_all(office, partial(_sample, office))),
    ):
        yield port, api_port


def route_to(private_networks: Iterable[str]) -> Route:
    """Return how webhooks get out: to public addresses, and to these networks.

    Raises:
        InputError: One is none.
    """
    return Route(Allowed(networks(private_networks)))


def proxies_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of proxies that are believed.

    Raises:
        InputError: One is none.
    """
    return networks(texts)


def _pages(settings: Settings, office: Office, passwords: Passwords) -> web.Application:
    """Return what answers people and programs."""
    database, now_s = office.database, office.now_s
    door = PeopleDoor(database, now_s)
    refusals = Refusals(database, DEFAULT_TENANT, now_s)
    entrance = Entrance(database, passwords, refusals=refusals, now_s=now_s)
    oidc = None
    if settings.provider is not None:
        oidc = OidcRoutes(
            settings.provider,
            Remote(settings.provider, now_s),
            Attempts(now_s, secrets.token_hex),
            entrance=entrance,
            refusals=refusals,
            database=database,
            tenant=DEFAULT_TENANT,
        )
    routes = SessionRoutes(entrance, door, oidc)
    made = api.app(office, incoming=settings.site.incoming, door=door, sessions=routes)
    made[PROXIES] = settings.proxies
    return made


@asynccontextmanager
async def _watching_lists(settings: Settings, office: Office) -> AsyncIterator[None]:
    """Let lists of revoked certificates count, and look at them again as they change."""

    async def authorities() -> list[x509.Certificate]:
        found = await office.database.read(tenants.authorities)
        return [one for tenant, one in found if tenant == DEFAULT_TENANT]

    def now() -> datetime:
        return datetime.now(UTC)

    office.desk.is_revoked = office.admissions.is_revoked
    office.desk.listed = lambda: office.admissions.lists.known
    folder = settings.site.tenants / DEFAULT_TENANT
    own = OwnList(office.database, DEFAULT_TENANT, folder, now=now)
    watch = ListWatch(
        settings.device_lists, authorities, office.admissions.take, own=own.look, now=now
    )
    await watch.begin()
    office.lists_end = lambda: watch.ends
    async with repeating(_LOOK_S, watch.look):
        yield


@asynccontextmanager
async def _linked(links: Sequence[Link], office: Office) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for link in links:
            made = await stack.enter_async_context(link(office))
            if isinstance(made, MqttState):
                office.mqtt = made
        yield


def server_tls(site: Site) -> ssl.SSLContext:
    """Return TLS with the server's certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(site.certificate, site.key)
    return made


def device_tls(site: Site, authorities: Sequence[x509.Certificate]) -> ssl.SSLContext:
    """Return TLS that verifies the certificates of devices.

    A client without one gets to the application, which says no; one of a stranger does not.
    """
    made = server_tls(site)
    trust(made, authorities)
    made.verify_mode = ssl.CERT_OPTIONAL
    return made


def trust(context: ssl.SSLContext, authorities: Sequence[x509.Certificate]) -> None:
    """Let the next connections come with certificates of these authorities too."""
    pem = [one.public_bytes(serialization.Encoding.PEM).decode() for one in authorities]
    if pem:
        context.load_verify_locations(cadata="".join(pem))


def _first(connection: Connection, settings: Settings, now_s: int) -> list[Tenant]:
    """Make what a console needs at its first start; nothing at later ones."""
    actor = Actor(DEFAULT_TENANT, CONSOLE, now_s)
    founding.found(
        connection,
        actor,
        settings.keys_folder,
        settings.authorities,
        settings.site.admin_token,
    )
    return tenants.all_of(connection)


def _welcome(connection: Connection, now_s: int) -> str:
    """Return the path at which the first person comes in, empty when there is somebody."""
    secret = invitations.first(connection, DEFAULT_TENANT, now_s=now_s, noise=secrets.token_hex)
    return invitations.link(secret) if secret else ""


@asynccontextmanager
async def _closing(passwords: Passwords) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.to_thread(passwords.close)


@asynccontextmanager
async def _listening(
    app: web.Application, context: ssl.SSLContext, bind: str, port: int
) -> AsyncIterator[int]:
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=KEEP_ALIVE_S, shutdown_timeout=_END_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, bind, port, ssl_context=context, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            hint = "--bind, --port, --api-port and --mqtt-port say where to listen"
            raise EdgeError(f"{bind}:{port}: {error.strerror}", hint=hint) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _sample(office: Office, tenant: str) -> None:
    """Store a sample of versions if it is time."""
    now_s = office.now_s()
    if await office.database.read(lambda one: samples.is_due(one, tenant, now_s)):
        await office.database.write(lambda one: samples.take(one, tenant, now_s))


async def _for_all(office: Office, act: Callable[[str], Awaitable[object]]) -> None:
    """Do something for each tenant; what fails for one does not keep it from the others."""
    for tenant in await office.database.read(tenants.all_of):
        try:
            await act(tenant.tenant)
        except FORESEEN as error:
            logger.warning("%s: %s", tenant.tenant, error)
