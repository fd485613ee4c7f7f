"""`edge releases sbom`: the services and packages of a release, and what changed in them."""

import sys
from typing import Any

import click

from edge.cli import console_options
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sbom_text import difference_lines, package_lines, service_lines
from edge.cli.table import human, visible
from edge.console.client import Client, part
from edge.errors import InputError


@click.command("sbom")
@click.argument("version")
@click.option("--from", "before", default="", help="What differs from this earlier release.")
@click.option("--match", default="", help="Only packages with these words: name, licence, place …")
@click.option("--service", default="", help="Only packages that this service holds.")
@click.option("--raw", is_flag=True, help="The document itself, byte for byte as it was signed.")
@click.option("--product", default="", help="Where two products have that version.")
@console_options.options
@JSON
@click.pass_obj
def sbom(
    output: Output,
    *,
    version: str,
    before: str,
    match: str,
    service: str,
    raw: bool,
    product: str,
    client: Client,
    as_json: bool,
) -> None:
    r"""Show the services and packages of a release, or what changed since an earlier one.

    The release has it when the build that was released did; it is signed with the release.

    \b
    Examples:
      edge releases sbom 1.2.0
      edge releases sbom 1.2.0 --match 'openssl' --service web
      edge releases sbom 1.2.0 --from 1.1.0
      edge releases sbom 1.2.0 --raw > sbom.spdx.json
    """
    output.as_json |= as_json
    chosen = [name for name, given in (("--match", match), ("--service", service)) if given]
    if raw and (before or chosen):
        raise InputError("--raw is the whole document", hint="leave the other options out")
    if before and chosen:
        raise InputError(f"{chosen[0]} chooses packages of one release", hint="leave out --from")
    path = f"/releases/{part(version)}/sbom"
    if raw:
        _give(client.file(f"{path}/document", product=product))
    elif before:
        _compare(output, client, path, {"from": before, "product": product})
    else:
        words = {"product": product, "match": match, "service": service}
        _show(output, client, path, words)


def _give(document: bytes) -> None:
    sys.stdout.buffer.write(document)
    sys.stdout.buffer.flush()


def _show(output: Output, client: Client, path: str, words: dict[str, str]) -> None:
    found = _whole(client, path, words)
    head = (
        f"{visible(found['name'])}, {human(found['length_bytes'])},"
        f" sha256 {found['sha256']}: {found['total']} packages"
    )
    lines = [head, "", *service_lines(found["services"]), "", *package_lines(found["packages"])]
    output.result(found, "\n".join(lines))


def _compare(output: Output, client: Client, path: str, words: dict[str, str]) -> None:
    found = _whole(client, f"{path}/difference", words)
    head = f"from {found['before']} to {found['version']}"
    lines = [head, "", *difference_lines(found["services"], found["packages"])]
    output.result(found, "\n".join(lines))


def _whole(client: Client, path: str, words: dict[str, str]) -> dict[str, Any]:
    """Return the answer with the packages of all pages."""
    found: dict[str, Any] = client.get(path, limit=500, **words)
    following = found.pop("next")
    while following:
        page = client.get(path, limit=500, after=following, **words)
        found["packages"] += page["packages"]
        following = page["next"]
    return found
