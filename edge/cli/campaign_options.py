"""What campaigns are made with, as options of commands, or as a file that says the same."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from edge.cli import campaign_plan, campaign_request
from edge.cli.campaign_words import Duration, duration_text
from edge.console.campaigns.plan import ON_TRIP
from edge.errors import InputError
from edge_signing.messages import CONFIRMS, REBOOTS

_LONG_S: Final = 10**9


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a plan.

    Attributes:
        words: All options, by name: as written, else as the file says, else as they are by default.
        given: Which of them somebody wrote, in the command or in the file.
    """

    words: Mapping[str, Any]
    given: frozenset[str]

    def body(self) -> dict[str, Any]:
        """Return the body of the request for the whole plan.

        Raises:
            InputError: No release is said, or a word can not be read.
        """
        if not any(self.words["versions"]):
            raise InputError("no release is said", hint="--release 1.2.0, or `release` in the plan")
        return campaign_request.body(**self.words)


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a plan; it gets them as `said`."""

    @functools.wraps(command)
    def wrapped(*given: Any, plan: Path | None, **others: Any) -> None:
        words = {name: others.pop(name) for name in _NAMES}
        command(*given, said=_said(words, plan), **others)

    for option in reversed((_PLAN, *_OPTIONS)):
        wrapped = option(wrapped)
    return wrapped


def _said(words: dict[str, Any], plan: Path | None) -> Said:
    source = click.get_current_context().get_parameter_source
    written = {name for name in words if source(name) is not ParameterSource.DEFAULT}
    filed = campaign_plan.read(plan).words() if plan else {}
    if "waves_text" in written:
        filed.pop("waves", None)
    taken = {name: value for name, value in filed.items() if name not in written}
    return Said({**words, **taken}, frozenset(written | set(taken)))


def _seconds(name: str, default: int, text: str, least: int = 0) -> Callable[..., Any]:
    return click.option(
        f"--{name}",
        type=Duration(least, _LONG_S),
        default=duration_text(default),
        show_default=True,
        metavar="DURATION",
        help=text,
    )


_PLAN: Final = click.option(
    "--plan",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file that says what these options say, and more of each wave.",
)
_OPTIONS: Final = (
    click.option(
        "--release",
        "versions",
        multiple=True,
        metavar="VERSION",
        help="What to bring. Repeatable: with versions of services it is a set.",
    ),
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
    click.option("--per-minute", type=click.IntRange(0), help="So many orders a minute; 0: any."),
    click.option("--bandwidth", metavar="BYTES", help="A second, for all devices: 5MB; 'none'."),
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
    click.option(
        "--confirm-until",
        metavar="TIME",
        help="From then on they are asked no more: 2027-01-31T02:00, or 3d from now.",
    ),
)
_NAMES: Final = (
    *("versions", "product", "target", "waves_text", "canaries", "success", "stop_at", "sample"),
    *("wait", "evidence", "on_trip", "soak", "silence", "timeout", "answer", "seen", "at_once"),
    *("per_minute", "bandwidth", "start_at", "end_at", "approvals", "priority", "tries"),
    *("dynamic", "download_only", "reboot", "window", "confirm", "confirm_until"),
)
