"""The plan of a campaign as a file: what `edge campaign create` takes as options, and each wave.

Its keys are the names of the options. A plan that is kept beside the code goes through review like
it, and the next release goes out as the one before.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from edge.cli import campaign_words
from edge.console.campaigns.plan import OnTrip, Wave, waves
from edge.errors import InputError
from edge.strict.document import read_text
from edge.strict.formats import Text
from edge.strict.model import StrictModel, load_model, wrong
from edge.strict.schema import schema_of
from edge_signing.messages import Confirm, Reboot

_MOST: Final = 1 << 53
_MAPPING: Final = "tag:yaml.org,2002:map"
_OPTIONS: Final = {"release": "versions"}


class OneLine(dict[str, object]):
    """A mapping that is written on one line."""


def _read_by(reader: Callable[[str], object]) -> AfterValidator:
    """Return the check that a text can be read, by what reads it."""

    def check(text: str) -> str:
        try:
            reader(text)
        except InputError as error:
            raise wrong(f"{text!r} is {error}", error.hint) from None
        return text

    return AfterValidator(check)


def _size(text: str) -> str:
    """Return the text if it says the size of one wave."""
    try:
        (_one,) = waves(text, Wave())
    except (InputError, ValueError):
        raise wrong(f"{text!r} is neither a share nor a count", "1%, 50 or 100%") from None
    return text


def _as_text(value: object) -> object:
    """Return a number as text: YAML makes a number of `5`, and not of `5%`."""
    return str(value) if type(value) is int else value


def _as_list(value: object) -> object:
    """Return one text as a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


_TEXT: Final = BeforeValidator(_as_text, json_schema_input_type=int | str)
_Releases = Annotated[
    tuple[Text, ...],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
]
_Size = Annotated[str, AfterValidator(_size), _TEXT]
_Limit = Annotated[str, _read_by(lambda text: campaign_words.limit(text, 1)), _TEXT]
_Duration = Annotated[str, _read_by(campaign_words.duration_s), _TEXT]
_Time = Annotated[str, _read_by(campaign_words.time_s)]
_Share = Annotated[int, Field(ge=0, le=100)]
_Count = Annotated[int, Field(ge=1, le=_MOST)]


class WaveWords(StrictModel):
    """A wave of a plan; what it does not say, the plan says for all."""

    size: _Size | None = None
    filter: Text | None = None
    devices: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    success: _Share | None = None
    stop_at: _Limit | None = None
    sample: _Count | None = None
    wait: _Duration | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        said = [one for one in ("size", "filter", "devices") if getattr(self, one) is not None]
        if len(said) != 1:
            raise wrong("a wave has one of size, filter and devices", "size: 10%")
        return self


class PlanWords(StrictModel):
    """The file of a plan."""

    release: _Releases | None = None
    product: Text | None = None
    target: Text | None = None
    dynamic: bool | None = None
    canaries: tuple[Text, ...] | None = None
    waves: Annotated[tuple[WaveWords, ...], Field(min_length=1, max_length=100)] | None = None
    success: _Share | None = None
    stop_at: _Limit | None = None
    sample: _Count | None = None
    wait: _Duration | None = None
    evidence: Annotated[str, _read_by(campaign_words.evidence)] | None = None
    on_trip: OnTrip | None = None
    at_once: _Count | None = None
    per_minute: Annotated[int, Field(ge=0, le=_MOST)] | None = None
    bandwidth: Annotated[str, _read_by(campaign_words.speed)] | None = None
    soak: _Duration | None = None
    silence: _Duration | None = None
    timeout: _Duration | None = None
    answer: _Duration | None = None
    seen: _Duration | None = None
    start_at: _Time | None = None
    end_at: _Time | None = None
    approvals: Annotated[int, Field(ge=0, le=20)] | None = None
    priority: Annotated[int, Field(ge=0, le=1000)] | None = None
    tries: Annotated[int, Field(ge=1, le=10)] | None = None
    download_only: bool | None = None
    reboot: Reboot | None = None
    window: Text | None = None
    confirm: Confirm | None = None
    confirm_until: Annotated[str, _read_by(campaign_words.until_s)] | None = None

    def words(self) -> dict[str, Any]:
        """Return what the file says, by the names of the options."""
        found = {_OPTIONS.get(name, name): value for name, value in _said(self).items()}
        if self.waves is not None:
            found["waves"] = [_said(one) for one in self.waves]
        return found


