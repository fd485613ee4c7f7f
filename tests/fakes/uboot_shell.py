"""The commands of U-Boot that flash a disk: memory, disk and network of a board in a test."""

import zlib
from collections.abc import Callable

MEMORY = 0x44000000
SECTOR = 512
BDINFO = """DRAM bank   = 0x0000000000000000
-> start    = 0x0000000040000000
-> size     = 0x0000000020000000
relocaddr   = 0x000000005f6b7000
sp start    = 0x000000005e576de0
"""
Result = tuple[int, str]
_NUMBERS = ("mw.b", "crc32", "unzip")


class Shell:
    """What commands do, each with its status and what it prints.

    Attributes:
        ignored_writes: So many writes to the disk do not arrive there.
        damaged_loads: So many files come into memory with a byte changed.
    """

    def __init__(self, disk: bytearray, files: Callable[[str], bytes | None] | None) -> None:
        self.ignored_writes = 0
        self.damaged_loads = 0
        self._disk = disk
        self._files = files
        self._memory = bytearray(32 << 20)
        self._variables: dict[str, str] = {}

    def run(self, text: str) -> Result:
        """Run one command."""
        name, *words = text.split()
        if name in ("virtio", "mmc"):
            return self._disk_command(words)
        numbers = [int(word, 16) for word in words] if name in _NUMBERS else []
        commands: dict[str, Callable[[], Result]] = {
            "bdinfo": lambda: (0, BDINFO),
            "setenv": lambda: self._set(*words),
            "printenv": lambda: self._get(words[0]),
            "dhcp": self._dhcp,
            "wget": lambda: self._wget(words[0], words[1]),
            "mw.b": lambda: self._fill(*numbers),
            "crc32": lambda: self._crc(*numbers),
            "unzip": lambda: self._unzip(*numbers),
        }
        command = commands.get(name)
        return command() if command else (1, f"Unknown command '{name}' - try 'help'")

    def store(self, address: int, data: bytes | bytearray) -> None:
        """Put bytes into memory, as a file that was loaded."""
        if self.damaged_loads:
            self.damaged_loads -= 1
            data = bytes([data[0] ^ 1]) + data[1:]
        self._put(address, data)

    def _put(self, address: int, data: bytes | bytearray) -> None:
        start = address - MEMORY
        assert start >= 0
        assert start + len(data) <= len(self._memory)
        self._memory[start : start + len(data)] = data

    def _bytes(self, address: int, length: int) -> bytes:
        return bytes(self._memory[address - MEMORY : address - MEMORY + length])

    def _disk_command(self, words: list[str]) -> Result:
        if words[0] in ("dev", "scan"):
            return 0, "Device 0: VirtIO Block Device"
        address, block, count = (int(word, 16) for word in words[1:])
        offset, length = block * SECTOR, count * SECTOR
        if offset + length > len(self._disk):
            return 1, f"device 0 block # {block}, count {count} ... -5 blocks {words[0]}: ERROR"
        if words[0] == "read":
            self._put(address, self._disk[offset : offset + length])
        elif self.ignored_writes:
            self.ignored_writes -= 1
        else:
            self._disk[offset : offset + length] = self._bytes(address, length)
        return 0, f"device 0 block # {block}, count {count} ... {count} blocks {words[0]}: OK"

    def _set(self, name: str, *value: str) -> Result:
        self._variables[name] = " ".join(value)
        return 0, ""

    def _get(self, name: str) -> Result:
        if name not in self._variables:
            return 1, f'## Error: "{name}" not defined'
        return 0, f"{name}={self._variables[name]}"

    def _dhcp(self) -> Result:
        if self._files is None:
            return 1, "No ethernet found."
        self._variables["ipaddr"] = "127.0.0.1"
        return 0, "DHCP client bound to address 127.0.0.1 (1 ms)"

    def _wget(self, address: str, url: str) -> Result:
        host, _colon, path = url.partition(":")
        address_of = f"http://{host}:{self._variables['httpdstp']}{path}"
        data = self._files(address_of) if self._files else None
        if data is None:
            return 1, "HTTP/1.0 404 Not Found"
        self.store(int(address, 16), data)
        return 0, f"Bytes transferred = {len(data)} ({len(data):x} hex)"

    def _fill(self, address: int, value: int, count: int) -> Result:
        self._put(address, bytes([value]) * count)
        return 0, ""

    def _crc(self, address: int, length: int) -> Result:
        crc = zlib.crc32(self._bytes(address, length))
        return 0, f"crc32 for {address:x} ... {address + length - 1:x} ==> {crc:08x}"

    def _unzip(self, source: int, to: int, _most: int) -> Result:
        try:
            data = zlib.decompressobj(31).decompress(self._bytes(source, 20 << 20))
        except zlib.error:
            return 1, "Error: Bad gzipped data"
        self._put(to, data)
        return 0, f"Uncompressed size: {len(data)} = {len(data):#x}"
