"""Whether the label that was scanned is that of the device at its port."""

from collections.abc import Iterable
from dataclasses import dataclass

from edge.errors import EdgeError, InputError, RefusedError
from edge.factory.labels import check
from edge.factory.labels.label import Label
from edge.factory.slot import Slot
from edge.factory.worker import Worker


@dataclass(frozen=True, slots=True)
class Judged:
    """What a scanned label came to.

    Attributes:
        scanned: What it says.
        port: Where it was to be; empty where it fits none of several ports.
        wrong: Why it is not that of the device there; None if it is.
    """

    scanned: Label
    port: str
    wrong: EdgeError | None

    def details(self) -> dict[str, object]:
        """Return it as the ledger has it."""
        wrong = {"wrong": str(self.wrong)} if self.wrong else {}
        return {"code": self.scanned.code, "port": self.port, **wrong}

    def said(self) -> str:
        """Say that it is right.

        Raises:
            RefusedError: It is not.
        """
        if self.wrong is not None:
            raise self.wrong
        return f"the label of {self.scanned.device} is right at {self.port}"


def label_of(worker: Worker, product: str) -> Label | None:
    """Return the label that was printed for the device of a run; None if there was none."""
    if "label" not in worker.run.facts:
        return None
    return Label(worker.device, product, worker.run.facts["identity"]["key"])


def judged(code: str, port: str, slots: Iterable[Slot]) -> Judged:
    """Return what a scanned label comes to.

    Args:
        code: What the scanner read.
        port: Where the device is; empty for that with this id, else for the only one.
        slots: All ports.

    Raises:
        InputError: It is no code of a label, or no device waits for its label.
    """
    scanned = Label.scanned(code)
    waiting = {
        one.port: one.label for one in slots if one.label is not None and port in ("", one.port)
    }
    if not waiting:
        raise InputError(
            "no device waits for its label here", hint="scan it while the board is at its port"
        )
    same = [name for name, one in waiting.items() if one.device == scanned.device]
    if not same and len(waiting) > 1:
        names = ", ".join(waiting)
        return Judged(scanned, "", RefusedError(f"{scanned.device} is at none of {names}"))
    place = same[0] if same else next(iter(waiting))
    try:
        check.require(code, waiting[place])
    except RefusedError as error:
        return Judged(scanned, place, error)
    return Judged(scanned, place, None)
