"""Where labels come from: printed as the line says."""

from dataclasses import dataclass
from pathlib import Path

from edge.factory.labels import printing
from edge.factory.labels.label import Label
from edge.factory.labels.printing import Printer
from edge.factory.labels.render import Form
from edge.factory.line import Line
from edge.factory.steps.step import Job


@dataclass(frozen=True, slots=True)
class LinePrinter:
    """Prints the label of a device whose identity is in the ledger.

    Attributes:
        printer: Where.
        name: What it is called in the record.
    """

    printer: Printer
    name: str

    def print(self, job: Job, line: Line) -> str:
        """See `Labeller`."""
        label = Label(job.device, line.product, job.facts["identity"]["key"])
        printing.printed(self.printer, label)
        return self.name


def printer_of(folder: Path, text: str, form: Form | None = None) -> Printer:
    """Return the printer that a text names; a file counts from the folder of the line.

    Raises:
        InputError: It names none.
    """
    kind, _colon, rest = text.partition(":")
    return printing.parse(f"file:{folder / rest}" if kind == "file" and rest else text, form)
