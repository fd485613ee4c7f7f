"""`edge report`: what a build costs and what its services may do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from edge.cli.build_text import build_lines
from edge.cli.output import Output
from edge.cli.sbom_text import difference_lines
from edge.cli.table import human, table
from edge.errors import RefusedError, ThingNotFoundError
from edge.hardening.protection import Standing
from edge.image import difference as builds
from edge.image import manifest
from edge.image.difference import rights
from edge.image.outputs import SBOM
from edge.sbom import cyclonedx, difference, reading
from edge.sbom.model import Sbom
from edge_agent.verity import BLOCK_BYTES


@click.command()
@click.argument("build", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--diff",
    "older",
    type=click.Path(path_type=Path, file_okay=False),
    help="What differs in rights, sizes, services and packages from this older build.",
)
@click.option(
    "--fail-on-gain",
    is_flag=True,
    help="With --diff: exit 5 if a service gained a right, or a protection is gone.",
)
@click.option(
    "--sbom",
    "kind",
    type=click.Choice(["spdx", "cyclonedx"]),
    help="Print the SBOM, as SPDX 2.3 or CycloneDX 1.6 in JSON.",
)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
@click.pass_obj
def report(
    output: Output,
    *,
    build: Path,
    older: Path | None,
    fail_on_gain: bool,
    kind: str | None,
    as_json: bool,
) -> None:
    r"""Print the sizes and the privileges of each service of the build folder BUILD.

    "alone" is what leaving a part out would save; files that parts share count in "with shared".
    Of the kernel those protections are listed that are not on, with how to get them; all of them
    are in the JSON.

    \b
    Examples:
      edge report out/
      edge report --diff out-1.1.0/ out/
      edge report --diff out-1.1.0/ out/ --fail-on-gain
      edge report out/ --sbom cyclonedx >sbom.cdx.json
    """
    output.as_json |= as_json
    if older is not None and kind is not None:
        raise click.UsageError("--diff and --sbom are two reports")
    if older is not None:
        _tell_difference(output, older, build, fail_on_gain=fail_on_gain)
        return
    if kind is not None:
        found = _sbom_document(build, kind)
        output.result(found, json.dumps(found, indent=1, sort_keys=True))
        return
    if fail_on_gain:
        raise click.UsageError("--fail-on-gain goes with --diff")
    facts = manifest.read(build)
    kernel = f"kernel {facts['kernel']}" if facts["kernel"] else "no kernel"
    head = f"{facts['system']} {facts['version']} for {facts['board']}, {kernel}"
    tables = (
        _sizes(facts["sizes"], facts["rootfs"]),
        _files(facts["files"]),
        _privileges(facts["privileges"]),
        *([_in_place(facts["in_place"])] if facts.get("in_place") else ()),
        *([_hardening(facts.get("hardening", ()))] if facts["kernel"] else ()),
    )
    output.result(facts, "\n\n".join((head, *("\n".join(lines) for lines in tables))))


def _in_place(images: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the table of services that are updated in place."""
    rows = [(name, human(one["data_blocks"] * BLOCK_BYTES)) for name, one in images.items()]
    return table(("updated in place", "image"), sorted(rows), right={1})


def _tell_difference(output: Output, older: Path, build: Path, *, fail_on_gain: bool) -> None:
    changes = builds.between(manifest.read(older), manifest.read(build))
    found = asdict(difference.between(_sbom(older), _sbom(build)))
    lines = [*build_lines(changes), *difference_lines(found["services"], found["packages"])]
    output.result({**asdict(changes), **found}, "\n".join(lines))
    if fail_on_gain and changes.is_weaker:
        raise RefusedError(
            f"{build} may do more, or is protected less, than {older}",
            hint="look at what the report says first; without --fail-on-gain it is told only",
        )


def _sbom_document(build: Path, kind: str) -> dict[str, Any]:
    if kind == "cyclonedx":
        return cyclonedx.document(_sbom(build), tool_version=version("edge-os"))
    _sbom(build)
    found: dict[str, Any] = json.loads((build / SBOM).read_bytes())
    return found


def _sbom(build: Path) -> Sbom:
    path = build / SBOM
    if not path.is_file():
        raise ThingNotFoundError(f"{path}: not there", hint="a build makes it: edge build")
    return reading.read(path.read_bytes(), str(path))


def _sizes(rows: Sequence[Mapping[str, Any]], rootfs: Mapping[str, Any] | None) -> list[str]:
    """Return the table of what is in the root; its first column adds up to the whole image."""
    head = ("in the root", "alone", "with shared")
    if rootfs is None:
        parts = [
            (row["part"], human(row["alone_bytes"]), human(row["total_bytes"])) for row in rows
        ]
        return table(head, parts, right={1, 2})
    data_bytes = rootfs["data_blocks"] * BLOCK_BYTES
    shared_bytes = data_bytes - sum(row["alone_bytes"] for row in rows)
    cells = [
        *((row["part"], human(row["alone_bytes"]), human(row["total_bytes"])) for row in rows),
        ("shared files, file system", human(max(shared_bytes, 0)), ""),
        ("hash tree", human(rootfs["total_bytes"] - data_bytes), ""),
        ("total", human(rootfs["total_bytes"]), ""),
    ]
    return table(head, cells, right={1, 2})


def _files(files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    cells = [(name, human(entry["bytes"])) for name, entry in sorted(files.items())]
    slot = [entry["bytes"] for name, entry in files.items() if name.startswith("slot/")]
    cells += [("total of slot/", human(sum(slot)))] if slot else []
    return table(("file", "size"), cells, right={1})


def _privileges(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    cells = [
        (
            *(row["name"], str(row["uid"]), row["net"]),
            "yes" if row.get("userns") == "new" else "no",
            "yes" if row.get("landlock") else "no",
            " ".join(row.get("listens", ())) or "-",
            "; ".join(rights(row)) or "none",
        )
        for row in rows
    ]
    head = ("service", "uid", "net", "userns", "Landlock", "listens", "rights")
    return table(head, cells, right={1})


def _hardening(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["protections of the kernel: this build does not say; build again"]
    missing = [row for row in rows if row["standing"] != Standing.ON]
    on = f"protections of the kernel: {len(rows) - len(missing)} of {len(rows)} are on"
    if not missing:
        return [on]
    cells = [(row["protection"], row["by"] or row["standing"], row["advice"]) for row in missing]
    return [on, *table(("not on", "by", "how to get it"), cells)]
