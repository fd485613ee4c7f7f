"""What a simulated device answers when it is asked: of the form of a real one, and made up."""

from edge_signing.commands import Command, Reply, replies
from edge_signing.inventory import Inventory, Service
from edge_signing.messages import Status

SERVICES = ("network", "time", "agent", "web")
_MEMORY_BYTES = 512 << 20
_DATA_BYTES = 4 << 30


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
    lines = [
        f"{'' if command.service else f'{name} '}{now_s - at_s}  {name}: all is well\n"
        for at_s in range(command.lines, 0, -1)
        for name in names
    ]
    return "".join(lines[-command.lines :]).encode()


def _inventory(status: Status) -> Inventory:
    return Inventory(
        services=tuple(Service(name, "ready", status.version, pid=1) for name in SERVICES),
        slot=status.slot,
        order="ab" if status.slot == "a" else "ba",
        board=status.board,
        product=status.product,
        version=status.version,
        kernel="6.12.0-simulated",
        memory_bytes=_MEMORY_BYTES,
        memory_free_bytes=_MEMORY_BYTES // 2,
        data_bytes=_DATA_BYTES,
        data_free_bytes=_DATA_BYTES // 2,
    )
