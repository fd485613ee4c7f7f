"""One port of a station, as the station keeps it."""

import threading
from dataclasses import dataclass

from edge.factory.admission import Want
from edge.factory.events import Light, PortEvent
from edge.factory.labels.label import Label
from edge.factory.ports import Seen
from edge.factory.worker import Worker


@dataclass(slots=True)
class Slot:
    """One port.

    Attributes:
        port: Its name.
        seen: The board that was last served, with the serial number that was scanned for it.
        worker: Its run; None between runs, and for a golden sample.
        thread: In which something runs.
        wants: What has to be scanned before a run begins.
        label: That of the device that was made here, while it is at the port.
        last: What was told of it last.
        hung: A step of an old run that never ended.
        is_done: Whether a run has ended here.
    """

    port: str
    seen: Seen | None = None
    worker: Worker | None = None
    thread: threading.Thread | None = None
    wants: Want = Want.NOTHING
    label: Label | None = None
    last: PortEvent | None = None
    hung: threading.Thread | None = None
    is_done: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way, or a step of an old one."""
        return self.thread is not None or (self.hung is not None and self.hung.is_alive())

    @property
    def light(self) -> Light:
        """How it stands."""
        return self.last.light if self.last else Light.EMPTY
