"""`edge factory verify`, `merge`: whether the records of a line are whole; copies made one."""

from collections.abc import Sequence
from pathlib import Path

import click

from edge.cli.output import Output
from edge.errors import UntrustedError

LINE = click.argument("line", type=click.Path(path_type=Path, file_okay=False))


@click.command()
@LINE
@click.pass_obj
def verify(output: Output, *, line: Path) -> None:
    r"""Check all ledgers of the folder LINE: each byte, and that no record is false or double.

    \b
    Example:
      edge factory verify line/
    """
    from edge.factory import line as lines
    from edge.factory import reading

    found = reading.verified(line, lines.read(line))
    text = "\n".join(f"✓ {name}: {count} entries" for name, count in found.counts.items())
    if not found.has_authority:
        text += "\ncertificates were not looked at: the line has no ca/factory.crt"
    facts = {
        "stations": found.counts,
        "certificates": found.has_authority,
        "findings": found.findings,
    }
    output.result(facts, text if not found.findings else "")
    _require_none(found.findings, line)


@click.command()
@LINE
@click.argument("other", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.pass_obj
def merge(output: Output, *, line: Path, other: Path) -> None:
    r"""Bring what another copy of a line has more, the folder OTHER, into the folder LINE.

    Of a station the longer ledger is kept. Where two copies differ, both are, and it is told; so
    are ids, keys and boards that are there twice.

    \b
    Example:
      edge factory merge line/ /media/stick/line/
    """
    from edge.factory.merge import merge as merge_lines

    found = merge_lines(line, other)
    text = "\n".join(f"{name}: {count} entries more" for name, count in found.added.items())
    output.result(
        {"added": found.added, "diverged": found.diverged, "findings": found.findings}, text
    )
    _require_none(found.findings, line)


def _require_none(findings: Sequence[str], line: Path) -> None:
    """Fail when something was found.

    Raises:
        UntrustedError: It was.
    """
    if findings:
        shown = "\n".join(f"  {one}" for one in findings[:20])
        more = f"\n  and {len(findings) - 20} more" if len(findings) > 20 else ""
        raise UntrustedError(f"{line}: {len(findings)} of its records are not right\n{shown}{more}")
