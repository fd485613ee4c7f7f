"""Joins the parts that carry terminals of this device; decides nothing."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_agent import device
from edge_agent.boot.storage import SyncedFile
from edge_agent.clock import DeviceClock
from edge_agent.counters import StoredCounters
from edge_agent.device import Places
from edge_agent.driver import Agent
from edge_agent.errors import AgentError
from edge_agent.link import Link
from edge_agent.links.terminal import HttpWay, MqttWay, TerminalLink
from edge_agent.machine import State
from edge_agent.reach.device import ways
from edge_agent.settings import Settings
from edge_signing.terminal.parcels import Parcel

if TYPE_CHECKING:
    from edge_agent.links.http import HttpLink
    from edge_agent.terminal.carrier import Carrier, Here


class Terminals:
    """The terminals of this device; what they take is loaded when one is asked for.

    Args:
        here: Makes what the carrier knows of its device.
    """

    def __init__(self, here: "Callable[[], Here]") -> None:
        self._here = here
        self._carrier: Carrier | None = None

    def open(self, first: Parcel, way: HttpWay | MqttWay) -> None:
        """Begin a session that the console asks for."""
        from edge_agent.terminal.carrier import Carrier

        if self._carrier is None:
            self._carrier = Carrier(self._here())
        self._carrier.open(first, way)

    def close(self) -> None:
        """End what is under way."""
        if self._carrier is not None:
            self._carrier.close()


def start(places: Places, agent: Agent, link: Link | None) -> Terminals | None:
    """Carry terminals from now on; None for a device without a server.

    Args:
        places: Where the device has what is worked with.
        agent: Says whether an update is under way.
        link: That of the agent, which hears that a terminal is wanted.
    """
    http, mqtt = ways(link)
    if http is None and mqtt is None:
        return None
    made = Terminals(lambda: _here(places, agent))
    heard = TerminalLink((lambda: _own(places)) if http else None, mqtt, made.open)
    if mqtt is not None:
        mqtt.hear_parcels(heard.take)
    if http is not None:
        http.on_terminal = heard.look
    return made


def _here(places: Places, agent: Agent) -> "Here":
    from edge_agent.terminal import opening
    from edge_agent.terminal.carrier import Here

    settings = Settings.read(places.etc / "agent.json")
    identity = device.identity_of(places)
    if identity is None:
        raise AgentError("terminal: this device has no certificate of its own")
    counters = _counters(places)
    return Here(
        terms=settings.reach.terminal,
        identity=identity,
        connect=lambda: opening.connect(places.support),
        floor_s=lambda: counters.floor().floor_s,
        objection=lambda: _objection(agent),
    )


def _objection(agent: Agent) -> str:
    """Return why there is no terminal now, empty if there may be one."""
    match agent.record.state:
        case State.ARMING | State.REBOOTING:
            return "terminal: the system is about to restart"
        case State.TRIAL | State.COMMITTING:
            return "terminal: a new system is on trial"
        case _:
            return ""


def _own(places: Places) -> "HttpLink":
    """Return a link by HTTP for one session."""
    server = device.server_of(Settings.read(places.etc / "agent.json"), places.config)
    counters, clock = _counters(places), DeviceClock()
    floor_s = counters.floor().floor_s
    made = device.http_link_to(server, device.identity_of(places), lambda: clock.now_s() >= floor_s)
    if made is None:
        raise AgentError("terminal: no server by HTTP is known")
    return made


def _counters(places: Places) -> StoredCounters:
    storage = SyncedFile(places.devices / "bootstate")
    return StoredCounters(storage, running=places.standing().floor)
