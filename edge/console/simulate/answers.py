"""What a simulated device answers when it is asked: of the form of a real one, and made up."""

from datetime import UTC, datetime

from edge_signing.commands import Command, Reply, replies
from edge_signing.inventory import Inventory, Service
from edge_signing.messages import Status

_SAYS = {
    "network": "eth0: 1000 Mbit/s, full duplex",
    "time": "offset 0.4 ms of 3 servers",
    "agent": "nothing new is wanted",
    "web": "GET /api/status 200 in 4 ms",
}
SERVICES = tuple(_SAYS)
_MEMORY_BYTES = 512 << 20
_DATA_BYTES = 4 << 30
_UPTIME_S = 5 * 86_400


def answer(command: Command, status: Status, now_s: int) -> tuple[Reply, ...]:
    """Return the answer to a command; what is to be done was done before."""
    if command.service and command.service not in SERVICES:
        return replies(command.id, "refused", f"there is no service {command.service!r}")
    match command.word:
        case "logs":
            return replies(command.id, "done", content=_logs(command, now_s))
        case "inventory":
            return replies(command.id, "done", content=_inventory(status).pack())
        case _:
            return replies(command.id, "done")


def _logs(command: Command, now_s: int) -> bytes:
    names = (command.service,) if command.service else SERVICES
    rows = -(-command.lines // len(names))
    lines = [
        f"{'' if command.service else f'{name} '}{_stamp(now_s - ago_s)}  {_SAYS[name]}\n"
        for ago_s in range(rows, 0, -1)
        for name in names
    ]
    return "".join(lines[-command.lines :]).encode()


def _stamp(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}.0"


def _version(name: str, status: Status) -> str:
    return status.services.get(name, status.version)


def _inventory(status: Status) -> Inventory:
    return Inventory(
        services=tuple(
            Service(name, "ready", _version(name, status), pid=40 + number, age_s=_UPTIME_S - 4)
            for number, name in enumerate(SERVICES)
        ),
        slot=status.slot,
        order="ab" if status.slot == "a" else "ba",
        board=status.board,
        product=status.product,
        version=status.version,
        kernel="6.12.0-simulated",
        uptime_s=_UPTIME_S,
        memory_bytes=_MEMORY_BYTES,
        memory_free_bytes=_MEMORY_BYTES // 2,
        data_bytes=_DATA_BYTES,
        data_free_bytes=_DATA_BYTES // 2,
        addresses=("eth0 192.0.2.7",),
    )
