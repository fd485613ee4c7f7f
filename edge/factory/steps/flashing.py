"""The steps that put the image onto the board: customise, flash, verify."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge.errors import EdgeError
from edge.factory.steps.step import Job
from edge.flash.methods.method import Method
from edge.flash.sources.source import Source
from edge.image.provision import Placed

FIRST_SETTINGS: Final = "first_settings"
IDENTITY_FILES: Final = "identity_files"
_SOURCE: Final = "source"

MethodOf = Callable[[str, Job], Method]
"""Returns how the board at a port is written; it raises where that can not be."""

Overlay = Callable[[Source, tuple[Placed, ...]], Source]
"""Lays files over the data partition of an image."""


@dataclass(frozen=True, slots=True)
class CustomiseStep:
    """Gathers what this device alone gets: the settings of the line, and its identity.

    Attributes:
        settings: Returns the files of the line's first settings for a device, by its id.
    """

    settings: Callable[[str], Sequence[Placed]]

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        own = tuple(job.kept.get(IDENTITY_FILES, ()))
        files = (*self.settings(job.device), *own)
        paths = [str(one.path) for one in files]
        if twice := next((one for one in paths if paths.count(one) > 1), None):
            raise EdgeError(f"{twice} comes from the settings and from the identity")
        job.kept[FIRST_SETTINGS] = files
        return {"files": sorted(paths)}


@dataclass(frozen=True, slots=True)
class FlashStep:
    """Writes the image with the first settings, and reads it back.

    Attributes:
        image: The image of the line.
        method: Returns how the board at a port is written.
        overlay: Lays files over an image.
    """

    image: Source
    method: MethodOf
    overlay: Overlay

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        files = tuple(job.kept.get(FIRST_SETTINGS, job.kept.get(IDENTITY_FILES, ())))
        source = self.overlay(self.image, files) if files else self.image
        job.kept[_SOURCE] = source
        report = self.method(job.port, job).flash(source, job.flashing)
        facts = self.image.facts
        return {
            "release": facts.version or "",
            "image": facts.fingerprint.hex(),
            "signed": facts.signer or "",
            "mapped_bytes": source.facts.mapped_bytes,
            "written_bytes": report.written_bytes,
            "skipped_bytes": report.skipped_bytes,
            "verified_bytes": report.verified_bytes,
        }


@dataclass(frozen=True, slots=True)
class VerifyStep:
    """Makes sure that all of the image was read back from the board.

    What `flash` has read back is not read once more.
    """

    method: MethodOf

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        flashed = job.facts.get("flash", {})
        wanted_bytes = flashed.get("mapped_bytes", 0)
        if wanted_bytes and flashed.get("verified_bytes", 0) >= wanted_bytes:
            return {"verified_bytes": flashed["verified_bytes"], "by": "flash"}
        source = job.kept.get(_SOURCE)
        if source is None:
            raise EdgeError("there is nothing to compare with: flash comes first")
        report = self.method(job.port, job).verify(source, job.flashing)
        if report.verified_bytes < source.facts.mapped_bytes:
            raise EdgeError(
                f"{report.verified_bytes} of {source.facts.mapped_bytes} bytes were read back",
                hint="this way of flashing can not read: use another one at the line",
            )
        return {"verified_bytes": report.verified_bytes, "by": "verify"}
