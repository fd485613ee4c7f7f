"""`edge factory station`: work places of a line, each with ids and an authority of its own."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.cli import ask, clock
from edge.cli.factory_init import PASSPHRASE
from edge.cli.factory_verify import LINE
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.errors import ThingNotFoundError

if TYPE_CHECKING:
    from edge.factory.line import Line

DAYS = click.option(
    "--days",
    type=click.IntRange(1, 400),
    default=90,
    show_default=True,
    help="How long the station may make devices.",
)
CERTIFICATES = click.option(
    "--certificates",
    type=click.IntRange(1),
    help="How many it may sign in that time, else a quarter more than --count.",
)
COUNT = click.option(
    "--count",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many ids it gets.",
)


@click.group(cls=LazyGroup)
def station() -> None:
    r"""Add work places to a line, give them ids, and list them.

    \b
    Examples:
      edge factory station add line/ S1 --count 1000
      edge factory station list line/
    """


@station.command("add")
@LINE
@click.argument("name")
@COUNT
@CERTIFICATES
@DAYS
@PASSPHRASE
@click.pass_obj
def add(
    output: Output,
    *,
    line: Path,
    name: str,
    count: int,
    certificates: int | None,
    days: int,
    passphrase_file: Path | None,
) -> None:
    r"""Give the station NAME of the folder LINE its next ids, and an authority if it has none.

    No two stations get the same ids. Each run uses up one certificate, as each makes a new key.

    \b
    Example:
      edge factory station add line/ S1 --count 1000
    """
    from edge.factory import ids
    from edge.factory import line as lines
    from edge.factory.identity import station as authorities

    model = lines.read(line)
    span = model.ids.span if model.ids.source == "range" else None
    if span is not None:  # else a station would be left that has no ids
        ids.following(ids.read(line), span, name, count)
    is_new = not (line / authorities.FOLDER / name / authorities.FILE).exists()
    if is_new:
        many = certificates or count + -(-count // 4)
        _issue(line, model, name, many, days, passphrase_file, renew=False)
    text = f"{name}: added" if is_new else f"{name}: it is there"
    facts: dict[str, object] = {"station": name, "added": is_new}
    if span is not None:
        made = ids.hand_out(line, span, name, count)
        facts |= {"first": span.name(made.first), "last": span.name(made.last)}
        text += f", with the ids {facts['first']} to {facts['last']}"
    output.result(facts, text)


@station.command("renew")
@LINE
@click.argument("name")
@click.option(
    "--certificates",
    type=click.IntRange(1),
    default=1250,
    show_default=True,
    help="How many it may sign in that time.",
)
@DAYS
@PASSPHRASE
@click.pass_obj
def renew(
    output: Output,
    *,
    line: Path,
    name: str,
    certificates: int,
    days: int,
    passphrase_file: Path | None,
) -> None:
    r"""Give the station NAME a new authority, when its time or its number is used up.

    \b
    Example:
      edge factory station renew line/ S1 --certificates 5000
    """
    from edge.factory import line as lines

    model = lines.read(line)
    if name not in lines.station_names(line):
        raise ThingNotFoundError(f"there is no station {name!r}", hint="edge factory station add")
    _issue(line, model, name, certificates, days, passphrase_file, renew=True)
    output.result(
        {"station": name, "certificates": certificates, "days": days},
        f"{name}: {certificates} certificates in {days} days",
    )


@station.command("list")
@LINE
@click.pass_obj
def list_stations(output: Output, *, line: Path) -> None:
    r"""List the stations of the folder LINE: their ids, and what they may yet sign.

    \b
    Example:
      edge factory station list line/
    """
    from edge.factory import ids
    from edge.factory import line as lines

    model = lines.read(line)
    span, ranges = model.ids.span, ids.read(line)
    rows, facts = [], []
    for name in lines.station_names(line):
        own = [one for one in ranges if one.station == name]
        spans = [f"{span.name(one.first)}..{span.name(one.last)}" for one in own if span]
        until, left = _authority(lines.station_folder(line, name))
        rows.append((name, " ".join(spans) or "-", str(left), until))
        facts.append({"station": name, "ids": spans, "certificates_left": left, "until": until})
    head = ("station", "ids", "may sign", "until")
    output.result({"stations": facts}, "\n".join(table(head, rows, right={2})))


def _authority(folder: Path) -> tuple[str, int]:
    """Return until when a station may sign, and how many."""
    from edge.factory.identity import station as authorities
    from edge.keys import secrets

    found = authorities.open_station(folder, secrets.nobody)
    return f"{clock_of(found.grant.until_s)}", found.left


def clock_of(seconds: int) -> str:
    """Return a date, of seconds since 1970."""
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _issue(
    folder: Path,
    line: "Line",
    name: str,
    devices: int,
    days: int,
    passphrase_file: Path | None,
    *,
    renew: bool,
) -> None:
    from edge.factory.identity import authority
    from edge.factory.identity import station as authorities

    opened = authority.open(folder, ask.secrets_from(passphrase_file))
    span = line.ids.span
    authorities.issue(
        opened,
        name,
        prefix=span.prefix if span else line.ids.prefix,
        devices=devices,
        lifetime=timedelta(days=days),
        now=clock.now(),
        renew=renew,
    )
