"""`edge doctor`: what this machine lacks, and the command that brings it."""

import sys

import click

from edge import toolbox
from edge.cli.output import Output


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def doctor(output: Output, *, as_json: bool) -> None:
    """Say what this machine has and lacks for Edge, and the command that brings it.

    Ends with status 1 when something is missing.
    """
    output.as_json |= as_json
    findings = toolbox.report()
    missing = [finding for finding in findings if not finding.found]
    width = max(len(finding.tool) for finding in findings)
    lines = [
        f"{'ok     ' if finding.found else 'MISSING'} {finding.tool:{width}}  "
        + (finding.what_for if finding.found else f"{finding.what_for}: run {finding.bring}")
        for finding in findings
    ]
    lines.append(
        f"{len(missing)} of {len(findings)} things are missing" if missing else "all is there"
    )
    facts = [
        {"tool": f.tool, "found": f.found, "where": f.where, "for": f.what_for, "bring": f.bring}
        for f in findings
    ]
    output.result({"missing": len(missing), "findings": facts}, "\n".join(lines))
    if missing:
        sys.exit(1)
