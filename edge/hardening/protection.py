"""A protection: by which options it is on, and what a kernel says to them. Pure.

A protection may be reached in several ways, and be taken back by a parameter: what counts is
whether it works, not which option is set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from edge.hardening.kernel import Kernel, Version

UNSET = ""


class Place(StrEnum):
    """Where an option is set."""

    CONFIG = "config"
    PARAMETER = "parameter"
    SYSCTL = "sysctl"


@dataclass(frozen=True, slots=True)
class Way:
    """An option that has one of some values.

    Attributes:
        values: `UNSET` among them if the option may be missing; for numbers what is enough.
    """

    place: Place
    name: str
    values: tuple[str, ...]

    def said(self, value: str) -> str:
        """Return the option with a value, as it is written."""
        match self.place:
            case Place.CONFIG:
                return f"CONFIG_{self.name}={value or 'n'}"
            case Place.PARAMETER if value == UNSET:
                return self.name
            case _:
                return f"{self.name}={value}"

    @property
    def wanted(self) -> str:
        """The option as somebody would set it."""
        return self.said(self.values[0])

    def found(self, kernel: Kernel) -> str:
        """Return the option as the kernel has it."""
        return self.said(self._options(kernel).get(self.name, UNSET))

    def holds(self, kernel: Kernel) -> bool:
        """Say whether the kernel has it so."""
        options = self._options(kernel)
        if self.place is Place.CONFIG:
            return kernel.config is not None and options.get(self.name, UNSET) in self.values
        return self.name in options and options[self.name] in self.values

    def _options(self, kernel: Kernel) -> Mapping[str, str]:
        match self.place:
            case Place.CONFIG:
                return kernel.config or {}
            case Place.PARAMETER:
                return kernel.parameters
            case Place.SYSCTL:
                return kernel.sysctls


def built(name: str, *values: str) -> Way:
    """Return an option of the configuration, `y` unless said otherwise."""
    return Way(Place.CONFIG, name, values or ("y",))


def left_out(name: str) -> Way:
    """Return an option of the configuration that is not set."""
    return Way(Place.CONFIG, name, (UNSET,))


def parameter(name: str, *values: str) -> Way:
    """Return a parameter of the command line; without values one that stands alone."""
    return Way(Place.PARAMETER, name, values or (UNSET,))


def sysctl(name: str, *values: str) -> Way:
    """Return a sysctl with one of some values."""
    return Way(Place.SYSCTL, name, values)


@dataclass(frozen=True, slots=True)
class Protection:
    """Something that makes a kernel harder to attack.

    Attributes:
        name: What it does.
        ways: Any of them turns it on.
        unless: Any of them takes it back.
        since: The first version that has it.
        until: The first version that has it no more, or always.
    """

    name: str
    ways: tuple[Way, ...]
    unless: tuple[Way, ...] = ()
    since: Version = (0, 0)
    until: Version | None = None

    def is_for(self, kernel: Kernel) -> bool:
        """Say whether this version of the kernel has it."""
        return self.since <= kernel.version and (self.until is None or kernel.version < self.until)

    def found(self, kernel: Kernel) -> "Finding":
        """Return whether it is on, by what, or how to get it."""
        for way in self.unless:
            if way.holds(kernel):
                said = way.found(kernel)
                return Finding(self.name, Standing.OFF, said, f"remove {said}")
        for way in self.ways:
            if way.holds(kernel):
                return Finding(self.name, Standing.ON, way.found(kernel), "")
        if kernel.config is None and any(way.place is Place.CONFIG for way in self.ways):
            return Finding(self.name, Standing.UNKNOWN, "", "the kernel brings no configuration")
        return Finding(self.name, Standing.OFF, "", self._advice())

    def _advice(self) -> str:
        ways = {way.place: way for way in reversed(self.ways)}
        if way := ways.get(Place.PARAMETER):
            return f"kernel.cmdline: {way.wanted}"
        if way := ways.get(Place.SYSCTL):
            return f"sysctl {way.wanted}"
        return f"a kernel with {ways[Place.CONFIG].wanted}"


class Standing(StrEnum):
    """Whether a protection is on."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a protection.

    Attributes:
        by: The option that turns it on, or off.
        advice: How to get it; empty if it is on.
    """

    protection: str
    standing: Standing
    by: str
    advice: str
