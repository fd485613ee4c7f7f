"""`edge doctor`: what this machine lacks, and the command that brings it."""

import sys

import click

from edge import toolbox
from edge.cli.output import Output


@click.command()
@click.option("--install", is_flag=True, help="First fetch the build tools (needs no root).")
@click.option("--missing", is_flag=True, help="List only what is missing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def doctor(output: Output, *, install: bool, missing: bool, as_json: bool) -> None:
    r"""Say what this machine lacks, and the command that brings it.

    The build tools (QEMU, mkfs.erofs, a compiler …) are not installed on the machine: they are
    Debian packages, unpacked in the cache. Ends with status 1 when something is missing.

    \b
    Examples:
      edge doctor
      edge doctor --install --missing
    """
    output.as_json |= as_json
    if install:
        toolbox.install(output)
    findings = toolbox.report()
    lacking = [finding for finding in findings if not finding.found]
    width = max(len(finding.tool) for finding in findings)
    lines = [
        f"{'ok     ' if finding.found else 'MISSING'} {finding.tool:{width}}  "
        + (finding.what_for if finding.found else f"{finding.what_for}: run {finding.bring}")
        for finding in (lacking if missing else findings)
    ]
    lines.append(
        f"{len(lacking)} of {len(findings)} things are missing"
        if lacking
        else f"all {len(findings)} things that Edge needs are there"
    )
    facts = [
        {"tool": f.tool, "found": f.found, "where": f.where, "for": f.what_for, "bring": f.bring}
        for f in findings
    ]
    output.result({"missing": len(lacking), "findings": facts}, "\n".join(lines))
    if lacking:
        sys.exit(1)
