"""What U-Boot's boot script does with the boot state at each start."""

from collections.abc import Sequence
from dataclasses import replace

from edge_signing.errors import FormatError
from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import ARMED_LEFT, BootState, Slot
from tests.fakes.block_device import BlockDevice


def chosen(copies: Sequence[bytes]) -> tuple[Slot | None, int, BootState]:
    """Return the slot of the next start, which copy is written, and what.

    No slot means that none had a start left: all get some, and the machine starts again.
    """
    try:
        index = boot_state.newest_index(copies)
        state = BootState.unpack(copies[index])
    except FormatError:
        state = BootState(1, ("a", "b"), {"a": ARMED_LEFT, "b": ARMED_LEFT})
        return "a", 0, _with_one_less(state, "a")
    slot = next((slot for slot in state.order if state.left[slot]), None)
    if slot is None:
        refilled = {**state.left, **dict.fromkeys(state.order, ARMED_LEFT)}
        return None, 1 - index, replace(state, seq=state.seq + 1, left=refilled)
    return slot, 1 - index, replace(_with_one_less(state, slot), seq=state.seq + 1)


def _with_one_less(state: BootState, slot: Slot) -> BootState:
    return replace(state, left={**state.left, slot: state.left[slot] - 1})


def start(device: BlockDevice) -> Slot:
    """Start the machine and return the slot that was chosen; a start costs the slot one try."""
    copies = [device.read(at, boot_state.COPY_BYTES) for at in boot_state.COPY_OFFSETS_BYTES]
    slot, index, state = chosen(copies)
    device.write(boot_state.COPY_OFFSETS_BYTES[index], state.pack())
    return slot or start(device)
