"""An image of a Raspberry Pi's EEPROM in the layout of the real ones, with other contents."""

import struct

CONFIG = b"[all]\nBOOT_UART=0\nBOOT_ORDER=0xf41\n"
SECTOR = 4096
SIZE = 512 << 10


def section(magic: int, content: bytes, until: int, at: int) -> bytes:
    """Return a section, and padding up to a place."""
    made = struct.pack(">II", magic, len(content)) + content
    made += b"\xff" * (-(at + len(made)) % 8)
    rest = until - at - len(made)
    if rest:
        made += struct.pack(">II", 0x55AAFEEF, rest - 8) + b"\xff" * (rest - 8)
    return made


def file(name: str, content: bytes) -> bytes:
    """Return the content of a section that is a file."""
    return name.encode().ljust(12, b"\0") + bytes(4) + content


def image(config: bytes = CONFIG) -> bytes:
    """Return an image."""
    parts = [
        (0x55AAF00F, b"bootcode" * 6000, 0x10000),
        (0x55AAF33F, b"firmware" * 9000, 0x30000),
        (0x55AAF11F, file("bootconf.txt", config), 0x31000),
        (0x55AAF11F, file("bootconf.sig", b""), 0x32000),
        (0x55AAF11F, file("pubkey.bin", b""), 0x33000),
        (0x55AAF33F, b"more" * 2000, 0x40000),
    ]
    made = b""
    for magic, content, until in parts:
        made += section(magic, content, until, len(made))
    return made.ljust(SIZE, b"\xff")
