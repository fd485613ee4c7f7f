"""The request for a campaign, from the words that people say of its plan."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from edge.cli import campaign_words
from edge.console.campaigns.plan import Wave, waves
from edge.errors import InputError

_AS_SAID: Final = (
    *("product", "target", "on_trip", "approvals", "priority", "tries"),
    *("download_only", "reboot", "window", "confirm"),
)
_TIMES: Final = ("soak", "silence", "timeout", "answer", "seen")
_SIZES: Final = frozenset({"waves", "waves_text", "canaries"})
# Parts of the request that are one word each, by the option that says them.
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (name,) for name in _AS_SAID},
    **{name: ("times", f"{name}_s") for name in _TIMES},
    "dynamic": ("is_dynamic",),
    "evidence": ("evidence",),
    "at_once": ("pace", "at_once"),
    "per_minute": ("pace", "per_minute"),
    "bandwidth": ("pace", "bytes_per_s"),
    "start_at": ("start_at_s",),
    "end_at": ("end_at_s",),
    "confirm_until": ("confirm_until_s",),
}


def body(**said: Any) -> dict[str, Any]:
    """Return the body of the request that words give.

    Raises:
        InputError: One can not be read.
    """
    bandwidth, evidence, until = said["bandwidth"], said["evidence"], said["confirm_until"]
    version, *also = said["versions"] or ("",)
    return {
        "version": version,
        "also": also,
        **{name: said[name] for name in _AS_SAID},
        "is_dynamic": said["dynamic"],
        "waves": _waves(said),
        "evidence": _read("--evidence", evidence, campaign_words.evidence),
        "pace": {
            "at_once": said["at_once"],
            "per_minute": said["per_minute"] or None,
            "bytes_per_s": _read("--bandwidth", bandwidth, campaign_words.speed),
        },
        "times": {f"{name}_s": said[name] for name in _TIMES},
        "start_at_s": _read("--start-at", said["start_at"], campaign_words.time_s) or 0,
        "end_at_s": _read("--end-at", said["end_at"], campaign_words.time_s) or 0,
        "confirm_until_s": _read("--confirm-until", until, campaign_words.until_s) or 0,
    }


def changed(plan: Mapping[str, Any], words: Mapping[str, Any], given: frozenset[str]) -> Any:
    """Return the body of a plan with some words changed.

    Args:
        plan: As the API tells it.
        words: All words.
        given: Those of them that are to change it.

    Raises:
        InputError: One can not be read.
    """
    wanted = body(**words)
    found = {**plan, "pace": {**plan["pace"]}, "times": {**plan["times"]}}
    for name in given & _PARTS.keys():
        *above, last = _PARTS[name]
        into, out_of = (found[above[0]], wanted[above[0]]) if above else (found, wanted)
        into[last] = out_of[last]
    if "versions" in given:
        found |= {name: wanted[name] for name in ("version", "also")}
    if given & _SIZES:
        found["waves"] = wanted["waves"]
    else:
        found["waves"] = [_changed_wave(one, words, given) for one in plan["waves"]]
    return found


def _changed_wave(
    wave: Mapping[str, Any], words: Mapping[str, Any], given: frozenset[str]
) -> dict[str, Any]:
    """Return a wave with what was given for all waves; the limit of named devices is their own."""
    same, found = _same_of_waves(words), dict(wave)
    if not wave["devices"]:
        if "stop_at" in given:
            found["limit"] = same["limit"]
        elif "sample" in given:
            found["limit"] = {**wave["limit"], "sample": words["sample"]}
    found |= {"success_percent": same["success_percent"]} if "success" in given else {}
    return found | ({"wait_s": same["wait_s"]} if "wait" in given else {})


def _waves(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "waves" in said:
        found = [_wave_of_plan(one, said) for one in said["waves"]]
    else:
        same, sizes = _same_of_waves(said), waves(said["waves_text"], Wave())
        found = [{**same, "percent": one.percent, "count": one.count} for one in sizes]
    if said["canaries"]:
        # Of a few chosen devices one that fails is too many.
        canaries = {"devices": list(said["canaries"]), "limit": {"count": 1}}
        found.insert(0, {**_same_of_waves(said), **canaries})
    return found


def _wave_of_plan(wave: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a wave of a plan, with what is said for all where it says nothing itself."""
    same = _same_of_waves({**said, **wave})
    if "size" in wave:
        (size,) = waves(wave["size"], Wave())
        return {**same, "percent": size.percent, "count": size.count}
    if "devices" in wave:
        named = {"devices": list(wave["devices"])}
        return {**same, **named} if "stop_at" in wave else {**same, **named, "limit": {"count": 1}}
    return {**same, "filter": wave["filter"]}


def _same_of_waves(said: Mapping[str, Any]) -> dict[str, Any]:
    sample = said["sample"]
    limit = _read("--stop-at", said["stop_at"], lambda text: campaign_words.limit(text, sample))
    return {"limit": limit, "success_percent": said["success"], "wait_s": said["wait"]}


def _read(option: str, text: str | None, reader: Callable[[str], Any]) -> Any:
    """Return what the value of an option says; an error names the option."""
    try:
        return reader(text) if text is not None else None
    except InputError as error:
        raise InputError(f"{option} {text}: {error}", hint=error.hint) from None
