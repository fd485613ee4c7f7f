"""The parts of the agent on a medium: each call is one operation in the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.slots import Volume
from edge_signing.formats import boot_state, trust_state
from edge_signing.formats.boot_state import SLOTS, Slot
from edge_signing.release import Partition
from tests.agent.power.medium import (
    EMPTY,
    SECTOR_BYTES,
    Contents,
    FileFlush,
    FileWrite,
    Flush,
    FolderFlush,
    Heard,
    Name,
    Op,
    Write,
    sectors_of,
)

VOLUME_BYTES = 8 * 4096
ROTTEN_BYTE = 3 * 4096 + 77  # in a block that an update takes from the old root
STATE_DEVICES = {
    boot_state.COPY_OFFSETS_BYTES[0]: "boot state",
    boot_state.COPY_OFFSETS_BYTES[1]: "boot state",
    trust_state.COPY_OFFSETS_BYTES[0]: "trust state",
    trust_state.COPY_OFFSETS_BYTES[1]: "trust state",
}


@dataclass
class Medium:
    """What one start of a device works on.

    Args:
        start: What was stored when the power came.
        ignored: Names of flushes that do nothing, to see whether anybody misses them.
        bad_sector: Device and number of a sector that takes every write and keeps none.
    """

    start: Contents
    ignored: frozenset[str] = frozenset()
    bad_sector: tuple[str, int] | None = None
    log: list[Op] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.start.copy()
        self._inodes = len(self.start.files)

    def new_inode(self) -> int:
        self._inodes += 1
        return self._inodes

    def write(self, device: str, data: bytes, offset: int) -> None:
        sectors = sectors_of(data, offset)
        self.now.put(device, sectors)
        kept = tuple(one for one in sectors if (device, one[0]) != self.bad_sector)
        self.log.append(Write(device, kept))

    def read_back(self, device: str, length: int, offset: int) -> bytes:
        """Return what the medium has: what is in a worn sector is in the cache alone."""
        if self.bad_sector is None or self.bad_sector[0] != device:
            return self.now.read(device, length, offset)
        sectors = self.now.devices[device]
        cached = sectors.pop(self.bad_sector[1], EMPTY)
        data = self.now.read(device, length, offset)
        sectors[self.bad_sector[1]] = cached
        return data

    def flush(self, device: str) -> None:
        self.do(f"flush of {device.rpartition('-')[0] or device}", Flush(device))

    def do(self, name: str, op: Op) -> None:
        """Log an operation that makes something durable, or nothing if it is to be ignored."""
        self.log.append(Heard(None) if name in self.ignored else op)

    def heard(self) -> list[object]:
        return [op.event for op in self.log if isinstance(op, Heard) and op.event is not None]


@dataclass(frozen=True)
class MediumStorage:
    """The partition `bootstate`: `edge_agent.boot.uboot.Storage`."""

    medium: Medium

    def read(self, offset_bytes: int, length_bytes: int) -> bytes:
        return self.medium.now.read(STATE_DEVICES[offset_bytes], length_bytes, offset_bytes)

    def write(self, offset_bytes: int, data: bytes) -> None:
        self.medium.write(STATE_DEVICES[offset_bytes], data, offset_bytes)
        self.medium.flush(STATE_DEVICES[offset_bytes])


@dataclass(frozen=True)
class MediumVolume:
    """A partition of a slot."""

    medium: Medium
    device: str
    is_writable: bool

    def pread(self, length: int, offset: int) -> bytes:
        return self.medium.now.read(self.device, min(length, VOLUME_BYTES - offset), offset)

    def pwrite(self, data: bytes, offset: int) -> None:
        assert self.is_writable, "the slot that runs was written"
        # Through the cache, which writes whole sectors.
        begin = offset // SECTOR_BYTES * SECTOR_BYTES
        end = -(-(offset + len(data)) // SECTOR_BYTES) * SECTOR_BYTES
        whole = bytearray(self.medium.now.read(self.device, end - begin, begin))
        whole[offset - begin : offset - begin + len(data)] = data
        self.medium.write(self.device, bytes(whole), begin)

    def flush(self) -> None:
        self.medium.flush(self.device)

    def read_back(self, length: int, offset: int) -> bytes:
        return self.medium.read_back(self.device, min(length, VOLUME_BYTES - offset), offset)

    def length_bytes(self) -> int:
        return VOLUME_BYTES


@dataclass(frozen=True)
class MediumSlots:
    """The two slots."""

    medium: Medium
    current: Slot

    @property
    def target(self) -> Slot:
        return SLOTS[1 - SLOTS.index(self.current)]

    def running(self, partition: Partition) -> Volume:
        return MediumVolume(self.medium, f"{partition}-{self.current}", is_writable=False)

    def written(self, partition: Partition) -> Volume:
        return MediumVolume(self.medium, f"{partition}-{self.target}", is_writable=True)


@dataclass(frozen=True)
class RottenVolume(MediumVolume):
    """A partition of which one block reads as something else than what was started from it."""

    def pread(self, length: int, offset: int) -> bytes:
        data = bytearray(super().pread(length, offset))
        if offset <= ROTTEN_BYTE < offset + length:
            data[ROTTEN_BYTE - offset] ^= 1
        return bytes(data)


@dataclass(frozen=True)
class RottenSlots(MediumSlots):
    """Slots of which the running root is rotten."""

    def running(self, partition: Partition) -> Volume:
        volume = RottenVolume if partition == "rootfs" else MediumVolume
        return volume(self.medium, f"{partition}-{self.current}", is_writable=False)


@dataclass
class MediumCalls:
    """A folder of the agent: `edge_agent.store.FileCalls`."""

    medium: Medium
    folder: str
    _last: str = ""

    def read(self, name: str) -> bytes | None:
        now = self.medium.now
        inode = now.names.get(self._path(name))
        return None if inode is None else now.files.get(inode, b"")

    def write(self, name: str, data: bytes) -> None:
        inode = self.medium.new_inode()
        self._name(Name(self._path(name), inode))
        self.medium.now.files[inode] = data
        self.medium.log.append(FileWrite(inode, data))

    def flush(self, name: str) -> None:
        inode = self.medium.now.names[self._path(name)]
        self.medium.do(f"flush of {_kind(name)}", FileFlush(inode))

    def rename(self, old: str, new: str) -> None:
        path = self._path(old)
        self._name(Name(self._path(new), self.medium.now.names[path], path))

    def remove(self, name: str) -> None:
        if self._path(name) in self.medium.now.names:
            self._name(Name(self._path(name), None))

    def flush_folder(self) -> None:
        self.medium.do(f"folder after {_kind(self._last)}", FolderFlush(self.folder))

    def names(self) -> list[str]:
        start = f"{self.folder}/"
        return sorted(
            name.removeprefix(start) for name in self.medium.now.names if name.startswith(start)
        )

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def _name(self, op: Name) -> None:
        self._last = op.name.rpartition("/")[2]
        self.medium.now.apply_name(op)
        self.medium.log.append(op)


def _kind(name: str) -> str:
    word = name.partition(".")[0]
    return "event" if word.isdecimal() else word


class InPlaceCalls(MediumCalls):
    """A folder whose files are written over where they are: what a rename is there to avoid."""

    def write(self, name: str, data: bytes) -> None:
        name = name.removesuffix(".new")
        inode = self.medium.now.names.get(self._path(name))
        if inode is None:
            super().write(name, data)
        else:
            self.medium.now.files[inode] = data
            self.medium.log.append(FileWrite(inode, data))

    def flush(self, name: str) -> None:
        super().flush(name.removesuffix(".new"))

    def rename(self, old: str, new: str) -> None:
        pass


def volume_bytes(contents: Contents, device: str) -> bytes:
    """Return all of a partition."""
    return contents.read(device, VOLUME_BYTES, 0)


def is_there(contents: Contents, slot: Slot, images: Sequence[tuple[str, bytes]]) -> bool:
    """Return whether a slot holds these images, each with its tree."""
    return all(
        contents.read(f"{partition}-{slot}", len(data), 0) == data for partition, data in images
    )
