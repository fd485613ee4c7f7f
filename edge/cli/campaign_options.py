"""What campaigns are made with, as options, and the body of the request that they give."""

import functools
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import click

from edge.console.campaigns.plan import ON_TRIP, Wave, waves
from edge.errors import InputError
from edge_signing.messages import CONFIRMS, REBOOTS

_LIMIT: Final = re.compile(r"(\d{1,9})(%?)")
_SPEED: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(|[kMG])B?")
_UNITS: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_RATES: Final = re.compile(r"(\d{1,2}(?:\.\d)?)%,(\d{1,2}(?:\.\d)?)%,(\d{1,2}(?:\.\d)?)%")
_LONG_S: Final = 10**9


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a plan; it gets the body of the request as `body`."""

    @functools.wraps(command)
    def wrapped(*given: Any, **words: Any) -> None:
        said = {name: words.pop(name) for name in _NAMES}
        command(*given, body=body(**said), **words)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _seconds(name: str, default: int, text: str, least: int = 0) -> Callable[..., Any]:
    kind = click.IntRange(least, _LONG_S)
    return click.option(
        f"--{name}", type=kind, default=default, show_default=True, metavar="SECONDS", help=text
    )


_OPTIONS: Final = (
    click.option("--release", "version", required=True, metavar="VERSION", help="What to bring."),
    click.option("--product", default="", help="Only the release of this product."),
    click.option("--target", default="", metavar="FILTER", help="To whom; all if not said."),
    click.option(
        "--waves",
        "waves_text",
        default="1%,10%,50%,100%",
        show_default=True,
        help="How far each goes, in shares or counts of all devices.",
    ),
    click.option(
        "--canary", "canaries", metavar="DEVICE", multiple=True, help="Goes first. Repeatable."
    ),
    click.option(
        "--success",
        type=click.IntRange(0, 100),
        default=80,
        show_default=True,
        metavar="PERCENT",
        help="So much of a wave must have succeeded for the next one to begin.",
    ),
    click.option(
        "--stop-at",
        default="10%",
        show_default=True,
        metavar="LIMIT",
        help="Failures in one wave: more than a share, or so many; 'never'.",
    ),
    click.option(
        "--sample",
        type=click.IntRange(1),
        default=10,
        show_default=True,
        help="So many must have ended before a share counts.",
    ),
    _seconds("wait", 0, "Between a wave and the next one."),
    click.option(
        "--evidence",
        default="1%,5%,5%",
        show_default=True,
        metavar="USUAL,BAD,ALARM",
        help="Stop when all reports together speak for a bad release; 'none'.",
    ),
    click.option(
        "--on-trip",
        type=click.Choice(ON_TRIP),
        default="pause",
        show_default=True,
        help="What happens when there are too many failures.",
    ),
    _seconds("soak", 300, "A device has to run it so long after it was committed."),
    _seconds("silence", 900, "Not heard of so long after a restart is a failure.", 5),
    _seconds("timeout", 86_400, "An update may take so long.", 10),
    _seconds("answer", 3600, "An order not taken up so long goes to another device.", 5),
    _seconds("seen", 86_400, "Devices not seen so long wait until they call; 0: none does."),
    click.option(
        "--at-once",
        type=click.IntRange(1),
        default=50,
        show_default=True,
        help="So many devices may be under way.",
    ),
    click.option("--per-minute", type=click.IntRange(1), help="So many orders a minute."),
    click.option("--bandwidth", metavar="BYTES", help="A second, for all devices: 5MB."),
    click.option("--start-at", metavar="TIME", help="Not before: 2027-01-31T02:00 (local time)."),
    click.option("--end-at", metavar="TIME", help="Order nothing from then on."),
    click.option("--approvals", type=click.IntRange(0, 20), default=0, help="People who agree."),
    click.option(
        "--priority",
        type=click.IntRange(0, 1000),
        default=100,
        show_default=True,
        help="Who has the higher one gets a device that two campaigns want.",
    ),
    click.option(
        "--tries",
        type=click.IntRange(1, 10),
        default=1,
        show_default=True,
        help="Orders of a device before it counts as failed.",
    ),
    click.option("--dynamic", is_flag=True, help="Devices that fit the target later join."),
    click.option("--download-only", is_flag=True, help="Write the other slot, and wait."),
    click.option(
        "--reboot",
        type=click.Choice(REBOOTS),
        default="now",
        show_default=True,
        help="When the device restarts into it.",
    ),
    click.option(
        "--window",
        default="",
        metavar="HH:MM-HH:MM",
        help="With --reboot window: when, in the local time of each device.",
    ),
    click.option(
        "--confirm",
        type=click.Choice(CONFIRMS),
        default="as-set",
        show_default=True,
        help="Whether users of devices are asked.",
    ),
)
_NAMES: Final = (
    *("version", "product", "target", "waves_text", "canaries", "success", "stop_at", "sample"),
    *("wait", "evidence", "on_trip", "soak", "silence", "timeout", "answer", "seen", "at_once"),
    *("per_minute", "bandwidth", "start_at", "end_at", "approvals", "priority", "tries"),
    *("dynamic", "download_only", "reboot", "window", "confirm"),
)

_AS_SAID: Final = (
    *("version", "product", "target", "on_trip", "approvals", "priority", "tries"),
    *("download_only", "reboot", "window", "confirm"),
)


def body(**said: Any) -> dict[str, Any]:
    """Return the body of the request that options give.

    Raises:
        InputError: One can not be read.
    """
    return {
        **{name: said[name] for name in _AS_SAID},
        "is_dynamic": said["dynamic"],
        "waves": _waves(said),
        "evidence": _evidence(said["evidence"]),
        "pace": {
            "at_once": said["at_once"],
            "per_minute": said["per_minute"],
            "bytes_per_s": _speed(said["bandwidth"]),
        },
        "times": {
            f"{name}_s": said[name] for name in ("soak", "silence", "timeout", "answer", "seen")
        },
        "start_at_s": _time("--start-at", said["start_at"]),
        "end_at_s": _time("--end-at", said["end_at"]),
    }


def _waves(said: dict[str, Any]) -> list[dict[str, Any]]:
    limit = _limit(said["stop_at"], said["sample"])
    same = {"limit": limit, "success_percent": said["success"], "wait_s": said["wait"]}
    found = [
        {**same, "percent": one.percent, "count": one.count}
        for one in waves(said["waves_text"], Wave())
    ]
    if said["canaries"]:
        # Of a few chosen devices one that fails is too many.
        canaries = {**same, "devices": list(said["canaries"]), "limit": {"count": 1}}
        found.insert(0, canaries)
    return found


def _limit(text: str, sample: int) -> dict[str, Any]:
    if text == "never":
        return {"percent": None}
    said = _LIMIT.fullmatch(text)
    if said is None:
        raise InputError(f"--stop-at {text}: neither a share nor a count", hint="10%, 3 or never")
    if said[2]:
        return {"percent": int(said[1]), "sample": sample}
    return {"percent": None, "count": int(said[1])}


def _evidence(text: str) -> dict[str, int] | None:
    if text == "none":
        return None
    said = _RATES.fullmatch(text)
    if said is None:
        raise InputError(
            f"--evidence {text}: not three shares",
            hint="1%,5%,5%: 1 % may fail, 5 % must not, and 5 % of good releases may be stopped",
        )
    names = ("good_permille", "bad_permille", "alarm_permille")
    return {name: round(float(said[at]) * 10) for at, name in enumerate(names, 1)}


def _speed(text: str | None) -> int | None:
    if text is None:
        return None
    said = _SPEED.fullmatch(text)
    if said is None:
        raise InputError(f"--bandwidth {text}: not a number of bytes", hint="500kB, 5MB")
    return max(1, int(float(said[1]) * _UNITS[said[2]]))


def _time(option: str, text: str | None) -> int:
    if text is None:
        return 0
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp())
    except ValueError:
        raise InputError(f"{option} {text}: not a time", hint="2027-01-31T02:00") from None
