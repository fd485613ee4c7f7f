"""The boot ROMs of i.MX by their ids on USB, and what each wants.

Source: nxp-imx/mfgtools, libuuu/config.cpp and rominfo.cpp, as facts.
"""

from typing import Final

from edge.flash.protocols.sdp import Chip

_LATE_BYTES: Final = 1020

CHIPS: Final = {
    (0x15A2, 0x004F): Chip("i.MX28", streams=True, has_preamble=True),
    (0x15A2, 0x0054): Chip("i.MX6Q"),
    (0x15A2, 0x0061): Chip("i.MX6D"),
    (0x15A2, 0x0063): Chip("i.MX6SL"),
    (0x15A2, 0x0071): Chip("i.MX6SX"),
    (0x15A2, 0x0076): Chip("i.MX7D", dcd_address=0x911000, skips_dcd=True),
    (0x15A2, 0x007D): Chip("i.MX6UL", skips_dcd=True),
    (0x15A2, 0x0080): Chip("i.MX6ULL", skips_dcd=True),
    (0x1FC9, 0x0126): Chip("i.MX7ULP", dcd_address=0x2F018000, skips_dcd=True),
    (0x1FC9, 0x0128): Chip("i.MX6SLL", skips_dcd=True),
    (0x1FC9, 0x0129): Chip("i.MX8QM", streams=True),
    (0x1FC9, 0x012B): Chip("i.MX8MQ", skips_dcd=True),
    (0x1FC9, 0x012F): Chip("i.MX8QXP", streams=True),
    (0x1FC9, 0x0134): Chip("i.MX8MM", skips_dcd=True),
    (0x1FC9, 0x013E): Chip("i.MX8MN", streams=True, report_bytes=_LATE_BYTES),
    (0x1FC9, 0x0146): Chip("i.MX8MP", streams=True, report_bytes=_LATE_BYTES),
    (0x1FC9, 0x014A): Chip("i.MX8ULP", streams=True),
    (0x1FC9, 0x014E): Chip("i.MX93", streams=True, report_bytes=_LATE_BYTES),
    (0x1FC9, 0x0159): Chip("i.MX91", streams=True, report_bytes=_LATE_BYTES),
    (0x1FC9, 0x015C): Chip("i.MX95", streams=True, report_bytes=_LATE_BYTES),
    (0x1FC9, 0x015D): Chip("i.MX95", streams=True, report_bytes=_LATE_BYTES),
}
"""By vendor and product."""
