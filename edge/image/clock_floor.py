"""A time that has passed: where a device without a clock starts, and the date of documents."""

import os
from collections.abc import Mapping
from typing import Final

from edge.errors import InputError

CLOCK_FLOOR_S: Final = 1_793_491_200  # 2026-11-01, the birth of Edge
_FIRST_ERA_S: Final = 1 << 32


def clock_floor_s(environment: Mapping[str, str] = os.environ) -> int:
    """Return `SOURCE_DATE_EPOCH` if it is set, else the birth of Edge.

    Raises:
        InputError: It is no time in whole seconds.
    """
    text = environment.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return CLOCK_FLOOR_S
    if not (text.isascii() and text.isdigit() and int(text) < _FIRST_ERA_S):
        raise InputError(
            f"SOURCE_DATE_EPOCH: {text!r} is not a number of seconds since 1970",
            hint="like 1793491200",
        )
    return int(text)
