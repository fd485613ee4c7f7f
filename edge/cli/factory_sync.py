"""`edge factory sync`: tell a console what the stations of a line have made."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from edge import atomic
from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.table import table
from edge.console.client import Client, KeptClient
from edge.console.factory import sync as telling
from edge.console.factory.sync import Told
from edge.errors import LinkError, RefusedError, ThingNotFoundError
from edge.factory import ledger, reading, records
from edge.factory import line as lines
from edge.factory.line import Line
from edge.factory.made import Made
from edge_agent.backoff import Backoff
from edge_signing import canonical

FILE: Final = "sync.json"
_HEAD: Final = ("station", "records", "known there", "sent", "new", "newer", "conflicts", "refused")
_FIRST_S: Final = 2.0
_MOST_S: Final = 600.0
# A console that was restored from an older copy is told again what it has forgotten.
_ASK_AGAIN_S: Final = 3600.0


@click.command("sync")
@click.argument("folder", metavar="LINE", type=click.Path(path_type=Path, file_okay=False))
@click.option("--console", "url", envvar="EDGE_CONSOLE_URL", help="https://fleet.example.com:8444")
@click.option(
    "--token-file",
    envvar="EDGE_CONSOLE_TOKEN_FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its first line is a token with the scope factory:write.",
)
@click.option(
    "--ca",
    envvar="EDGE_CONSOLE_CA",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Certificate of the console's authority; else those of the system.",
)
@click.option("--station", "only", help="Of this station alone; else of all.")
@click.option("--watch", is_flag=True, help="Go on until it is ended; wait when it is not there.")
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(1, 86400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="With --watch: how often the ledgers are looked at.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be sent, and send nothing.")
@JSON
@click.pass_obj
def sync(
    output: Output,
    *,
    folder: Path,
    url: str | None,
    token_file: Path | None,
    ca: Path | None,
    only: str | None,
    watch: bool,
    every_s: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    r"""Tell a console what the stations of LINE have made.

    The console is asked what it does not know, and is told that; the same again changes nothing. A
    line may be offline for days. Each ledger is verified before anything of it is told.

    \b
    Examples:
      edge console token 'line hall-3' --scope factory:write > line.token
      edge factory sync line/ --console https://fleet.example.com:8444 --token-file line.token
      edge factory sync line/ --watch                     # the console of `edge console login`
    """
    output.as_json |= as_json
    client = KeptClient(Client(console_options.address(url, token_file, ca)))
    round_ = Round(folder, lines.read(folder), client, only or "", dry_run, output)
    try:
        if watch:
            watch_line(round_, every_s)
        else:
            _report(round_, round_.go())
    finally:
        client.close()


@dataclass(slots=True)
class Round:
    """Looks at the ledgers of a line, again and again.

    Attributes:
        folder: Of the line.
        line: What it is.
        client: To the console.
        only: The one station that is meant; empty for all.
        is_trial: Nothing is sent.
        output: Where it is told.
        seen: The ledgers that were told, as they were then.
    """

    folder: Path
    line: Line
    client: Client
    only: str
    is_trial: bool
    output: Output
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def stations(self) -> tuple[str, ...]:
        """Return the stations that are meant.

        Raises:
            ThingNotFoundError: There is no such one.
        """
        found = lines.station_names(self.folder)
        if self.only and self.only not in found:
            raise ThingNotFoundError(
                f"{self.folder}: no station {self.only!r}", hint=f"known: {', '.join(found)}"
            )
        return (self.only,) if self.only else found

    def go(self) -> list[Told]:
        """Tell all that is new since the last time; return what became of it.

        Raises:
            EdgeError: The console says no, or can not be reached; or a ledger was changed.
        """
        found = []
        for station in self.stations():
            mark = self._mark(station)
            if self.seen.get(station) == mark:
                continue
            made = _made(self.folder, self.line, station)
            with self.output.task(f"{station}: telling {len(made)} records") as task:
                told = telling.tell(
                    self.client,
                    self.line.line,
                    station,
                    made,
                    is_trial=self.is_trial,
                    on_records=task.advance,
                )
            self.seen[station] = mark
            found.append(told)
            if not self.is_trial:
                self._keep(told)
        return found

    def _mark(self, station: str) -> tuple[int, int]:
        file = lines.station_folder(self.folder, station) / ledger.FILE
        try:
            found = file.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_size, found.st_mtime_ns

    def _keep(self, told: Told) -> None:
        """Write down how it ended, for who looks at the station; nothing is read from there."""
        said = {"at_s": int(time.time()), "console": self.client.url, **told.to_json()}  # noqa: TID251
        with atomic.file(lines.station_folder(self.folder, told.station) / FILE) as stream:
            stream.write(canonical.encode(said) + b"\n")


def _made(folder: Path, line: Line, station: str) -> list[Made]:
    # All of it is verified before anything is told.
    return list(records.made_of(reading.of_station(folder, line, station)))


def _report(round_: Round, told: list[Told]) -> None:
    _print(round_, told)
    bad = sum(one.bad for one in told)
    if bad:
        raise RefusedError(
            f"records that were not taken as they are: {bad}",
            hint="the console's page Factory shows conflicts; what is refused can be sent again,"
            " when the console knows the line by its ca/factory.crt (--factory-ca)",
        )


def _print(round_: Round, told: list[Told]) -> None:
    rows = []
    for one in told:
        counts = [one.outcomes[name] for name in telling.SHOWN]
        rows.append((one.station, *map(str, (one.records, one.here, one.sent, *counts))))
    text = table(_HEAD, rows) if rows else ["no station has a ledger"]
    text += [
        f"{one.station} {each.number}: {each.device}: {each.outcome}: {each.problem}"
        for one in told
        for each in one.problems
    ]
    said = {
        "line": round_.line.line,
        "console": round_.client.url,
        "dry_run": round_.is_trial,
        "stations": [one.to_json() for one in told],
    }
    round_.output.result(said, "\n".join(text))


def watch_line(round_: Round, every_s: int, sleep: Callable[[float], None] = time.sleep) -> None:
    """Tell what is new, now and then, until somebody ends it."""
    backoff = Backoff(random.SystemRandom().random, first_s=_FIRST_S, most_s=_MOST_S)
    asked_at_s = time.monotonic()
    while True:
        if time.monotonic() - asked_at_s > _ASK_AGAIN_S:
            round_.seen.clear()
            asked_at_s = time.monotonic()
        try:
            told = round_.go()
        except LinkError as error:
            wait_s = max(1.0, backoff.next_s())
            round_.output.line(f"{error}; again in {wait_s:.0f} s", style="yellow")
            sleep(wait_s)
            continue
        backoff.reset()
        if any(one.sent for one in told):
            _print(round_, told)
        sleep(every_s)
