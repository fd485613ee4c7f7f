"""Settings of U-Boot in flash."""

import zlib

import pytest

from edge.image.uboot_flash import ENVIRONMENT_BYTES, FlashEnvironment, flash_image
from edge_signing.errors import FormatError


def test_the_bytes_of_an_environment_are_golden() -> None:
    image = flash_image({"bootdelay": "0", "bootcmd": "run x"})

    assert image[:32].hex() == ("132325ca" + b"bootdelay=0\0bootcmd=run x\0\0\0".hex())
    assert len(image) == ENVIRONMENT_BYTES
    assert int.from_bytes(image[:4], "little") == zlib.crc32(image[4:])
    assert not any(image[32:])


def test_an_environment_that_is_too_long_is_refused() -> None:
    with pytest.raises(FormatError):
        flash_image({"x": "y" * ENVIRONMENT_BYTES})


def test_a_damaged_environment_is_refused() -> None:
    image = bytearray(flash_image({"a": "b"}))
    image[5] ^= 1

    with pytest.raises(FormatError, match="CRC"):
        FlashEnvironment.unpack(bytes(image))
