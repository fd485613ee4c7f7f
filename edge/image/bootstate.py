"""What a new disk has in its partition `bootstate`: slot a committed, slot b empty."""

from edge.image.extent import Contents, Extent
from edge_signing.formats import boot_state


def contents() -> Contents:
    """Return both copies, each at its place."""
    extents = tuple(
        Extent(offset_bytes, copy, len(copy))
        for offset_bytes, copy in zip(
            boot_state.COPY_OFFSETS_BYTES, boot_state.factory_copies(), strict=True
        )
    )
    return Contents(extents[-1].end_bytes, extents)
