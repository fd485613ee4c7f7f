"""A device with a terminal: the agent's own links and carrier, and the real service `support`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.errors import AgentError
from edge_agent.identity import Identity
from edge_agent.link import Link
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from edge_agent.links.terminal import TerminalLink
from edge_agent.terminal import opening
from edge_agent.terminal.carrier import Carrier, Here
from edge_agent.terminal.terms import Terms
from tests.fakes import support_service
from tests.fakes.console import PACE, Console
from tests.fakes.support import Support
from tests.fakes.support_service import SHELL, House


@dataclass
class TerminalDevice:
    """A device of a console.

    Attributes:
        objection: Why it opens no terminal now.
        floor_s: The time that it is at least.
    """

    site: Console
    identity: Identity
    house: House
    terms: Terms | None
    objection: str = ""
    floor_s: int = 0
    carrier: Carrier = field(init=False)

    def __post_init__(self) -> None:
        here = Here(
            self.terms,
            self.identity,
            lambda: opening.connect(self.house.folder),
            lambda: self.floor_s,
            lambda: self.objection,
        )
        self.carrier = Carrier(here)

    def own_link(self) -> HttpLink:
        """Return another link by HTTP."""
        return HttpLink(self.site.url, self.identity, pace=PACE)


@contextmanager
def running(
    folder: Path,
    site: Console,
    device: str,
    support: Support,
    *,
    mqtt: MqttLink | None = None,
    is_allowed: bool = True,
) -> Iterator[TerminalDevice]:
    """Run a device whose link looks for orders all the time, or that hears its broker.

    Args:
        folder: For what it keeps.
        support: Whose keys its image names.
        mqtt: Its link; None for one by HTTP.
        is_allowed: The image allows terminals.
    """
    settings = support.settings(command=SHELL) if is_allowed else None
    terms = support.terms(command=SHELL) if is_allowed else None
    with support_service.running(House.make(folder, settings)) as house:
        made = TerminalDevice(site, site.identity(device), house, terms)
        link: Link = mqtt or site.link(device)
        make = made.own_link if mqtt is None else None
        heard = TerminalLink(make, mqtt, made.carrier.open)
        if mqtt is not None:
            mqtt.hear_parcels(heard.take)
        elif isinstance(link, HttpLink):
            link.on_terminal = heard.look
        ended = threading.Event()

        def poll() -> None:
            while not ended.wait(0.05):
                try:
                    link.desired()
                except AgentError:
                    continue

        polling = threading.Thread(target=poll)
        polling.start()
        try:
            yield made
        finally:
            ended.set()
            polling.join()
            made.carrier.close()
