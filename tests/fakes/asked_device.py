"""A device that does what is asked of it, with the agent's own executor and link."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.clock import DeviceClock
from edge_agent.link import Link
from edge_agent.links.http import HttpLink
from edge_agent.links.mqtt import MqttLink
from edge_agent.links.reach import ReachLink
from edge_agent.reach.executor import Executor
from edge_agent.reach.notes import Notes
from edge_agent.reach.policy import Policy
from edge_agent.store import files_in
from tests.agent.reach.bench import ALL, FakeWork
from tests.fakes.agent_parts import NOW_S


class EarlyClock(DeviceClock):
    """Says a time that was before all that is asked in tests."""

    def now_s(self) -> int:
        return NOW_S


@contextmanager
def running(
    folder: Path,
    link: Link,
    own: HttpLink | None,
    work: FakeWork,
    *,
    policy: Policy = ALL,
    boot_id: str = "boot-1",
) -> Iterator[Executor]:
    """Run the executor of a device, joined to its links as `edge_agent.reach.device` does it.

    Args:
        folder: Where its notes are.
        link: That of the agent.
        own: The link by HTTP for answers alone.
        work: What is done.
    """
    mqtt = link if isinstance(link, MqttLink) else None
    http = mqtt.http if mqtt is not None else link
    notes = Notes(files_in(folder), boot_id)
    executor = Executor(policy, work, notes, ReachLink(own, mqtt), EarlyClock())
    if mqtt is not None:
        mqtt.hear_commands(executor.take)
    if isinstance(http, HttpLink):
        http.on_asked = executor.look
    executor.start()
    try:
        yield executor
    finally:
        executor.close()