def read(file: Path) -> PlanWords:
    """Return the plan in a file.

    Raises:
        ProblemsError: All that is wrong in it.
        ThingNotFoundError: There is none.
    """
    return load_model(PlanWords, read_text(file), str(file))


def schema() -> dict[str, Any]:
    """Return the JSON schema of a plan."""
    return schema_of(PlanWords, "plan of a campaign of Edge")


_DURATIONS: Final = frozenset({"wait", "soak", "silence", "timeout", "answer", "seen"})


def _said(model: StrictModel) -> dict[str, Any]:
    found = model.model_dump(exclude_none=True)
    return {
        name: campaign_words.duration_s(value) if name in _DURATIONS else value
        for name, value in found.items()
    }


def text(plan: Mapping[str, Any]) -> str:
    """Return the file of a plan that the API told."""
    pace, bandwidth = plan["pace"], plan["pace"]["bytes_per_s"]
    times = {
        name.removesuffix("_s"): campaign_words.duration_text(value)
        for name, value in plan["times"].items()
    }
    waves = [_wave_words(one) for one in plan["waves"]]
    same = _same(waves)
    found: dict[str, object] = {
        "release": [plan["version"], *plan["also"]] if plan["also"] else plan["version"],
        **{name: plan[name] for name in ("product", "target") if plan[name]},
        **({"dynamic": True} if plan["is_dynamic"] else {}),
        "waves": [_less(one, same) for one in waves],
        **same,
        "evidence": campaign_words.evidence_text(plan["evidence"]),
        "on_trip": plan["on_trip"],
        "at_once": pace["at_once"],
        **({"per_minute": pace["per_minute"]} if pace["per_minute"] else {}),
        **({"bandwidth": f"{bandwidth}B"} if bandwidth else {}),
        **times,
        **{
            name: campaign_words.time_text(plan[f"{name}_s"])
            for name in ("start_at", "end_at", "confirm_until")
            if plan[f"{name}_s"]
        },
        **{name: plan[name] for name in ("approvals", "priority", "tries") if plan[name]},
        **({"download_only": True} if plan["download_only"] else {}),
        **{name: plan[name] for name in ("reboot", "window", "confirm") if plan[name]},
    }
    return yaml.dump(found, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes each wave on a line of its own."""


_Dumper.add_representer(
    OneLine, lambda dumper, value: dumper.represent_mapping(_MAPPING, value, flow_style=True)
)


def _wave_words(wave: Mapping[str, Any]) -> OneLine:
    found = OneLine()
    if wave["percent"] is not None:
        found["size"] = f"{wave['percent']}%"
    elif wave["count"] is not None:
        found["size"] = wave["count"]
    else:
        found |= {name: wave[name] for name in ("filter", "devices") if wave[name]}
    found["success"] = wave["success_percent"]
    found["stop_at"] = campaign_words.limit_text(wave["limit"])
    if wave["limit"]["percent"] is not None:
        found["sample"] = wave["limit"]["sample"]
    found["wait"] = campaign_words.duration_text(wave["wait_s"])
    return found


def _same(waves: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """Return what all waves say that name no devices: those have a limit of their own."""
    sized = [one for one in waves if "devices" not in one]
    first = sized[0] if sized else {}
    return {
        name: first[name]
        for name in ("success", "stop_at", "sample", "wait")
        if name in first and all(one.get(name) == first[name] for one in sized)
    }


def _less(wave: Mapping[str, object], same: Mapping[str, object]) -> OneLine:
    """Return a wave without what is said for all."""
    is_own = ("stop_at",) if "devices" in wave else ()
    return OneLine(
        (name, value) for name, value in wave.items() if name in is_own or value != same.get(name)
    )
