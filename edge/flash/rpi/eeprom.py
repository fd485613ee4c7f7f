"""The image of a Raspberry Pi's EEPROM: sections, of which a few hold files that may be changed.

A file that may be changed has sectors of its own; what it does not need is filled up, so that
nothing else moves.

Source: raspberrypi/rpi-eeprom, rpi-eeprom-config, as facts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from construct import Bytes, Int32ub, Struct

from edge.errors import InputError

SIZES: Final = (512 << 10, 2 << 20)
SECTOR_BYTES: Final = 4096
CONFIG: Final = "bootconf.txt"
CONFIG_SIGNATURE: Final = "bootconf.sig"
PUBLIC_KEY: Final = "pubkey.bin"
MOST_CONFIG_BYTES: Final = 2024  # older programs of Raspberry Pi refuse more
BOOT_ORDER: Final = "BOOT_ORDER"
BOOT_PLACES: Final = {"card": 1, "network": 2, "rpiboot": 3, "usb": 4, "nvme": 6, "http": 7}
MOST_PLACES: Final = 7
AGAIN: Final = "f"
_HEADER_BYTES: Final = 8
_NAME_BYTES: Final = 16
_HEADER: Final = Struct("magic" / Int32ub, "length_bytes" / Int32ub)
_NAME: Final = Struct("name" / Bytes(12), "reserved" / Bytes(4))
_MASK: Final = 0xFFFFF00F
_MAGIC: Final = 0x55AAF00F
_FILE: Final = 0x55AAF11F
_PADDING: Final = 0x55AAFEEF
_ENDS: Final = (0, 0xFFFFFFFF)
_ALIGN: Final = 8
_FILL: Final = b"\xff"


@dataclass(frozen=True, slots=True)
class Section:
    """A section: where its header begins, what kind it is, and how long it is behind that."""

    offset_bytes: int
    magic: int
    length_bytes: int
    name: str = ""

    @property
    def data_bytes(self) -> int:
        """Where its content begins."""
        return self.offset_bytes + _HEADER_BYTES + (_NAME_BYTES if self.is_file else 0)

    @property
    def end_bytes(self) -> int:
        """Where it ends."""
        return self.offset_bytes + _HEADER_BYTES + self.length_bytes

    @property
    def is_file(self) -> bool:
        """Whether it holds a file that may be changed."""
        return self.magic == _FILE


@dataclass(frozen=True, slots=True)
class Eeprom:
    """An image.

    Attributes:
        data: All of it.
        sections: In order.
    """

    data: bytes
    sections: tuple[Section, ...]

    @classmethod
    def parse(cls, data: bytes, name: str = "EEPROM") -> "Eeprom":
        """Read an image.

        Raises:
            InputError: It is none: the message says where.
        """
        if len(data) not in SIZES:
            raise InputError(
                f"{name}: {len(data)} bytes, not {' or '.join(str(size) for size in SIZES)}",
                hint="name a pieeprom.bin",
            )
        sections = tuple(_sections(data, name))
        if not any(one.magic != _PADDING for one in sections):
            raise InputError(f"{name}: there is nothing in it")
        return cls(data, sections)

    @property
    def files(self) -> dict[str, bytes]:
        """The files that may be changed, by name."""
        return {
            one.name: self.data[one.data_bytes : one.end_bytes]
            for one in self.sections
            if one.is_file
        }

    def with_file(self, name: str, content: bytes) -> "Eeprom":
        """Return the image with another content of a file.

        Raises:
            InputError: There is no such file in it, or no room.
        """
        for number, one in enumerate(self.sections):
            if one.is_file and one.name == name:
                room_end = self._room_end(number)
                return self._rewritten(one, content, room_end)
        known = ", ".join(self.files) or "none"
        raise InputError(f"the EEPROM has no file {name!r}: {known}")

    def _room_end(self, number: int) -> int:
        """Return where the sectors of a file end: at the next section that is no padding."""
        for one in self.sections[number + 1 :]:
            if one.magic != _PADDING:
                return one.offset_bytes
        return -(-self.sections[number].end_bytes // SECTOR_BYTES) * SECTOR_BYTES

    def _rewritten(self, one: Section, content: bytes, room_end: int) -> "Eeprom":
        length = _NAME_BYTES + len(content)
        end = one.offset_bytes + _HEADER_BYTES + length
        end += -end % _ALIGN
        left = room_end - end
        if left < 0 or 0 < left < _HEADER_BYTES:
            raise InputError(
                f"{one.name}: {len(content)} bytes do not fit its"
                f" {room_end - one.data_bytes} in the EEPROM"
            )
        header = _HEADER.build({"magic": _FILE, "length_bytes": length})
        named = _NAME.build({"name": one.name.encode().ljust(12, b"\0"), "reserved": bytes(4)})
        made = bytearray(bytes(header) + bytes(named) + content)
        made += _FILL * (end - one.offset_bytes - len(made))
        if left:
            rest = left - _HEADER_BYTES
            made += bytes(_HEADER.build({"magic": _PADDING, "length_bytes": rest}))
            made += _FILL * rest
        data = self.data[: one.offset_bytes] + bytes(made) + self.data[room_end:]
        return Eeprom.parse(data, "EEPROM")


def settings(config: bytes) -> dict[str, str]:
    """Return the settings of `bootconf.txt`; those of later sections go over earlier ones."""
    found = {}
    for line in config.decode("utf-8", "replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            found[name.strip()] = value.strip()
    return found


def with_settings(config: bytes, changes: dict[str, str]) -> bytes:
    """Return `bootconf.txt` with other settings: in their place where they are, else at the end.

    Raises:
        InputError: It becomes too long.
    """
    left = dict(changes)
    lines = []
    for line in config.decode("utf-8", "replace").splitlines():
        name, equals, _value = line.partition("=")
        key = name.strip()
        if equals and key in changes:
            if key in left:
                lines.append(f"{key}={left.pop(key)}")
            continue
        lines.append(line)
    lines += [f"{key}={value}" for key, value in left.items()]
    made = "".join(f"{line}\n" for line in lines).encode()
    if len(made) > MOST_CONFIG_BYTES:
        raise InputError(f"{CONFIG}: {len(made)} bytes, and {MOST_CONFIG_BYTES} are the most")
    return made


def boot_order(names: Sequence[str]) -> str:
    """Return the setting BOOT_ORDER for what is tried in turn, and then again from the start.

    Raises:
        InputError: One of them is no place to start from, or there are too many.
    """
    digits = []
    for name in names:
        if name not in BOOT_PLACES:
            raise InputError(f"{name!r} is no place to start from", hint=", ".join(BOOT_PLACES))
        digits.append(BOOT_PLACES[name])
    if not 0 < len(digits) <= MOST_PLACES:
        raise InputError(f"{len(digits)} places to start from: 1 to {MOST_PLACES} are possible")
    return f"0xf{''.join(f'{digit:x}' for digit in reversed(digits))}"


def boot_places(order: str) -> list[str]:
    """Return what a BOOT_ORDER tries, in turn; digits that have no name here as they are.

    Raises:
        InputError: It is no number.
    """
    try:
        digits = f"{int(order, 0):x}"[::-1]
    except ValueError as error:
        raise InputError(f"BOOT_ORDER: {order!r} is no number", hint="like 0xf41") from error
    names = {f"{digit:x}": name for name, digit in BOOT_PLACES.items()}
    return [names.get(digit, digit) for digit in digits.partition(AGAIN)[0]]


def _sections(data: bytes, name: str) -> Iterator[Section]:
    at = 0
    while at + _HEADER_BYTES <= len(data):
        header = _HEADER.parse(data[at : at + _HEADER_BYTES])
        if header.magic in _ENDS:
            return
        if header.magic & _MASK != _MAGIC & _MASK:
            raise InputError(f"{name}: byte {at}: no section begins there")
        section = Section(at, header.magic, header.length_bytes)
        if section.end_bytes > len(data):
            raise InputError(f"{name}: byte {at}: the section ends behind the image")
        if section.is_file:
            if header.length_bytes < _NAME_BYTES:
                raise InputError(f"{name}: byte {at}: the file has no name")
            start = at + _HEADER_BYTES
            raw = bytes(_NAME.parse(data[start : start + _NAME_BYTES]).name).rstrip(b"\0")
            section = Section(at, header.magic, header.length_bytes, raw.decode("ascii", "replace"))
        yield section
        at = section.end_bytes + -section.end_bytes % _ALIGN
