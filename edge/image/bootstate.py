"""What a new disk has in its partition `bootstate`: slot a committed, slot b empty.

The trust state and the key of the data partition are blank: zeros that are written, so that a card
that was used before does not keep the floor or the key of the device that it was.
"""

from typing import Final

from edge.image.extent import Contents, Extent
from edge_signing.formats import boot_state, trust_state

# Written by the service `crypt` of the device (docs/formats.md).
DATA_KEY_OFFSETS_BYTES: Final = (5 << 19, 7 << 19)
DATA_KEY_BYTES: Final = 512


def contents() -> Contents:
    """Return both copies of each state, each at its place."""
    blank, no_key = bytes(trust_state.COPY_BYTES), bytes(DATA_KEY_BYTES)
    copies = [
        *zip(boot_state.COPY_OFFSETS_BYTES, boot_state.factory_copies(), strict=True),
        *((offset_bytes, blank) for offset_bytes in trust_state.COPY_OFFSETS_BYTES),
        *((offset_bytes, no_key) for offset_bytes in DATA_KEY_OFFSETS_BYTES),
    ]
    extents = tuple(Extent(offset_bytes, copy, len(copy)) for offset_bytes, copy in sorted(copies))
    return Contents(extents[-1].end_bytes, extents)
