"""`edge report`: what a build costs and what its services may do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from edge.cli.output import Output
from edge.image import manifest


@click.command()
@click.argument("build", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="The whole manifest as JSON.")
@click.pass_obj
def report(output: Output, *, build: Path, as_json: bool) -> None:
    """Print the sizes and the privileges of each service of the build folder BUILD."""
    output.as_json |= as_json
    facts = manifest.read(build)
    lines = [f"{facts['system']} {facts['version']} for {facts['board']}", "", *_sizes(facts)]
    lines += ["", *_privileges(facts["privileges"])]
    output.result(facts, "\n".join(lines))


def _sizes(facts: Mapping[str, Any]) -> list[str]:
    lines = [f"{'part':22}{'alone KiB':>12}{'with shared KiB':>18}"]
    for row in facts["sizes"]:
        lines.append(
            f"{row['part']:22}{row['alone_bytes'] // 1024:>12}{row['total_bytes'] // 1024:>18}"
        )
    for name, entry in facts["files"].items():
        lines.append(f"{name:22}{entry['bytes'] // 1024:>12}")
    return lines


def _privileges(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"{'service':14}{'uid':>7}  {'net':6} rights"]
    for row in rows:
        rights = [word.removeprefix("CAP_") for word in row["capabilities"]]
        if len(rights) > 20:
            rights = ["all capabilities"]
        rights += [f"joins {', '.join(row['joined'])}"] if row["joined"] else []
        rights += [f"device {device}" for device in row["devices"]]
        rights += [f"writes {path}" for path in row["writable"]]
        rights += ["no seccomp"] if row["seccomp"] == "unconfined" else []
        lines.append(
            f"{row['name']:14}{row['uid']:>7}  {row['net']:6} {'; '.join(rights) or 'none'}"
        )
    return lines
