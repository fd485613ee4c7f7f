"""The ways in which a board on USB waits to be flashed."""

from enum import StrEnum


class Way(StrEnum):
    """How it is spoken to; the names are part of `edge flash list --json`."""

    RPIBOOT = "rpiboot"
    FASTBOOT = "fastboot"
    DFU = "dfu"
    SDP = "sdp"
