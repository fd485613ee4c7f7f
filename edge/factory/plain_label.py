"""Labels as text files: what a printer of one's own may take from a folder."""

from dataclasses import dataclass
from pathlib import Path

from edge import atomic
from edge.factory.line import Line
from edge.factory.steps.step import Job


@dataclass(frozen=True, slots=True)
class TextLabels:
    """Writes one file a device: id, product, fingerprint of its key.

    Attributes:
        folder: Where they go.
    """

    folder: Path

    def print(self, job: Job, line: Line) -> str:
        """See `Labeller`."""
        key = job.facts["identity"]["key"]
        file = self.folder / f"{job.device}.txt"
        with atomic.file(file) as stream:
            stream.write(f"{job.device}\n{line.product}\n{key}\n".encode())
        return str(file)
