"""An image in memory that is read as a base, and written as a slot is."""


class MemoryImage:
    """A slot; what is written past its end makes it longer."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    def pread(self, length: int, offset: int) -> bytes:
        return bytes(self.data[offset : offset + length])

    def pwrite(self, data: bytes, offset: int) -> None:
        self.data[offset : offset + len(data)] = data
