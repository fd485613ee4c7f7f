"""What jobs over USB share: an image, and who is told."""

import random
from dataclasses import dataclass, field

from edge.flash.events import Event, Note
from tests.fakes.memory_source import MemorySource

MIB = 1 << 20
PORT = "1-1.3"


def some_image() -> MemorySource:
    """Return an image of 6 MiB: a table, a part across the end of the first MiB, a part far off."""
    noise = random.Random(7).randbytes(MIB)
    image = bytearray(6 * MIB)
    image[: 64 << 10] = noise[: 64 << 10]
    image[MIB - 4096 : 2 * MIB - 4096] = noise
    image[4 * MIB + 512 : 4 * MIB + 900] = noise[:388]
    spans = [(0, 64 << 10), (MIB - 4096, 2 * MIB - 4096), (4 * MIB + 512, 4 * MIB + 900)]
    return MemorySource(bytes(image), spans)


@dataclass
class Ear:
    """Keeps what is told."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def notes(self) -> str:
        """All notes."""
        return "\n".join(one.text for one in self.events if isinstance(one, Note))
