"""What the words mean on this device."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from edge_agent.boot.control import BootControl
from edge_agent.errors import BootStateError
from edge_agent.reach.facts import Facts
from edge_agent.reach.init import Init
from edge_agent.reach.logs import Logs
from edge_agent.request import RefusedError
from edge_agent.standing import Standing
from edge_signing.inventory import Inventory, Service

# A device that is told to restart again and again has to stay up long enough to be helped.
UP_LEAST_S: Final = 120


class Work(Protocol):
    """What is done when it is asked for; all raise `RefusedError` or another `AgentError`."""

    def logs(self, service: str, lines: int) -> bytes:
        """Return the last lines of a service, or of all."""

    def inventory(self) -> bytes:
        """Return what the device is at the moment: `edge_signing.inventory`."""

    def restart(self, service: str) -> None:
        """Restart a service."""

    def reboot(self) -> None:
        """Ask for a restart of the system, and return at once."""


@dataclass(frozen=True, slots=True)
class DeviceWork:
    """The work on this device.

    Attributes:
        is_at_rest: Whether no update is under way or on trial.
        request_reboot: Asks init for a restart of the system.
    """

    logs_kept: Logs
    init: Init
    facts: Facts
    standing: Standing
    control: BootControl
    is_at_rest: Callable[[], bool]
    request_reboot: Callable[[], None]

    def logs(self, service: str, lines: int) -> bytes:
        """See `Work`."""
        return self.logs_kept.last(service, lines)

    def restart(self, service: str) -> None:
        """See `Work`."""
        self.init.restart(service)

    def reboot(self) -> None:
        """See `Work`."""
        if not self.is_at_rest():
            raise RefusedError("reboot: an update is under way, or on trial")
        if (up_s := self.facts.uptime_s()) < UP_LEAST_S:
            raise RefusedError(f"reboot: the system was started {up_s} s ago")
        self.request_reboot()

    def inventory(self) -> bytes:
        """See `Work`."""
        facts, standing = self.facts, self.standing
        memory, disk = facts.memory(), facts.disk()
        return Inventory(
            services=self._services(),
            slot=self.control.current(),
            order=self._order(),
            board=standing.board,
            product=standing.product,
            version=standing.version,
            kernel=facts.kernel(),
            uptime_s=facts.uptime_s(),
            memory_bytes=memory[0],
            memory_free_bytes=memory[1],
            data_bytes=disk[0],
            data_free_bytes=disk[1],
            addresses=facts.addresses(),
        ).pack()

    def _services(self) -> tuple[Service, ...]:
        return self.facts.services(self.init.services())

    def _order(self) -> str:
        try:
            return "".join(self.control.state().order)
        except BootStateError:
            return ""
