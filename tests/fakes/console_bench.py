"""A device with the agent's own driver, link and checks, for a real console."""

from pathlib import Path

from edge_agent.check import DeviceSource
from edge_agent.identity import Identity
from edge_agent.links.http import HttpLink
from edge_agent.standing import Standing
from edge_signing.approval import Approvers
from tests.agent.driver.bench import Bench
from tests.fakes.agent_parts import FakeClock
from tests.fakes.console import PACE, Console


class HastyLink(HttpLink):
    """The agent's own link, which waits by the clock of the test."""

    clock = FakeClock()

    def wait(self, timeout_s: float) -> bool:
        return self.clock.pause(timeout_s)


class ConsoleBench(Bench):
    """A device with its real link and its real checks; only its hardware is made up."""

    def join(
        self,
        site: Console,
        folder: Path,
        root: bytes,
        identity: Identity,
        *,
        approvers: Approvers | None = None,
    ) -> None:
        link = HastyLink(site.url, identity, pace=PACE)
        link.clock = self.clock
        folder.mkdir()
        (folder / "root.json").write_bytes(root)
        release = self.old.release
        standing = Standing("board", release.product, release.version, release.counter, 1000)
        source = DeviceSource(
            standing,
            folder / "root.json",
            folder / "trust",
            link,
            identity,
            folder / "memory",
            approvers,
        )
        self.link, self.source = link, source  # type: ignore[assignment]
        self.identity = identity
