"""The bounds of images as this user wants them."""

import os
from dataclasses import replace

from edge.errors import InputError
from edge.oci.limits import MIB, SETTING, STANDARD, Limits


def chosen() -> Limits:
    """Return the bounds, with what the setting says of the bytes of an image.

    Raises:
        InputError: The setting is no number.
    """
    written = os.environ.get(SETTING)
    if not written:
        return STANDARD
    if not written.isdecimal():
        raise InputError(f"{SETTING}: {written!r} is not a number", hint="write it in MiB: 16384")
    return replace(STANDARD, unpacked_bytes=int(written) * MIB)
