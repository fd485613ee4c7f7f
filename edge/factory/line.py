"""The model of line.yml: what a line makes, and by which steps.

A line is a folder: `line.yml`, `ca/` with public certificates, `ranges.json` (who may give which
ids), and `stations/NAME/` with the ledger of each.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from edge.errors import InputError, Problem, ProblemsError
from edge.factory.labels import printing
from edge.factory.spans import Span, span
from edge.factory.step_names import BUILT_IN, ORDER, REQUIRED, OnFailure
from edge.strict.document import parse, read_text
from edge.strict.formats import Name, Text, matching
from edge.strict.model import StrictModel, examine, wrong
from edge.strict.schema import schema_of

FILE: Final = "line.yml"
STATIONS: Final = "stations"


def _span_text(text: str) -> str:
    try:
        span(text)
    except InputError as error:
        raise wrong(str(error), error.hint) from error
    return text


def _printer(text: str) -> str:
    try:
        printing.parse(text)
    except InputError as error:
        raise wrong(str(error), error.hint) from error
    return text


Seconds = Annotated[int, Field(ge=1, le=86_400)]
Serial = Annotated[str, Field(min_length=1, max_length=200)]


class Ids(StrictModel):
    """Where the id of a device comes from.

    `range`: numbers that are handed out to the stations. `serial`: `prefix` and what the board says
    of itself. `scanner`: what the operator scans. The latter two have to lie in `range` if it is
    there, else be a name of a device.
    """

    source: Literal["range", "serial", "scanner"] = Field(default="range", alias="from")
    range: Annotated[str, AfterValidator(_span_text)] | None = None
    prefix: Annotated[str, matching(r"[A-Za-z0-9_-]{0,32}", "a prefix", "letters, digits, - _")] = (
        ""
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.source == "range" and self.range is None:
            raise wrong("the key 'range' is missing", "range: gw-000001..gw-999999")
        if self.prefix and self.source != "serial":
            raise wrong("prefix is for `from: serial`")
        return self

    @property
    def span(self) -> Span | None:
        """The range."""
        return span(self.range) if self.range else None


class Step(StrictModel):
    """A step of the line.

    Without `run` it is the built-in one of its name. `run` is a command of our own: it gets what is
    known of the device as JSON on its input, and prints one JSON object: what it measured.
    """

    step: Name
    run: tuple[Text, ...] | None = None
    timeout_s: Seconds = 120
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    on_failure: OnFailure = OnFailure.STOP

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.run is None and self.step not in BUILT_IN:
            raise wrong(
                f"there is no step {self.step!r}",
                f"one of {', '.join(BUILT_IN)}; with `run: [COMMAND]` it is one of your own",
            )
        if self.run is not None and self.step in BUILT_IN and self.step != "test":
            raise wrong(f"{self.step!r} is a built-in step, and takes no run")
        if self.run is not None and not self.run:
            raise wrong("run is empty", "write the command as a list of words")
        if self.step == "test" and self.run is None:
            raise wrong("test needs run: the command that tests", "run: [./test-modem]")
        if self.step in REQUIRED and self.on_failure is OnFailure.SKIP:
            raise wrong(f"{self.step!r} can not be skipped: no device is good without it")
        return self


class Golden(StrictModel):
    """Boards that are tested at the start of a shift: the good have to pass, the bad to fail."""

    good: tuple[Serial, ...] = ()
    bad: tuple[Serial, ...] = ()
    every_h: Annotated[int, Field(ge=1, le=168)] = 12

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if both := sorted(set(self.good) & set(self.bad)):
            raise wrong(f"{both[0]!r} is both good and bad")
        return self


def _default_steps() -> tuple[Step, ...]:
    return tuple(
        Step(step=name, timeout_s=1800 if name in ("flash", "verify") else 120) for name in ORDER
    )


_BEFORE: Final = (
    ("identity", "label"),
    ("identity", "register"),
    ("verify", "register"),
    ("flash", "verify"),
    ("customise", "flash"),
)


def _in_order(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    names = [one.step for one in steps]
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise wrong(f"the step {twice!r} is there twice")
    if missing := [one for one in ("detect", *REQUIRED) if one not in names]:
        raise wrong(f"the step {missing[0]!r} is missing: no device is good without it")
    if names[0] != "detect":
        raise wrong("the first step is detect")
    for earlier, later in _BEFORE:
        if earlier in names and later in names and names.index(earlier) > names.index(later):
            raise wrong(f"the step {earlier!r} comes before {later!r}")
    return steps


class Line(StrictModel):
    """line.yml."""

    line: Name
    product: Name
    board: Name
    image: Text
    ids: Ids
    identity: Literal["station", "device"] = "station"
    serials: Literal["board", "scanner"] = "board"
    server_ca: Text = "ca/server.crt"
    config: Text | None = None
    printer: Annotated[str, AfterValidator(_printer)] = "file:labels"
    golden: Golden | None = None
    steps: Annotated[
        tuple[Step, ...], Field(min_length=1, max_length=64), AfterValidator(_in_order)
    ] = Field(default_factory=_default_steps)

    @model_validator(mode="after")
    def _makes_its_key_when_it_runs(self) -> Self:
        names = [one.step for one in self.steps]
        if self.identity == "device" and names.index("identity") < names.index("verify"):
            raise wrong(
                "a device makes its own key when it runs: identity comes behind flash and verify",
                "write the steps in that order",
            )
        return self

    @model_validator(mode="after")
    def _golden_has_a_test(self) -> Self:
        if self.golden and not any(one.run for one in self.steps):
            raise wrong("golden needs a step with run, which tests the sample")
        return self


def schema() -> dict[str, Any]:
    """Return the JSON schema of line.yml."""
    return schema_of(Line, "line.yml of Edge")


def read(folder: Path) -> Line:
    """Return the line in a folder.

    Raises:
        ProblemsError: All that is wrong in its line.yml.
        ThingNotFoundError: There is none.
    """
    file = folder / FILE
    line, problems = examine(Line, parse(read_text(file), str(file)))
    if line is None or problems:
        raise ProblemsError(problems or [Problem(str(file), 1, 1, "", "it is empty")])
    return line


def station_folder(folder: Path, station: str) -> Path:
    """Return where the records of a station lie."""
    return folder / STATIONS / station


def station_names(folder: Path) -> tuple[str, ...]:
    """Return the stations that have a folder, in order."""
    place = folder / STATIONS
    if not place.is_dir():
        return ()
    return tuple(sorted(one.name for one in place.iterdir() if one.is_dir()))
