"""The steps detect, identity, label and register, and what they ask of others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from edge.errors import EdgeError, LinkError
from edge.factory.line import Line
from edge.factory.ports import Ports
from edge.factory.step_names import REQUIRED
from edge.factory.steps.flashing import IDENTITY_FILES
from edge.factory.steps.step import Job
from edge.image.provision import Placed


@dataclass(frozen=True, slots=True)
class Given:
    """The identity that a device was given.

    Attributes:
        key: SHA-256 of its public key, in hex.
        certificate: PEM of the device and of the station's authority.
        serial: The number of the certificate, in hex.
        proved: How it was proved that the device holds the key; empty if it was not.
        retired: The numbers of certificates that this one takes the place of.
        files: What goes onto its data partition, if it does not have it yet.
    """

    key: str
    certificate: str
    serial: str
    proved: str
    retired: tuple[str, ...] = ()
    files: tuple[Placed, ...] = ()


class Identifier(Protocol):
    """Gives identities."""

    def give(self, job: Job) -> Given:
        """Return a new identity for a device, which is proved to hold its key.

        Raises:
            EdgeError: The authority refuses, or the device does not prove it.
        """


class Labeller(Protocol):
    """Prints labels."""

    def print(self, job: Job, line: Line) -> str:
        """Print the label of a device; return where.

        Raises:
            EdgeError: The printer does not take it.
        """


@dataclass(frozen=True, slots=True)
class DetectStep:
    """Makes sure that the board is still there, and still the same."""

    ports: Ports

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        seen = self.ports.at(job.port)
        if seen is None:
            raise LinkError(f"{job.port}: nothing is plugged in any more")
        if seen.is_other(job.seen):
            raise LinkError(f"{job.port}: another board is there")
        return {"what": seen.what}


@dataclass(frozen=True, slots=True)
class IdentityStep:
    """Gives the device its identity."""

    identifier: Identifier

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        given = self.identifier.give(job)
        if not given.proved:
            raise EdgeError("nobody has proved that the device holds its key")
        job.kept[IDENTITY_FILES] = given.files
        return {
            "key": given.key,
            "certificate": given.certificate,
            "certificate_serial": given.serial,
            "proved": given.proved,
            "retired": list(given.retired),
        }


@dataclass(frozen=True, slots=True)
class LabelStep:
    """Prints the label."""

    labeller: Labeller
    line: Line

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        return {"printer": self.labeller.print(job, self.line)}


@dataclass(frozen=True, slots=True)
class RegisterStep:
    """Makes the record of the device, which the end of the run holds and the console gets.

    Attributes:
        line: What is made.
        retired: Returns the numbers of earlier certificates of a device, by its id.
    """

    line: Line
    retired: Callable[[str], tuple[str, ...]]

    def run(self, job: Job) -> Mapping[str, Any]:
        """See `Step`."""
        for name in REQUIRED[:-1]:
            if name not in job.facts:
                raise EdgeError(f"{name} was not done: there is nothing to record")
        identity, flashed = job.facts["identity"], job.facts["flash"]
        current = identity["certificate_serial"]
        earlier = dict.fromkeys((*self.retired(job.device), *identity.get("retired", ())))
        return {
            "record": {
                "line": self.line.line,
                "product": self.line.product,
                "board": self.line.board,
                "board_serial": job.seen.serial,
                "order": job.order,
                "release": flashed["release"],
                "image": flashed["image"],
                "key": identity["key"],
                "certificate": identity["certificate"],
                "retired": [one for one in earlier if one != current],
                "tests": _tests(job.facts),
            }
        }


def _tests(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return what own steps measured: `ok` for one that says nothing but that it passed."""
    found: dict[str, str] = {}
    for step, details in facts.items():
        if "results" not in details:
            continue
        if not details["results"]:
            found[step] = "ok"
        found.update({f"{step}.{name}": value for name, value in details["results"].items()})
    return found
