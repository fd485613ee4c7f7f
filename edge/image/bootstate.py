"""What a new disk has in its partition `bootstate`: slot a committed, slot b empty.

The trust state is blank: zeros that are written, so that a card that was used before does not keep
the floor of the device that it was, whose keys may be others.
"""

from edge.image.extent import Contents, Extent
from edge_signing.formats import boot_state, trust_state


def contents() -> Contents:
    """Return both copies of each state, each at its place."""
    blank = bytes(trust_state.COPY_BYTES)
    copies = [
        *zip(boot_state.COPY_OFFSETS_BYTES, boot_state.factory_copies(), strict=True),
        *((offset_bytes, blank) for offset_bytes in trust_state.COPY_OFFSETS_BYTES),
    ]
    extents = tuple(Extent(offset_bytes, copy, len(copy)) for offset_bytes, copy in copies)
    return Contents(extents[-1].end_bytes, extents)
