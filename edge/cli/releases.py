"""`edge releases`: the releases of a console. Those of a repository here are `edge release`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from edge.cli import console_options, facts
from edge.cli.console_options import JSON
from edge.cli.output import Output
from edge.cli.sections import LazyGroup
from edge.cli.table import table
from edge.console.client import Client, part
from edge.errors import InputError
from edge.release import catalogue, export
from edge.repository.repository import Repository

_PRODUCT = click.option("--product", default="", help="Where two products have that version.")


@click.group(cls=LazyGroup)
def releases() -> None:
    r"""See the releases of a console, and bring it new ones.

    \b
    Examples:
      edge releases add 1.2.0 --repo repo/
      edge releases list
    """


releases.add_lazily(
    {
        "add-file": "edge.cli.releases_file:add_file",
        "collect": "edge.cli.releases_collect:collect",
        "sbom": "edge.cli.releases_sbom:sbom",
    }
)


@releases.command("list")
@_PRODUCT
@console_options.options
@JSON
@click.pass_obj
def list_releases(output: Output, *, product: str, client: Client, as_json: bool) -> None:
    r"""List the releases of the console.

    \b
    Example:
      edge releases list --product gateway
    """
    output.as_json |= as_json
    found = list(client.pages("/releases", "releases", product=product))
    rows = [_row(one) for one in found]
    head = ("product", "version", "kind", "counter", "boards", "patches", "state")
    text = "\n".join(table(head, rows, right={3})) if rows else "no releases"
    output.result({"releases": found}, text)


@releases.command("show")
@click.argument("version")
@_PRODUCT
@console_options.options
@JSON
@click.pass_obj
def show(output: Output, *, version: str, product: str, client: Client, as_json: bool) -> None:
    r"""Show a release of the console.

    \b
    Example:
      edge releases show 1.2.0
    """
    output.as_json |= as_json
    found = client.get(f"/releases/{part(version)}", product=product)
    files = found["files"]
    counters = {name: str(found[name]) for name in ("counter", "from_counter") if name in found}
    lines = list(facts.lines({**found, "files": [], **counters}, width=12))
    if files:
        rows = [(one["name"], " ".join(one["boards"]), one["sha256"]) for one in files]
        lines += ["", *table(("file", "boards", "sha256"), rows)]
    output.result(found, "\n".join(lines))


@releases.command("add")
@click.argument("what", metavar="BUNDLE|VERSION")
@click.option(
    "--repo",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("repo"),
    show_default=True,
    help="Folder of the repository that has VERSION.",
)
@_PRODUCT
@console_options.options
@JSON
@click.pass_obj
def add(
    output: Output, *, what: str, folder: Path, product: str, client: Client, as_json: bool
) -> None:
    r"""Bring the console a release: it verifies it, then stores it.

    BUNDLE is a file; VERSION a release of a repository, which also gives what its metadata names
    besides: patches, chunks, disk images, SBOMs, other releases.

    \b
    Examples:
      edge releases add gateway-1.2.0.edge
      edge releases add 1.2.0 --repo repo/
    """
    output.as_json |= as_json
    if Path(what).is_file():
        told = client.upload("POST", "/releases", Path(what))
    else:
        told = _from_repository(output, client, folder, what, product)
    changed = [f"{one['product']} {one['version']}: {_state(one)}" for one in told["changed"]]
    missing = [f"missing: {_file(one)}" for one in told["missing"]]
    output.result(told, "\n".join([*changed, *missing]) or "the console had it already")
    if needed := [one for one in told["missing"] if not one["is_optional"]]:
        raise InputError(
            f"{len(needed)} files are missing, and what needs them is not published",
            hint="edge releases add VERSION --repo, from the repository that has them",
        )


def _from_repository(
    output: Output, client: Client, folder: Path, version: str, product: str
) -> dict[str, Any]:
    repository = Repository.open(folder)
    entry = catalogue.find(repository, version, product or None, published=True)
    changed: dict[str, Any] = {}
    with _bundled(repository, entry) as bundle:
        told = client.upload("POST", "/releases", bundle)
    changed |= {one["path"]: one for one in told["changed"]}
    # Documents that come name further files: asked again until nothing more is here.
    while here := [one for one in told["missing"] if (folder / one["name"]).is_file()]:
        with output.task(
            "upload", total=sum(one["length_bytes"] for one in here), unit="B"
        ) as task:
            for one in here:
                told = client.upload("PUT", f"/objects/{one['sha256']}", folder / one["name"])
                changed |= {found["path"]: found for found in told["changed"]}
                task.advance(one["length_bytes"])
    return {"changed": list(changed.values()), "missing": told["missing"]}


@contextmanager
def _bundled(repository: Repository, entry: catalogue.Entry) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="edge-releases-") as name:
        path = Path(name) / "update.edge"
        export.write(repository, entry, path, base_version=None)
        yield path


def _file(one: dict[str, Any]) -> str:
    note = ", an SBOM: all is published without it" if one["is_optional"] else ""
    return f"{one['name']} ({one['length_bytes']} bytes{note})"


def _state(one: dict[str, Any]) -> str:
    return "published" if one["is_published"] else "waits for files"


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["product"],
        one["version"],
        one["kind"],
        str(one["counter"]),
        " ".join(one["boards"]),
        str(len(one["patches"])),
        _state(one),
    )
