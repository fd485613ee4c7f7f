"""Joins the parts that do what is asked of this device; decides nothing."""

from typing import TYPE_CHECKING

from edge_agent import device
from edge_agent.boot.storage import SyncedFile
from edge_agent.clock import DeviceClock
from edge_agent.counters import StoredCounters
from edge_agent.device import Places
from edge_agent.driver import Agent
from edge_agent.in_place import running
from edge_agent.link import Link
from edge_agent.links.reach import ReachLink
from edge_agent.reach.executor import Executor
from edge_agent.reach.facts import Facts
from edge_agent.reach.init import Init
from edge_agent.reach.logs import Logs
from edge_agent.reach.notes import Notes
from edge_agent.reach.work import DeviceWork
from edge_agent.settings import Settings
from edge_agent.store import files_in

if TYPE_CHECKING:
    from edge_agent.links.http import HttpLink
    from edge_agent.links.mqtt import MqttLink


def start(places: Places, agent: Agent, link: Link | None) -> Executor | None:
    """Do what is asked from now on; None for a device without a server.

    Args:
        places: Where the device has what is worked with.
        agent: Says whether an update is under way.
        link: That of the agent, which hears that something is asked.
    """
    settings = Settings.read(places.etc / "agent.json")
    http, mqtt = ways(link)
    if http is None and mqtt is None:
        return None
    channel = ReachLink(_own(places, settings) if http else None, mqtt)
    boot_id = places.boot_id.read_text().strip()
    notes = Notes(files_in(places.data), boot_id)
    executor = Executor(
        settings.reach, _work(places, settings, agent), notes, channel, DeviceClock()
    )
    if mqtt is not None:
        mqtt.hear_commands(executor.take)
    if http is not None:
        http.on_asked = executor.look
    executor.start()
    return executor


def ways(link: Link | None) -> "tuple[HttpLink | None, MqttLink | None]":
    """Return what a link has of either; what it has not is not loaded."""
    if link is None:
        return None, None
    from edge_agent.links.http import HttpLink

    if isinstance(link, HttpLink):
        return link, None
    from edge_agent.links.mqtt import MqttLink

    return (link.http, link) if isinstance(link, MqttLink) else (None, None)


def _own(places: Places, settings: Settings) -> "HttpLink | None":
    """Return a link by HTTP for this alone."""
    server = device.server_of(settings, places.config)
    floor_s = (
        StoredCounters(SyncedFile(places.devices / "bootstate"), running=places.standing().floor)
        .floor()
        .floor_s
    )
    clock = DeviceClock()
    return device.http_link_to(server, device.identity_of(places), lambda: clock.now_s() >= floor_s)


def _work(places: Places, settings: Settings, agent: Agent) -> DeviceWork:
    pipe = places.devices / "request"
    return DeviceWork(
        logs_kept=Logs(places.state / "log", settings.reach.without_logs),
        init=Init(pipe, places.state),
        facts=Facts(
            data=places.data,
            versions=places.etc / "versions",
            running=lambda: running.versions(places.services()),
        ),
        standing=places.standing(),
        control=places.control(),
        is_at_rest=agent.is_at_rest,
        request_reboot=lambda: device.request_reboot(pipe),
    )
