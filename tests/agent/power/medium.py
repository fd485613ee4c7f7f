"""Storage that knows of every write, flush and rename, and what a power cut may leave of them."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

SECTOR_BYTES = 512
EMPTY = bytes(SECTOR_BYTES)

Kind = Literal["dropped", "kept", "torn front", "torn back", "mixed 1", "mixed 2", "mixed 3"]
KINDS: tuple[Kind, ...] = (
    "dropped",
    "kept",
    "torn front",
    "torn back",
    "mixed 1",
    "mixed 2",
    "mixed 3",
)

Sectors = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class Write:
    """Sectors on their way to a device."""

    device: str
    sectors: Sectors


@dataclass(frozen=True)
class Flush:
    """All of a device becomes durable."""

    device: str


@dataclass(frozen=True)
class FileWrite:
    """A new file gets its contents."""

    inode: int
    data: bytes


@dataclass(frozen=True)
class FileFlush:
    """The contents of a file become durable."""

    inode: int


@dataclass(frozen=True)
class Name:
    """A name comes to stand for a file, or for none; `old` is the name that it had."""

    name: str
    inode: int | None
    old: str | None = None

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


@dataclass(frozen=True)
class FolderFlush:
    """All names of a folder become durable."""

    folder: str


@dataclass(frozen=True)
class Heard:
    """Something that the server got to know; no storage is touched."""

    event: object


Op = Write | Flush | FileWrite | FileFlush | Name | FolderFlush | Heard


@dataclass
class Contents:
    """What is stored: sectors of devices, and files by their names."""

    devices: dict[str, dict[int, bytes]] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "Contents":
        devices = {name: dict(sectors) for name, sectors in self.devices.items()}
        return Contents(devices, dict(self.files), dict(self.names))

    def read(self, device: str, length: int, offset: int) -> bytes:
        first, last = offset // SECTOR_BYTES, -(-(offset + length) // SECTOR_BYTES)
        sectors = self.devices[device]
        data = b"".join(sectors.get(number, EMPTY) for number in range(first, last))
        start = offset - first * SECTOR_BYTES
        return data[start : start + length]

    def put(self, device: str, sectors: Iterable[tuple[int, bytes]]) -> None:
        self.devices[device].update(sectors)

    def apply_name(self, op: Name) -> None:
        if op.old is not None:
            self.names.pop(op.old, None)
        if op.inode is None:
            self.names.pop(op.name, None)
        else:
            self.names[op.name] = op.inode

    def key(self) -> tuple[object, ...]:
        """Return a value that is equal for equal contents, whatever the numbers of files are."""
        named = {name: self.files.get(inode, b"") for name, inode in self.names.items()}
        return (
            tuple(sorted(named.items())),
            tuple((name, frozenset(sectors.items())) for name, sectors in self.devices.items()),
        )

    def compact(self) -> "Contents":
        """Return the contents as a new start finds them, with files numbered anew."""
        named = sorted(self.names)
        files = {number: self.files.get(self.names[name], b"") for number, name in enumerate(named)}
        return Contents(self.devices, files, {name: number for number, name in enumerate(named)})


@dataclass
class _Pending:
    """What is not durable, in order."""

    devices: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    names: list[Name] = field(default_factory=list)


def after_cut(start: Contents, ops: Sequence[Op], kind: Kind) -> Contents:
    """Return what is stored when the power fails during the last of `ops`.

    The last one is under way: if it is a flush nothing of it is done.
    """
    durable, pending = _split(start, ops[:-1] if ops else ())
    under_way = ops[-1] if ops else None
    match kind:
        case "dropped":
            pass
        case "kept":
            _keep(durable, pending, lambda: True)
            _finish(durable, under_way)
        case "torn front" | "torn back":
            _keep(durable, pending, lambda: True)
            _tear(durable, under_way, is_front=kind == "torn front")
        case _:
            generator = random.Random(f"{len(ops)} {kind}")
            _mix(durable, pending, generator)
    return durable.compact()


def _split(start: Contents, ops: Sequence[Op]) -> tuple[Contents, _Pending]:
    durable, pending = start.copy(), _Pending()
    for op in ops:
        _take(op, durable, pending)
    return durable, pending


def _take(op: Op, durable: Contents, pending: _Pending) -> None:
    match op:
        case Write(device, sectors):
            pending.devices.setdefault(device, []).extend(sectors)
        case FileWrite(inode, data):
            pending.files[inode] = data
        case Name():
            pending.names.append(op)
        case Heard():
            pass
        case _:
            _make_durable(op, durable, pending)


def _make_durable(op: Flush | FileFlush | FolderFlush, durable: Contents, now: _Pending) -> None:
    match op:
        case Flush(device):
            durable.put(device, now.devices.pop(device, ()))
        case FileFlush(inode):
            if inode in now.files:
                durable.files[inode] = now.files.pop(inode)
        case FolderFlush(folder):
            for name in [one for one in now.names if one.folder == folder]:
                durable.apply_name(name)
                now.names.remove(name)


def _keep(durable: Contents, pending: _Pending, is_kept: Callable[[], bool]) -> None:
    for device, sectors in pending.devices.items():
        durable.put(device, [one for one in sectors if is_kept()])
    for inode, data in pending.files.items():
        durable.files[inode] = data
    for name in pending.names:
        durable.apply_name(name)


def _finish(durable: Contents, op: Op | None) -> None:
    match op:
        case Write(device, sectors):
            durable.put(device, sectors)
        case FileWrite(inode, data):
            durable.files[inode] = data
        case Name():
            durable.apply_name(op)
        case _:
            pass


def _tear(durable: Contents, op: Op | None, *, is_front: bool) -> None:
    match op:
        case Write(device, sectors):
            middle = -(-len(sectors) // 2)
            durable.put(device, sectors[:middle] if is_front else sectors[middle:])
        case FileWrite(inode, data):
            middle = len(data) // 2
            torn = data[:middle] if is_front else bytes(middle) + data[middle:]
            durable.files[inode] = torn
        case _:
            pass


def _mix(durable: Contents, pending: _Pending, generator: random.Random) -> None:
    """Keep any of the sectors, any part of each file, and the first of the names."""
    for device, sectors in pending.devices.items():
        durable.put(device, [one for one in sectors if generator.random() < 0.5])
    for inode, data in pending.files.items():
        kept = generator.choice([0, len(data) // 2 // SECTOR_BYTES * SECTOR_BYTES, len(data)])
        durable.files[inode] = data[:kept]
    for name in pending.names[: generator.randint(0, len(pending.names))]:
        durable.apply_name(name)


def sectors_of(data: bytes, offset: int) -> Sectors:
    """Return a write as whole sectors."""
    if offset % SECTOR_BYTES or len(data) % SECTOR_BYTES:
        raise ValueError(f"{len(data)} bytes at {offset} are no whole sectors")
    first = offset // SECTOR_BYTES
    return tuple(
        (first + at // SECTOR_BYTES, data[at : at + SECTOR_BYTES])
        for at in range(0, len(data), SECTOR_BYTES)
    )


def devices_of(lengths: Mapping[str, bytes]) -> dict[str, dict[int, bytes]]:
    """Return devices with these bytes at their start."""
    return {
        name: {number: sector for number, sector in sectors_of(data, 0) if sector != EMPTY}
        for name, data in lengths.items()
    }
