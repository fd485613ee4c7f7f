"""Numbers of one to nine bytes: seven bits a byte, the lowest first, bit 7 set but in the last.

LEB128, and strict: a number has one coding only, the shortest. Signed numbers are folded first
(0, -1, 1, -2 … become 0, 1, 2, 3 …).
"""

from array import array
from collections.abc import Iterable
from typing import Final

from edge_signing.errors import FormatError

LONGEST_BYTES: Final = 9
_LAST: Final = 0x80


def pack(numbers: Iterable[int]) -> bytes:
    """Return the bytes of `numbers`, each 0 to 2**63 - 1."""
    data = bytearray()
    for number in numbers:
        rest = number
        while rest >= _LAST:
            data.append(rest & 0x7F | 0x80)
            rest >>= 7
        data.append(rest)
    return bytes(data)


def unpack(data: bytes) -> "array[int]":
    """Return the numbers that all of `data` stands for.

    Raises:
        FormatError: It ends inside a number, or a number is longer than it need be.
    """
    numbers = array("Q")
    number = shift = 0
    for byte in data:
        if byte >= _LAST:
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift >= 7 * LONGEST_BYTES:
                raise FormatError("varint: longer than 9 bytes")
        elif shift:
            if not byte:
                raise FormatError("varint: not the shortest coding of its number")
            numbers.append(number | byte << shift)
            number = shift = 0
        else:
            numbers.append(byte)
    if shift:
        raise FormatError("varint: ends inside a number")
    return numbers


def folded(number: int) -> int:
    """Return the unsigned number that stands for a signed one."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def unfolded(number: int) -> int:
    """Return the signed number that an unsigned one stands for."""
    return (number >> 1) ^ -(number & 1)
