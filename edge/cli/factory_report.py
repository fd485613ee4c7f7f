"""`edge factory report`: yield, times, and what fails most."""

import csv
import io
from pathlib import Path
from typing import Any

import click

from edge import atomic
from edge.cli import clock
from edge.cli.factory_verify import LINE
from edge.cli.output import Output
from edge.cli.table import table


@click.command()
@LINE
@click.option("--station", default="", help="Of this station only.")
@click.option("--since", metavar="DATE", help="Of what ended since then: 2026-03-01, UTC.")
@click.option("--csv", "as_csv", is_flag=True, help="One row for each run, for a spreadsheet.")
@click.option(
    "--chart",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a picture of it, SVG.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
@click.pass_obj
def report(
    output: Output,
    *,
    line: Path,
    station: str,
    since: str | None,
    as_csv: bool,
    chart: Path | None,
    as_json: bool,
) -> None:
    r"""Print the yield of the folder LINE: of devices, in their first run, of each step.

    \b
    Examples:
      edge factory report line/
      edge factory report line/ --since 2026-03-01 --chart march.svg
      edge factory report line/ --csv >runs.csv
    """
    from edge.factory import chart as charts
    from edge.factory import line as lines
    from edge.factory import reading
    from edge.factory import report as reports

    output.as_json |= as_json
    if as_csv and output.as_json:
        raise click.UsageError("--csv and --json are two forms")
    model = lines.read(line)
    since_ms = 1000 * clock.since_s(since) if since is not None else 0
    entries = reading.of_line(line, model)
    if as_csv:
        found = [
            one
            for one in reports.rows(entries)
            if station in ("", one["station"]) and 1000 * one["at_s"] >= since_ms
        ]
        output.result({}, _csv(found))
        return
    figures = reports.figures(entries, since_ms=since_ms, station=station)
    if chart is not None:
        with atomic.file(chart) as stream:
            stream.write(charts.svg(figures, f"{model.line}: {model.product}").encode())
    output.result(figures.to_json(), "\n".join(_lines(figures.to_json())))


def _csv(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    made = io.StringIO()
    writer = csv.DictWriter(made, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _harmless(value) for key, value in row.items()})
    return made.getvalue().rstrip("\n")


def _harmless(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula: boards say what they like."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def _lines(found: dict[str, Any]) -> list[str]:
    cycle = found["cycle_s"]
    head = [
        f"{found['good']} of {found['devices']} devices are good ({found['yield_percent']:g} %),"
        f" {found['first_pass']} in the first run ({found['first_pass_percent']:g} %)",
        f"{found['runs']} runs, {found['reworked']} to be made again, {found['scrapped']} scrapped",
    ]
    if cycle:
        head.append(
            f"a good run takes {cycle['median']:g} s, nine of ten at most {cycle['p90']:g} s"
        )
    steps = [
        (
            one["step"],
            str(one["passed"]),
            str(one["failed"]),
            f"{one['yield_percent']:g} %",
            f"{one['seconds']['median']:g}" if one["seconds"] else "-",
        )
        for one in found["steps"]
    ]
    if steps:
        head += [
            "",
            *table(("step", "passed", "failed", "yield", "seconds"), steps, right={1, 2, 3, 4}),
        ]
    failures = [
        (str(one["count"]), one["step"] or "station", one["reason"])
        for one in found["failures"][:10]
    ]
    if failures:
        head += ["", *table(("failed", "in", "as"), failures, right={0})]
    return head
