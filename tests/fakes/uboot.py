"""What U-Boot's boot script does with the boot state at each start."""

from dataclasses import replace

from edge_signing.formats import boot_state
from edge_signing.formats.boot_state import ARMED_LEFT, BootState, Slot
from tests.fakes.block_device import BlockDevice


def start(device: BlockDevice) -> Slot:
    """Start the machine and return the slot that was chosen; a start costs the slot one try."""
    copies = [device.read(at, boot_state.COPY_BYTES) for at in boot_state.COPY_OFFSETS_BYTES]
    index = boot_state.newest_index(copies)
    state = BootState.unpack(copies[index])
    slot = next((slot for slot in state.order if state.left[slot]), None)
    if slot is None:
        left = {**state.left, **dict.fromkeys(state.order, ARMED_LEFT)}
    else:
        left = {**state.left, slot: state.left[slot] - 1}
    new = replace(state, seq=state.seq + 1, left=left)
    device.write(boot_state.COPY_OFFSETS_BYTES[1 - index], new.pack())
    return slot or start(device)
